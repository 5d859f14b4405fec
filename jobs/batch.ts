import { z } from 'zod';
import { defineJob, step } from './define-job.js';
import { list } from './lists.js';
import type { Slice, SliceOutcome, SlicePlan } from './slices.js';

/** How the start of one of a batch's runs came out. */
export const batchOutcomes = ['accepted', 'replayed', 'conflict', 'cancelled'] as const;
export type BatchOutcome = (typeof batchOutcomes)[number];
export type BatchCounts = Record<BatchOutcome, number>;

/** One row of a batch's list: a run that was checked and accepted, as it is to be started. */
export interface BatchItem {
  /** Its place in the batch. */
  readonly index: number;
  readonly workflowId: string;
  /** The input's lists that came inline: they are stored when the run is started. */
  readonly lists: readonly string[];
  /** All else that a start needs; told by the API, used by what starts it. */
  readonly plan: { readonly input: Record<string, unknown> };
}

/** Starts many runs, a bounded number at once. The house's own: it is what POST /v1/jobs/{type}/batch starts. */
export const batch = defineJob({
  type: 'batch',
  summary: 'Start many runs.',
  taskQueue: 'email', // in fact that of the job type it starts: where that is served, so is its batch
  deadline: '30d',
  input: () => z.strictObject({ items: list(z.unknown(), { inline: 1_000, upload: 1_000 }) }),
  output: () =>
    z.strictObject({
      runs: z.int(),
      accepted: z.int(),
      replayed: z.int(),
      conflict: z.int(),
      cancelled: z.int(),
      failed: z.int(),
      items: z.strictObject({ href: z.string() }),
    }),
  example: { items: [{}] },
  steps: {
    startRuns: step<Slice, SliceOutcome>({ startToClose: '10m', heartbeat: '10s', retry: 'outage' }),
    countOutcomes: step<null, BatchCounts>({ startToClose: '10s', retry: 'outage' }),
  },
});

export const batchSlices: SlicePlan = {
  step: 'startRuns',
  rows: 100,
  window: 2,
  sliceMs: 2_000,
  historyBytes: 500_000,
  rounds: 'refusedForNow',
};
