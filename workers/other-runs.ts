/** What batches and bulk acts do to other runs, in Temporal. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { OtherRuns } from '../activities/runs/run-activities.js';
import { PermanentError } from '../jobs/errors.js';
import { jobOfType } from '../jobs/index.js';
import type { Ledger } from '../storage/ledger.js';
import { describeRun } from '../temporal/describe-run.js';
import { grpc, grpcErrorOf } from '../temporal/errors.js';
import { redriveRun, RedriveRefused } from '../temporal/redrive-run.js';
import { isClosed } from '../temporal/run.js';
import { startOrReplay } from '../temporal/start-or-replay.js';
import type { RunPlan } from '../temporal/start-run.js';

export const otherRuns = (client: Client, ledger: Ledger): OtherRuns => ({
  async start(plan) {
    try {
      return await startOrReplay(client, plan as unknown as RunPlan); // as the API has planned it
    } catch (error) {
      const fault = grpcErrorOf(error);
      if (fault?.code === grpc.invalidArgument) throw new PermanentError('invalid-input', fault.details);
      throw error;
    }
  },

  async act(verb, tenant, workflowId) {
    const facts = await describeRun(client, workflowId);
    const job = jobOfType(facts?.type ?? '');
    if (facts === undefined || job === undefined || facts.memo.tenant !== tenant)
      return 'There is no such run any more.';
    if (verb === 'redrive') {
      return redriveRun(client, ledger, { facts, job }).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof RedriveRefused) return error.message;
          throw error;
        },
      );
    }
    if (isClosed(facts.status)) return `It has ended as ${facts.status}.`;
    try {
      await client.workflow.getHandle(workflowId).cancel();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'It has ended.';
      throw error;
    }
    return undefined;
  },
});
