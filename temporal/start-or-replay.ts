import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { describeRun } from './describe-run.js';
import { startRun, type RunPlan } from './start-run.js';

/** Starts a run of a batch; one that is there already is told apart: ours, another with the same body, or another. */
export async function startOrReplay(client: Client, plan: RunPlan): Promise<'accepted' | 'replayed' | 'conflict'> {
  try {
    await startRun(client, plan);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  const found = await describeRun(client, plan.workflowId);
  if (found === undefined) throw new Error(`Temporal knows ${plan.workflowId}, but can't describe it yet.`);
  const { tenant, fingerprint, batch } = found.memo;
  const isOurs = batch?.workflowId === plan.memo.batch?.workflowId && batch?.index === plan.memo.batch?.index;
  if (isOurs) return 'accepted';
  return tenant === plan.memo.tenant && fingerprint === plan.memo.fingerprint ? 'replayed' : 'conflict';
}
