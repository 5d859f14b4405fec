/** The runs that this process watches, each once. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { awayFor } from '../problems.js';
import type { Runs } from '../runs.js';
import { historyOf } from './history.js';
import { chainOf } from './moment.js';
import { watchRun, type Look, type Watch } from './watch.js';

export interface LiveOptions {
  readonly client: Client;
  readonly runs: Runs;
  readonly log: Logger;
  /** Those who watch are sent elsewhere at once. */
  readonly closing: AbortSignal;
  /** Less than the minute after which proxies drop a silent connection. */
  readonly heartbeatMs?: number;
  /** How long a run's events are kept for those who come back. */
  readonly keptMs?: number;
  /** Temporal serves 1,200 long polls per namespace and server; each watched run is one. */
  readonly maxRuns?: number;
  readonly maxViewers?: number;
}

export type LiveRuns = ReturnType<typeof liveRuns>;

export function liveRuns({
  client,
  runs,
  log,
  closing,
  heartbeatMs = 15_000,
  keptMs = 60_000,
  maxRuns = 500,
  maxViewers = 5_000,
}: LiveOptions) {
  const watches = new Map<string, Watch>();
  const looks = new Map<string, () => Promise<Look>>();
  const nextOfHistory = historyOf(client);

  const heartbeat = setInterval(() => {
    for (const { viewers } of watches.values()) for (const viewer of viewers.keys()) viewer.beat();
  }, heartbeatMs).unref();
  closing.addEventListener(
    'abort',
    () => {
      clearInterval(heartbeat);
      for (const watch of [...watches.values()]) watch.interrupt();
    },
    { once: true },
  );

  /** @throws Problem 404 for what is no run of this tenant, 503 while Temporal is away */
  async function open(tenant: string, workflowId: string): Promise<Watch> {
    const key = `${tenant} ${workflowId}`;
    const known = watches.get(key);
    const watch = known?.isCurrent() ? known : await lookedUp(tenant, workflowId, key);
    if (closing.aborted) throw awayFor('not-ready', 'This API process stops just now. Ask again: another one answers.');
    needRoom(watch);
    return watch;
  }

  async function lookedUp(tenant: string, workflowId: string, key: string): Promise<Watch> {
    const look = looks.get(key) ?? gathered(() => runs.look(tenant, workflowId));
    looks.set(key, look);
    const seen = await look().finally(() => looks.delete(key));
    const known = watches.get(key);
    if (known?.chain === chainOf(seen.facts)) {
      known.take(seen);
      return known;
    }
    known?.interrupt(); // a run of the same ID before a redrive
    const watch: Watch = watchRun({
      workflowId,
      first: seen,
      look: () => runs.look(tenant, workflowId),
      nextOfHistory,
      log,
      keptMs,
      forget: () => void (watches.get(key) === watch && watches.delete(key)),
    });
    watches.set(key, watch);
    return watch;
  }

  function needRoom(watch: Watch): void {
    const all = [...watches.values()].filter(({ viewers }) => viewers.size > 0);
    const viewers = all.reduce((sum, { viewers }) => sum + viewers.size, 0);
    if (viewers < maxViewers && (all.length < maxRuns || watch.viewers.size > 0)) return;
    throw awayFor(
      'too-many-viewers',
      `This API process serves ${viewers} viewers of ${all.length} runs, and can’t take more. Poll the run with GET, or try again.`,
    );
  }

  return { open };
}

/** Whoever asks while the work is done is served by the next round of it, all at once: never by what was begun before. */
function gathered<T>(work: () => Promise<T>): () => Promise<T> {
  let [running, next]: (Promise<T> | undefined)[] = [];
  const start = () => {
    next = undefined;
    return (running = work().finally(() => void (running = next))); // a promise that it gave back would be waited for
  };
  return () => (running === undefined ? start() : (next ??= running.then(start, start)));
}
