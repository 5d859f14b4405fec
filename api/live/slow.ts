/** What a viewer has not taken yet waits in this process; more than this is not kept for it: it comes back and goes on. */
import type { Logger } from 'pino';

const maxWaitingBytes = 256 * 1024;

export function isTooFarBehind(waitingBytes: number, log: Logger): boolean {
  if (waitingBytes <= maxWaitingBytes) return false;
  log.debug({ waitingBytes }, 'A viewer is dropped: it does not read');
  return true;
}
