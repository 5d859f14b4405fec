/** What a viewer has not taken yet waits in this process; more than this is not kept for it: it comes back and goes on. */
const maxWaitingBytes = 256 * 1024;

export const tooFarBehind = (waitingBytes: number) => waitingBytes > maxWaitingBytes;
