/**
 * Ctrl-C, SIGTERM, a closed terminal: the first asks for an orderly end, another one more than a second later for an
 * end at once (npm sends each signal twice within a millisecond).
 */

/** @returns the first signal; `again` is called at the second */
export function untilSignal(again: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const heed = (signal: NodeJS.Signals) => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        resolve(signal);
      } else if (Date.now() - firstAt > 1_000) {
        again();
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heed);
    whenNpmDies(() => heed('SIGTERM'));
  });
}

/** npm hands signals on, but a kill -9 of npm can't be: its `exec node` then has another parent. */
function whenNpmDies(then: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const npm = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(watch);
    then();
  }, 500);
  watch.unref();
}
