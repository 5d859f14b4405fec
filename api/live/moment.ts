/**
 * A run at one moment, and the id of the event that tells of it. The id holds what the client was told: so any API
 * process, also one that has just begun, knows what is news to a client that comes back, and what it knows better.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Progress } from '../../temporal/progress.js';
import { isClosed, runStatuses, type RunFacts, type RunStatus } from '../../temporal/run.js';
import type { Run } from '../run.js';

export interface Moment {
  /** Which run under this workflow ID: a redrive is another one, what continues as new is not. */
  readonly chain: string;
  /** When Temporal saw it, comparable between processes: the start of this run of the chain, and its writes since. */
  readonly startedMs: number;
  readonly transitions: number;
  readonly status: RunStatus;
  /** Null: no worker told. */
  readonly progress: Omit<Progress, 'message'> | null;
  /** Of the progress's message. */
  readonly said: string;
  /** Of all else that the run shows. */
  readonly rest: string;
}

export function momentOf(
  facts: RunFacts,
  { runId: _runId, status, progress, stale: _stale, links: _, ...rest }: Run,
): Moment {
  return {
    chain: chainOf(facts),
    startedMs: facts.startTime.getTime(),
    transitions: facts.transitions,
    status,
    progress: progress && { done: progress.done, total: progress.total, unit: progress.unit },
    said: digest(progress?.message ?? ''),
    rest: digest(JSON.stringify(rest)),
  };
}

/** The random half of a UUID. */
export const chainOf = ({ firstRunId, runId }: RunFacts) => (firstRunId ?? runId).slice(-12);

/**
 * What of a moment is news to one who has seen another: nothing that is older or the same. Where it knows less of the
 * progress (no worker told this process), what was seen stands: progress never goes back.
 * @returns the moment itself, or with the progress that was seen, or undefined
 */
export function newsOf(moment: Moment, seen: Moment | undefined): Moment | undefined {
  if (seen === undefined || seen.chain !== moment.chain) return moment;
  if (isClosed(seen.status)) return undefined; // a closed run changes no more
  if (!isClosed(moment.status) && isOlder(moment, seen)) return undefined;
  const next = knowsLess(moment.progress, seen.progress)
    ? { ...moment, progress: seen.progress, said: seen.said }
    : moment;
  return isSame(next, seen) ? undefined : next;
}

export const isOlder = (one: Moment, other: Moment) =>
  one.startedMs === other.startedMs ? one.transitions < other.transitions : one.startedMs < other.startedMs;

const knowsLess = (one: Moment['progress'], other: Moment['progress']) =>
  other !== null && (one === null || one.done < other.done || (one.total === null && other.total !== null));

const isSame = (one: Moment, other: Moment) =>
  one.status === other.status &&
  one.rest === other.rest &&
  one.said === other.said &&
  one.progress?.done === other.progress?.done &&
  one.progress?.total === other.progress?.total &&
  one.progress?.unit === other.progress?.unit;

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 8);

export const maxIdLength = 1_000;

export function idOf({ chain, startedMs, transitions, status, progress, said, rest }: Moment): string {
  const told = progress && [progress.done, progress.total, progress.unit, said];
  return Buffer.from(JSON.stringify([1, chain, startedMs, transitions, status, told, rest])).toString('base64url');
}

/** @returns undefined for what is no id of ours: then the client is told the run as it is */
export function momentIn(id: string | undefined): Moment | undefined {
  if (id === undefined || id === '' || id.length > maxIdLength) return undefined;
  try {
    const parsed = idContent.safeParse(JSON.parse(Buffer.from(id, 'base64url').toString()));
    if (!parsed.success) return undefined;
    const [, chain, startedMs, transitions, status, told, rest] = parsed.data;
    const progress = told && { done: told[0], total: told[1], unit: told[2] };
    return { chain, startedMs, transitions, status, progress, said: told?.[3] ?? digest(''), rest };
  } catch {
    return undefined; // no JSON
  }
}

const count = z.int().min(0);
const idContent = z.tuple([
  z.literal(1),
  z.string(),
  count,
  count,
  z.enum(runStatuses),
  z.tuple([count, count.nullable(), z.string(), z.string()]).nullable(),
  z.string(),
]);
