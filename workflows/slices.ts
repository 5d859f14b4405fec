/**
 * Works through a long list in slices: a bounded window of steps, rounds for what was refused for now, and
 * continue-as-new before the history grows large. Knows nothing of what is done with a row.
 */
import { ApplicationFailure, sleep, workflowInfo } from '@temporalio/workflow';
import { toMs } from '../jobs/durations.js';
import type { ListRef } from '../jobs/lists.js';
import { pauseMs, retryPolicies } from '../jobs/retry-policies.js';
import type { Slice, SliceOutcome, SlicePlan } from '../jobs/slices.js';
import { keepFailedRows } from './run-life/dead-letters.js';
import { startProgress } from './run-life/progress.js';
import type { StepCall } from './steps-of.js';

export type Counts = Pick<SliceOutcome, 'sent' | 'failed' | 'duplicate' | 'unknown'>;

/** What continue-as-new carries over; its size does not depend on the list's. */
export interface Carried {
  readonly round: number;
  /** Rows from here on are untouched in this round. */
  readonly position: number;
  /** Ranges that were begun and not finished: at most one per lane. */
  readonly begun: readonly Range[];
  /** Rows refused for now in this round. */
  readonly retry: number;
  /** When the first pass ended, in ms since 1970: the retry policy's total time counts from here. */
  readonly retryingSince: number | null;
  readonly counts: Counts;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface SlicedWork {
  /** Checked rows; see `checkedList`. */
  readonly list: Required<ListRef>;
  readonly plan: SlicePlan;
  /** What a row is called in the progress: 'mail'. */
  readonly unit: string;
  step(slice: Slice, call: StepCall): Promise<SliceOutcome>;
  /** Continues the run as new, with the checked list in place of the input's. */
  continueAsNew(carried: Carried): Promise<never>;
}

const nothingYet: Carried = {
  round: 0,
  position: 0,
  begun: [],
  retry: 0,
  retryingSince: null,
  counts: { sent: 0, failed: 0, duplicate: 0, unknown: 0 },
};

/** An uploaded list is checked and stored by the run's first step; one that came inline is so already. */
export async function checkedList(
  list: ListRef,
  check?: (call: StepCall) => Promise<ListRef>,
): Promise<Required<ListRef>> {
  if (typeof list?.fileId !== 'string') {
    throw ApplicationFailure.nonRetryable(
      'In a run started by hand, a list is {"fileId": "…"} of a file from POST /v1/files. Rows inline go through POST /v1/jobs.',
      'invalid-input',
    );
  }
  if (list.format === 'list' && list.count !== undefined) return { ...list, count: list.count };
  if (check === undefined) throw ApplicationFailure.nonRetryable('This list must be a checked one.', 'invalid-input');
  startProgress(null, 'row').set(0, 'checking the list');
  const { fileId, count = 0 } = await check({ summary: 'check the list' });
  return { fileId, format: 'list', count };
}

export async function inSlices(work: SlicedWork, carried: Carried = nothingYet): Promise<Counts> {
  const { list, plan, unit } = work;
  const pass = { ...carried, begun: [...carried.begun], counts: { ...carried.counts } };
  const progress = startProgress(list.count, unit, settled(pass.counts));
  const policy = retryPolicies[plan.rounds];
  let isFirstStep = carried === nothingYet;

  for (;;) {
    const retriedMs = Date.now() - (pass.retryingSince ?? Date.now());
    const isLastRound = pass.round >= policy.attempts - 1 || retriedMs >= toMs(policy.totalTime);
    const lane = async () => {
      for (let range = nextRange(); range !== undefined; range = nextRange()) {
        const eager = isFirstStep; // the others are for any worker: eager ones stay on this one
        isFirstStep = false;
        const slice = { ...range, fileId: list.fileId, round: pass.round, isLastRound };
        const outcome = await work.step(slice, { eager, summary: sliceName(slice, plan) });
        addTo(pass.counts, outcome);
        pass.retry += outcome.retry;
        if (outcome.next !== null) pass.begun.unshift({ from: outcome.next, to: range.to });
        progress.set(settled(pass.counts));
      }
    };
    await Promise.all(Array.from({ length: plan.window }, lane));
    if (hasMore()) return work.continueAsNew({ ...pass });
    if (pass.retry === 0) return withFailuresKept(pass.counts, plan);

    pass.round += 1;
    pass.retryingSince ??= Date.now();
    const pause = pauseMs(plan.rounds, pass.round, Math.random()); // seeded by the run: a replay draws the same
    const refused = pass.retry === 1 ? `1 ${unit} refused for now is` : `${pass.retry} ${unit}s refused for now are`;
    progress.set(settled(pass.counts), `${refused} tried again`);
    await sleep(pause, { summary: `round ${pass.round + 1}: ${pass.retry} refused for now` });
    pass.retry = 0;
    pass.position = 0;
  }

  function nextRange(): Range | undefined {
    if (!hasMore() || historyIsLarge(plan)) return undefined;
    const begun = pass.begun.shift();
    if (begun !== undefined) return begun;
    // A later round takes few rows out of many: it walks the whole list, a part per lane.
    const rows = pass.round === 0 ? plan.rows : Math.ceil(list.count / plan.window);
    const from = pass.position;
    pass.position = Math.min(from + rows, list.count);
    return { from, to: pass.position };
  }

  function hasMore(): boolean {
    return pass.begun.length > 0 || pass.position < list.count;
  }
}

async function withFailuresKept(counts: Counts, { step }: SlicePlan): Promise<Counts> {
  const rows = counts.failed + counts.unknown;
  if (rows > 0) await keepFailedRows(step, rows);
  return counts;
}

const settled = ({ sent, failed, duplicate, unknown }: Counts) => sent + failed + duplicate + unknown;

function addTo(counts: { -readonly [Key in keyof Counts]: number }, outcome: SliceOutcome): void {
  counts.sent += outcome.sent;
  counts.failed += outcome.failed;
  counts.duplicate += outcome.duplicate;
  counts.unknown += outcome.unknown;
}

function sliceName({ from, to, round }: Slice, plan: SlicePlan): string {
  const name = round === 0 ? `slice ${Math.floor(from / plan.rows) + 1}` : `round ${round + 1}`;
  return `${name}: ${from}–${to - 1}`;
}

function historyIsLarge(plan: SlicePlan): boolean {
  const { historySize, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historySize > plan.historyBytes;
}
