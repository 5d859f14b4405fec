/** Batches: many runs accepted in the time of one start. A run of the house, of type `batch`, starts them. */
import { batch, type BatchItem } from '../jobs/batch.js';
import type { Job } from '../jobs/define-job.js';
import type { Blobs } from '../storage/blobs.js';
import type { Ledger } from '../storage/ledger.js';
import { storeList } from '../storage/lists.js';
import { fingerprintOf } from '../temporal/fingerprint.js';
import type { RunPlan } from '../temporal/start-run.js';
import type { Fault } from './faults.js';
import { keyPattern } from './idempotency-key.js';
import type { CheckOrder } from './orders.js';
import { Problem } from './problems.js';
import { idFor, planOf } from './run-plan.js';
import type { Run } from './run.js';
import type { Runs } from './runs.js';

export const maxBatch = 1_000;

export type BatchAnswer =
  | { readonly index: number; readonly outcome: 'accepted'; readonly workflowId: string }
  | {
      readonly index: number;
      readonly outcome: 'refused';
      readonly code: string;
      readonly detail: string;
      readonly errors?: readonly Fault[];
    };

interface BatchRequest {
  readonly tenant: string;
  readonly job: Job;
  /** As POST /v1/jobs/{type} takes them, each with an `idempotencyKey` of its own if wanted. */
  readonly items: readonly Record<string, unknown>[];
  readonly body: unknown;
  /** Of the batch as a whole. */
  readonly key: string | undefined;
}

export type Batches = ReturnType<typeof batches>;

export function batches(parts: { runs: Runs; checkOrder: CheckOrder; ledger: Ledger; blobs: Blobs }) {
  const { runs, checkOrder, ledger, blobs } = parts;

  return {
    /** @returns no run if no item could be accepted */
    async start(request: BatchRequest): Promise<{ run?: Run; replayed: boolean; items: BatchAnswer[] }> {
      const { tenant, job, body, key } = request;
      const workflowId = idFor(tenant, batch.type, key);
      const checked: (BatchItem | BatchAnswer)[] = [];
      for (const [index, item] of request.items.entries()) checked.push(await check(request, workflowId, item, index));
      const accepted = checked.filter((one) => 'plan' in one);
      const items = checked.map((one) =>
        'plan' in one ? { index: one.index, outcome: 'accepted' as const, workflowId: one.workflowId } : one,
      );
      if (accepted.length === 0) return { replayed: false, items };

      const list = await storeList(blobs, tenant, accepted);
      const order = {
        input: { items: { ...list, format: 'list' } },
        summary: `Start ${accepted.length.toLocaleString('en')} of ${job.type}`,
        onAmbiguous: 'resend' as const, // a start that is repeated finds the run
        tags: [],
      };
      // Served where the job type is served: no worker of another queue need be there.
      const { taskQueue } = job;
      const [started] = await Promise.all([
        runs.start({ tenant, job: { ...(batch as unknown as Job), taskQueue }, order, body, key, workflowId }),
        ledger.keepPending(accepted.map(pendingOf)),
      ]);
      return { ...started, items };
    },
  };

  async function check(
    { tenant, job, key }: BatchRequest,
    batchId: string,
    { idempotencyKey, ...body }: Record<string, unknown>,
    index: number,
  ): Promise<BatchItem | BatchAnswer> {
    try {
      if (idempotencyKey !== undefined && !(typeof idempotencyKey === 'string' && keyPattern.test(idempotencyKey))) {
        const fault = { path: 'idempotencyKey', message: 'must be 1 to 255 visible ASCII characters' };
        return refused(index, 'invalid-request', `${fault.path} ${fault.message}.`, [fault]);
      }
      const { lists, ...order } = await checkOrder(job, tenant, body);
      // The same batch sent again must name the same runs.
      const ownKey = idempotencyKey ?? (key === undefined ? undefined : `${batchId} ${index}`);
      const { type, taskQueue, deadline } = job;
      const run = { workflowId: idFor(tenant, type, ownKey), type, taskQueue, deadline };
      const plan = planOf(run, order, tenant, fingerprintOf(type, body));
      const memo = { ...plan.memo, batch: { workflowId: batchId, index } };
      return { index, workflowId: run.workflowId, lists, plan: { ...plan, memo } as unknown as BatchItem['plan'] };
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      return refused(index, error.code, error.message, error.errors);
    }
  }
}

const refused = (index: number, code: string, detail: string, errors?: readonly Fault[]): BatchAnswer => ({
  ...{ index, outcome: 'refused', code, detail },
  ...(errors && { errors }),
});

function pendingOf({ plan }: BatchItem) {
  const { workflowId, type, tags, memo } = plan as unknown as RunPlan;
  return {
    ...{ workflowId, type, tags, tenant: memo.tenant },
    batch: memo.batch?.workflowId ?? '',
    createdAt: Date.parse(memo.createdAt),
    dueAt: memo.runAt === undefined ? null : Date.parse(memo.runAt),
  };
}
