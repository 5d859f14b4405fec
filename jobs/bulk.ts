import { z } from 'zod';
import { defineJob, step } from './define-job.js';
import { list } from './lists.js';
import type { Slice, SliceOutcome, SlicePlan } from './slices.js';

export const bulkVerbs = ['cancel', 'redrive'] as const;
export type BulkVerb = (typeof bulkVerbs)[number];

/** How one run took it. `refused`: it had ended, or somebody else was faster. */
export const bulkOutcomes = ['done', 'refused'] as const;
export type BulkOutcome = (typeof bulkOutcomes)[number];

/** One row of the list: a run, and on whose behalf. */
export interface BulkTarget {
  /** Its place in the list. */
  readonly index: number;
  readonly workflowId: string;
  readonly by: string;
  readonly reason: string | null;
}

/** Does one thing to many runs, a bounded number at once. The house's own: it is what bulk cancel and redrive start. */
export const bulk = defineJob({
  type: 'bulk',
  summary: 'Cancel or redrive many runs.',
  taskQueue: 'email', // in fact that of a job type among them
  deadline: '30d',
  input: () =>
    z.strictObject({
      verb: z.enum(bulkVerbs),
      targets: list(z.unknown(), { inline: 100_000, upload: 100_000 }),
    }),
  output: () =>
    z.strictObject({
      runs: z.int(),
      done: z.int(),
      refused: z.int(),
      failed: z.int(),
      items: z.strictObject({ href: z.string() }),
    }),
  example: { verb: 'cancel', targets: [{}] },
  steps: {
    actOnRuns: step<Slice & { verb: BulkVerb }, SliceOutcome>({
      startToClose: '10m',
      heartbeat: '10s',
      retry: 'outage',
    }),
    countBulkOutcomes: step<null, Record<BulkOutcome, number>>({ startToClose: '10s', retry: 'outage' }),
  },
});

export const bulkSlices: SlicePlan = {
  step: 'actOnRuns',
  rows: 100,
  window: 2,
  sliceMs: 2_000,
  historyBytes: 500_000,
  rounds: 'refusedForNow',
};
