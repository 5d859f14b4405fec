import { defaultPayloadConverter, type Client } from '@temporalio/client';

/**
 * What a run was started with, from its first event: lists by reference. Of a chain of continued-as-new runs, what that
 * execution got: its list has been checked.
 */
export async function runInput(client: Client, workflowId: string, runId: string): Promise<unknown> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}
