/** The steps of batches and bulk acts: what they do to other runs. */
import { batchOutcomes, batchSlices, type BatchItem, type BatchOutcome, type batch } from '../../jobs/batch.js';
import {
  bulkOutcomes,
  bulkSlices,
  type bulk,
  type BulkOutcome,
  type BulkTarget,
  type BulkVerb,
} from '../../jobs/bulk.js';
import type { StepsOf } from '../../jobs/define-job.js';
import { PermanentError } from '../../jobs/errors.js';
import type { Slice, SliceOutcome, SlicePlan } from '../../jobs/slices.js';
import { runEffect, runEffects } from '../../storage/run-effects.js';
import type { Blobs } from '../../storage/blobs.js';
import type { Ledger } from '../../storage/ledger.js';
import { withListsStored } from '../../storage/lists.js';
import { Slots } from '../lists/slots.js';
import { workSlice, type Ended } from '../lists/work-slice.js';
import type { StepContext } from '../step-context.js';

/** What these steps need of Temporal. Each throws, to be tried again, while it is away. */
export interface OtherRuns {
  /**
   * A run that the same place of the same batch has started already is `accepted` again.
   * @throws PermanentError for one that Temporal can't take
   */
  start(plan: BatchItem['plan']): Promise<'accepted' | 'replayed' | 'conflict'>;
  /** @returns why not, in words; undefined when it is done */
  act(verb: BulkVerb, tenant: string, workflowId: string): Promise<string | undefined>;
}

export interface RunTools {
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  readonly stepContext: () => StepContext;
  readonly otherRuns: OtherRuns;
}

/** Starts at once in one process; more only wait for Temporal's database. */
const startsAtOnce = 8;

export function runActivities({ ledger, blobs, stepContext, otherRuns }: RunTools) {
  const slots = new Slots(startsAtOnce);

  return {
    startRuns: (slice) => workRuns<BatchItem>(slice, batchSlices, start),
    countOutcomes: () => counted<BatchOutcome>(batchOutcomes),

    actOnRuns: ({ verb, ...slice }) =>
      workRuns<BulkTarget>(slice, bulkSlices, (target, context) => act(verb, target, context)),
    countBulkOutcomes: () => counted<BulkOutcome>(bulkOutcomes),
  } satisfies StepsOf<typeof batch> & StepsOf<typeof bulk>;

  /** Each row names another run; what is done to it is an effect, by its place in the list. */
  function workRuns<Row extends { readonly index: number; readonly workflowId: string }>(
    slice: Slice,
    plan: SlicePlan,
    work: (row: Row, context: StepContext) => Promise<object>,
  ): Promise<SliceOutcome> {
    const context = stepContext();
    return workSlice<Row>(
      slice,
      {
        plan,
        slots,
        effectOf: ({ index }, { tenant, holder }) => runEffect(tenant, holder.workflowId, index),
        aboutOf: ({ workflowId }) => workflowId,
        prepare: (row) => () => asEnded(() => work(row, context)),
      },
      { ledger, blobs, context },
    );
  }

  async function start({ workflowId, lists, plan }: BatchItem, { tenant }: StepContext) {
    if (!(await ledger.beginPending(workflowId, Date.now()))) return { outcome: 'cancelled', workflowId };
    const input = await withListsStored(blobs, tenant, plan.input, lists);
    return { outcome: await otherRuns.start({ ...plan, input }), workflowId };
  }

  async function act(verb: BulkVerb, { workflowId, by, reason }: BulkTarget, { tenant }: StepContext) {
    const number = await ledger.keepAct({ subject: workflowId, act: verb, by, reason, at: Date.now() });
    const refusal = await otherRuns.act(verb, tenant, workflowId);
    if (refusal === undefined) return { outcome: 'done', workflowId };
    await ledger.forgetAct(number);
    return { outcome: 'refused', workflowId, message: refusal };
  }

  async function counted<Outcome extends string>(outcomes: readonly Outcome[]) {
    const { tenant, holder } = stepContext();
    const found = await ledger.countOutcomes(runEffects(tenant, holder.workflowId));
    return Object.fromEntries(outcomes.map((outcome) => [outcome, found[outcome] ?? 0])) as Record<Outcome, number>;
  }
}

/** Any other failure means that Temporal or a store is away: the slice stops, and no row loses an attempt. */
async function asEnded(work: () => Promise<object>): Promise<Ended> {
  try {
    return { state: 'done', result: await work() };
  } catch (error) {
    if (error instanceof PermanentError) return { state: 'failed', code: error.code, message: error.message };
    return { state: 'away', error: error instanceof Error ? error : new Error(String(error)) };
  }
}
