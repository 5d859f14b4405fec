/** One act on many runs: a run of the house, of type `bulk`, does it in a bounded window and survives a kill. */
import { bulk, type BulkTarget, type BulkVerb } from '../jobs/bulk.js';
import type { Job } from '../jobs/define-job.js';
import type { Blobs } from '../storage/blobs.js';
import { storeList } from '../storage/lists.js';
import type { Run } from './run.js';
import type { Runs } from './runs.js';

/** Runs at most; more are for another call. */
export const maxBulk = 100_000;

export interface Bulk {
  readonly tenant: string;
  readonly verb: BulkVerb;
  readonly workflowIds: AsyncIterable<string>;
  readonly by: string;
  readonly reason: string | undefined;
}

export type BulkActs = ReturnType<typeof bulkActs>;

export function bulkActs({ runs, jobs, blobs }: { runs: Runs; jobs: readonly Job[]; blobs: Blobs }) {
  return {
    /** @returns the run that does it; undefined if there is nothing to do it to */
    async start({ tenant, verb, workflowIds, by, reason }: Bulk): Promise<Run | undefined> {
      let first: string | undefined;
      async function* targets(): AsyncGenerator<BulkTarget> {
        let index = 0;
        for await (const workflowId of workflowIds) {
          first ??= workflowId;
          yield { index: index++, workflowId, by, reason: reason ?? null };
          if (index === maxBulk) return;
        }
      }
      const list = await storeList(blobs, tenant, targets());
      if (first === undefined) return undefined;

      const order = {
        input: { verb, targets: { ...list, format: 'list' } },
        summary: `${verb} ${list.count.toLocaleString('en')} runs`,
        onAmbiguous: 'resend' as const, // both verbs are harmless to repeat
        tags: [],
      };
      const taskQueue = queueOf(first, jobs);
      const started = await runs.start({
        ...{ tenant, order, body: order.input, key: undefined },
        job: { ...(bulk as unknown as Job), taskQueue },
      });
      return started.run;
    },
  };
}

/** That of the first one's type: where its workers are, this can run too. */
const queueOf = (workflowId: string, jobs: readonly Job[]) =>
  (jobs.find(({ type }) => workflowId.startsWith(`${type}:`)) ?? bulk).taskQueue;
