import type { Client } from '@temporalio/client';
import { grpc, grpcErrorOf } from './errors.js';
import { factsOf, type RunFacts } from './run.js';

/**
 * @param runId the latest execution unless given
 * @returns undefined for a run that Temporal doesn't have, and for what can't be a workflow ID
 */
export async function describeRun(client: Client, workflowId: string, runId = ''): Promise<RunFacts | undefined> {
  try {
    const { workflowExecutionInfo, workflowExtendedInfo } = await client.workflowService.describeWorkflowExecution({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
    });
    return workflowExecutionInfo
      ? factsOf(workflowExecutionInfo, workflowExtendedInfo?.cancelRequested ?? false)
      : undefined;
  } catch (error) {
    const fault = grpcErrorOf(error);
    if (fault?.code === grpc.notFound && !/^namespace/i.test(fault.details)) return undefined;
    if (fault?.code === grpc.invalidArgument) return undefined;
    throw error;
  }
}
