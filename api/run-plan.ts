/** What an accepted order becomes: its workflow ID, and all that a start needs. */
import { newWorkflowId, workflowIdFor } from '../temporal/ids.js';
import type { RunPlan } from '../temporal/start-run.js';
import type { Order } from './orders.js';

/** The same key gives the same run; without one, each is another. */
export const idFor = (tenant: string, type: string, key: string | undefined) =>
  key === undefined ? newWorkflowId(type) : workflowIdFor(tenant, type, key);

export function planOf(
  job: Pick<RunPlan, 'workflowId' | 'type' | 'taskQueue' | 'deadline'>,
  { input, summary, onAmbiguous, runAt, expiresInMs, priority, tags }: Order,
  tenant: string,
  fingerprint: string,
): RunPlan {
  const now = new Date();
  const expiresAt = expiresInMs === undefined ? undefined : new Date((runAt ?? now).getTime() + expiresInMs);
  const memo = {
    v: 1 as const,
    tenant,
    fingerprint,
    onAmbiguous,
    createdAt: now.toISOString(),
    ...(runAt && { runAt: runAt.toISOString() }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
  return { ...job, input, summary, memo, tags, priority };
}
