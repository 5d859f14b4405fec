/** How a closed run ended: its result, or why it failed. */
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { runErrorOf, type RunError } from './run-error.js';
import type { RunFacts } from './run.js';

export interface Ending {
  readonly result?: unknown;
  readonly error?: RunError;
}

export async function endingOf(client: Client, run: RunFacts): Promise<Ending> {
  try {
    const result: unknown = await client.workflow.getHandle(run.workflowId, run.runId).result();
    return { result: result ?? null };
  } catch (failure) {
    if (!(failure instanceof WorkflowFailedError)) throw failure;
    const error = await runErrorOf(client, { workflowId: run.workflowId, runId: run.runId }, run.status, failure.cause);
    return error === undefined ? {} : { error };
  }
}
