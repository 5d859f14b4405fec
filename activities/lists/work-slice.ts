/**
 * One slice of a long list: reads its rows, claims their effects, has them done, and counts how they ended. Knows
 * nothing of what is done with a row.
 */
import type { Slice, SliceOutcome, SlicePlan } from '../../jobs/slices.js';
import type { Blobs } from '../../storage/blobs.js';
import type { Claimed, Ledger, SettledState } from '../../storage/ledger.js';
import { readItems, readList } from '../../storage/lists.js';
import type { StepContext } from '../step-context.js';
import { ReceiptWriter } from './receipt-writer.js';
import type { Slots } from './slots.js';

/** How one effect ended. `away`: the other side could not be reached at all; it costs the row no attempt. */
export type Ended =
  /** `result` is kept with the receipt. */
  | { readonly state: 'done'; readonly result?: unknown }
  | { readonly state: 'failed' | 'retry' | 'ambiguous'; readonly code: string; readonly message: string }
  | { readonly state: 'away'; readonly error: Error };

export interface SliceWork<Row> {
  readonly plan: SlicePlan;
  /** How many effects may be under way at once in this process. */
  readonly slots: Slots;
  effectOf(row: Row, context: StepContext): string;
  /** Whom or what it is about, for people. */
  aboutOf(row: Row): string;
  /** Resolves when the next effect may begin, to keep a rate. */
  pace?(): Promise<void> | void;
  /** Makes ready what can fail without harm, and returns the effect itself: it is recorded as begun in between. */
  prepare(row: Row, effect: string): () => Promise<Ended>;
}

/** At most as many as the ledger claims in one transaction. */
const chunkRows = 64;
const signOfLifeMs = 1_000;

export async function workSlice<Row>(
  slice: Slice,
  work: SliceWork<Row>,
  { ledger, blobs, context }: { ledger: Ledger; blobs: Blobs; context: StepContext },
): Promise<SliceOutcome> {
  const { holder } = context;
  const receipts = new ReceiptWriter(ledger, holder);
  const counts = { sent: 0, failed: 0, duplicate: 0, unknown: 0, retry: 0 };
  const underWay = new Set<Promise<void>>();
  const endAt = Date.now() + work.plan.sliceMs;
  let broken: unknown; // why the slice can't go on
  let next: number | null = null;
  let started = 0;

  const alive = setInterval(() => {
    context.heartbeat();
    ledger.renew(holder).catch((error: unknown) => (broken ??= error));
  }, signOfLifeMs);
  try {
    for await (const { index, row, effect, claimed } of claimedRows()) {
      if (claimed.state !== 'ours') {
        if (claimed.state === 'held')
          throw new Error(`Row ${index} is held by another run of this job that is still at work.`);
        counts[countOf[claimed.state]] += 1;
        continue;
      }
      await work.slots.take();
      if (!isOver()) await work.pace?.();
      if (isStopped() || isOver()) {
        work.slots.release();
        next = index;
        break;
      }
      started += 1;
      const task = handle(row, effect, claimed.receipt).finally(() => {
        work.slots.release();
        underWay.delete(task);
      });
      underWay.add(task);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
    clearInterval(alive);
    await receipts.finish().finally(() => ledger.endLease(holder));
  }
  if (broken !== undefined) throw broken;
  return { ...counts, next }; // also when cancelled: the workflow then knows what was done, and takes no further step

  function isStopped(): boolean {
    return broken !== undefined || context.signal.aborted;
  }

  /** Time is up; but never before one row was begun, or a slow rate would stand still. */
  function isOver(): boolean {
    return started > 0 && Date.now() >= endAt;
  }

  async function* claimedRows() {
    for await (const chunk of chunks(rowsOf(slice))) {
      if (isStopped() || isOver()) {
        next = chunk[0]!.index;
        return;
      }
      const named = chunk.map(({ index, row }) => ({ index, row, effect: work.effectOf(row, context) }));
      const claims = named.map(({ index, row, effect }) => ({ effect, item: index, about: work.aboutOf(row) }));
      const claimed = await ledger.claim(claims, holder, {
        onAmbiguous: context.onAmbiguous,
        round: slice.round,
        forgetEarlierRuns: context.isFirst,
      });
      for (const [at, item] of named.entries()) yield { ...item, claimed: claimed[at] as Claimed };
    }
  }

  /** In the first pass every row; later only those that the ledger says were refused for now. */
  async function* rowsOf({ fileId, from, to, round }: Slice): AsyncIterable<{ index: number; row: Row }> {
    if (round === 0) {
      yield* readList<Row>(blobs, fileId, from, to);
      return;
    }
    const { workflowId, chain } = holder;
    const items = await ledger.itemsToRetry({ workflowId, chain, round, from, to, limit: work.plan.rows + 1 });
    yield* readItems<Row>(blobs, fileId, items.slice(0, work.plan.rows));
    if (items.length > work.plan.rows) next ??= items[work.plan.rows]!;
  }

  async function handle(row: Row, effect: string, receipt: number): Promise<void> {
    try {
      const perform = work.prepare(row, effect);
      if (!(await receipts.markSending(receipt))) throw new Error('Another attempt of this step has taken over.');
      const ended = await perform();
      if (ended.state === 'away') {
        broken ??= ended.error;
        await ledger.unmark([receipt], holder);
        return;
      }
      const state = settledAs(ended.state);
      counts[countOf[state]] += 1;
      receipts.settle(
        ended.state === 'done'
          ? { receipt, state, result: ended.result }
          : { receipt, state, code: ended.code, message: ended.message },
      );
    } catch (error) {
      broken ??= error;
    }
  }

  function settledAs(state: 'done' | 'failed' | 'retry' | 'ambiguous'): SettledState {
    if (state === 'ambiguous' && context.onAmbiguous === 'hold') return 'unknown';
    if (state === 'ambiguous' || state === 'retry') return slice.isLastRound ? 'failed' : 'retry';
    return state;
  }
}

const countOf = { done: 'sent', failed: 'failed', retry: 'retry', unknown: 'unknown', duplicate: 'duplicate' } as const;

async function* chunks<T>(rows: AsyncIterable<T>): AsyncIterable<T[]> {
  let chunk: T[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length === chunkRows) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
