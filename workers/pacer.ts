import { setTimeout as pause } from 'node:timers/promises';

/** Spreads what it lets through evenly, at most `perSecond`, over all callers of this process. */
export function pacer(perSecond: number): () => Promise<void> | void {
  const intervalMs = 1_000 / perSecond;
  let next = 0;
  return () => {
    const now = performance.now();
    const turn = Math.max(now, next);
    next = turn + intervalMs;
    return turn > now ? pause(turn - now) : undefined;
  };
}
