/** One run watched by this process: one poll of Temporal, however many viewers, and none once they have gone. */
import type { Logger } from 'pino';
import { isTemporalAway } from '../../temporal/errors.js';
import { pause } from '../../temporal/pause.js';
import { isClosed, type RunFacts } from '../../temporal/run.js';
import { Problem } from '../problems.js';
import type { Run } from '../run.js';
import { startOf, type NextOfHistory, type Place } from './history.js';
import { liveEvent, withProgressOf, type LiveEvent } from './live-event.js';
import { chainOf, isOlder, momentOf, newsOf, type Moment } from './moment.js';

/** For those who come back; ten seconds of a run that changes all the time. */
const keptEvents = 100;
const betweenLooksMs = 100;
/** A worker that did not answer is asked again, at longer and longer intervals: no event may tell when it is back. */
const askAgainMs = { first: 2_500, last: 30_000 };
const tryAgainMs = { first: 200, last: 5_000 };
/** Polled on for those who come back at once: they miss nothing. */
const polledOnMs = 3_000;

export interface Look {
  readonly facts: RunFacts;
  readonly run: Run;
}

export interface Viewer {
  send(event: LiveEvent): void;
  /** Tells that both sides are there. */
  beat(): void;
  /** @param why the run has ended; or what follows has to be asked for again */
  end(why: 'ended' | 'interrupted'): void;
}

export interface WatchOptions {
  readonly workflowId: string;
  readonly first: Look;
  readonly look: () => Promise<Look>;
  readonly nextOfHistory: NextOfHistory;
  readonly log: Logger;
  /** How long events are kept for those who come back. */
  readonly keptMs: number;
  /** Nobody watches it any more, and nobody has come back. */
  readonly forget: () => void;
}

export type Watch = ReturnType<typeof watchRun>;

export function watchRun({ workflowId, first, look, nextOfHistory, log, keptMs, forget }: WatchOptions) {
  const chain = chainOf(first.facts);
  const viewers = new Map<Viewer, Moment | undefined>();
  const events: LiveEvent[] = [];
  let facts = first.facts;
  let isStale = false;
  let isFailing = false;
  let lookedAt = Date.now();
  let following: AbortController | undefined;
  let idle: NodeJS.Timeout | undefined;
  take(first);
  startIdle();

  return {
    chain,
    viewers: viewers as ReadonlyMap<Viewer, unknown>,
    /** What it tells is what Temporal would tell now. */
    isCurrent: () => following !== undefined && !isFailing,
    /** Nothing will ever follow what was seen. */
    isOver: (seen: Moment | undefined) => seen !== undefined && seen.chain === chain && isClosed(seen.status),
    take,
    attach,
    interrupt,
  };

  /**
   * Sends what followed the moment that the viewer has seen, and then what comes.
   * @returns to be called when the viewer has left
   */
  function attach(viewer: Viewer, seen: Moment | undefined): () => void {
    clearTimeout(idle);
    viewers.set(viewer, seen);
    for (const event of seen?.chain === chain ? [...events] : events.slice(-1)) deliver(viewer, event);
    if (hasEnded()) endAll('ended');
    else if (following === undefined) follow();
    return () => {
      if (viewers.delete(viewer) && viewers.size === 0) startIdle();
    };
  }

  function take(seen: Look): void {
    facts = seen.facts;
    isStale = seen.run.stale === true && !isClosed(seen.run.status);
    const before = events.at(-1)?.moment;
    const moment = momentOf(seen.facts, seen.run);
    const news = newsOf(moment, before);
    if (news === undefined) return confirm(moment);
    const event = news === moment ? liveEvent(news, seen.run) : withProgressOf(news, seen.run);
    events.push(event);
    if (events.length > keptEvents) events.shift();
    for (const viewer of viewers.keys()) deliver(viewer, event);
    if (hasEnded()) endAll('ended');
  }

  /**
   * The same, seen later. The progress is asked for after the status: an event may tell of a progress that is newer than
   * its moment, and who has seen a later moment from another process was not told of it. Now it surely is news.
   */
  function confirm({ startedMs, transitions }: Moment): void {
    const event = events.at(-1)!;
    const later = { ...event.moment, startedMs, transitions };
    if (!isOlder(event.moment, later)) return;
    events[events.length - 1] = { ...event, moment: later };
    for (const viewer of viewers.keys()) deliver(viewer, events.at(-1)!);
  }

  function deliver(viewer: Viewer, event: LiveEvent): void {
    const news = newsOf(event.moment, viewers.get(viewer));
    if (news === undefined) return;
    viewers.set(viewer, news);
    viewer.send(news === event.moment ? event : withProgressOf(news, event.run));
  }

  function hasEnded(): boolean {
    return isClosed(events.at(-1)!.moment.status);
  }

  function endAll(why: 'ended' | 'interrupted'): void {
    const all = [...viewers.keys()];
    viewers.clear();
    startIdle();
    for (const viewer of all) viewer.end(why);
  }

  /** Viewers have to ask again: this process stops, or the run is not what it was. */
  function interrupt(): void {
    following?.abort();
    endAll('interrupted');
    clearTimeout(idle);
    forget();
  }

  function startIdle(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      following?.abort();
      idle = setTimeout(forget, events.length > 1 ? keptMs : 0).unref();
    }, polledOnMs).unref();
  }

  function follow(): void {
    const stop = new AbortController();
    following = stop;
    isFailing = false;
    stop.signal.addEventListener('abort', () => (following = undefined), { once: true });
    followUntil(stop.signal)
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        const isGone = error instanceof Problem && error.status === 404;
        if (!isGone) log.error({ workflowId, err: error }, 'A run can’t be watched for a reason nobody foresaw');
        interrupt();
      })
      .finally(() => stop.abort());
  }

  async function followUntil(signal: AbortSignal): Promise<void> {
    let place = startOf(facts.runId);
    let change: Promise<Place | undefined> | undefined;
    let [failures, asked] = [0, 0];
    while (!signal.aborted && !hasEnded()) {
      try {
        change ??= nextOfHistory(workflowId, place, signal);
        change.catch(() => undefined); // it is told where it is waited for, if it still is
        const next = isStale ? await orAfter(stepped(askAgainMs, asked++), change, signal) : await change;
        if (next !== undefined) await pause(lookedAt + betweenLooksMs - Date.now(), signal); // else it has ended: told at once
        lookedAt = Date.now();
        const seen = await look();
        if (signal.aborted) return;
        if (chainOf(seen.facts) !== chain) return interrupt(); // its end was missed, and it was redriven meanwhile
        take(seen);
        if (!isStale) asked = 0;
        [failures, isFailing] = [0, false];

        if (next === 'later') continue;
        change = undefined;
        place = next?.runId === facts.runId ? next : startOf(facts.runId); // else it has continued as new
      } catch (error) {
        if (signal.aborted) return;
        if (!isAway(error)) throw error;
        if (failures === 0)
          log.warn({ workflowId, reason: (error as Error).message }, 'A watched run can’t be polled; trying again');
        [isFailing, change] = [true, undefined];
        await pause(stepped(tryAgainMs, failures++) * (0.5 + Math.random()), signal);
      }
    }
  }
}

const stepped = ({ first, last }: { first: number; last: number }, times: number) => Math.min(first * 2 ** times, last);

const isAway = (error: unknown) => isTemporalAway(error) || (error instanceof Problem && error.status === 503);

async function orAfter<T>(ms: number, change: Promise<T>, signal: AbortSignal): Promise<T | 'later'> {
  const enough = new AbortController();
  const stop = () => enough.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([change, pause(ms, enough.signal).then(() => 'later' as const)]);
  } finally {
    signal.removeEventListener('abort', stop);
    enough.abort();
  }
}
