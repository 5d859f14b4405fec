/** One clock for all processes of this machine: milliseconds with fractions, since some moment of its own. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6; // CLOCK_MONOTONIC, the same in each process
