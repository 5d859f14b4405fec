/** Why a run failed, told from the chain of failures that Temporal keeps. */
import { TerminatedFailure, type ActivityFailure, type Client } from '@temporalio/client';
import { failedStep, failureCode, failureMessage } from './failure.js';
import type { RunStatus } from './run.js';

export interface RunError {
  /** Stable, kebab-case. */
  readonly code: string;
  /** The step that failed for good. */
  readonly step?: string;
  readonly message: string;
  /** How often the step was tried. */
  readonly attempts?: number;
}

interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * @param cause of the SDK's WorkflowFailedError
 * @returns undefined for a run that was cancelled: that is no error
 */
export async function runErrorOf(
  client: Client,
  execution: Execution,
  status: RunStatus,
  cause: unknown,
): Promise<RunError | undefined> {
  if (status === 'cancelled') return undefined;
  if (status === 'terminated') {
    const reason = cause instanceof TerminatedFailure ? cause.message : '';
    return { code: 'terminated', message: reason || 'Someone terminated the run.' };
  }
  if (status === 'timedOut') return { code: 'deadline-exceeded', message: 'The run did not end within its deadline.' };

  const step = failedStep(cause);
  const attempts = step && (await attemptsOf(client, execution, step));
  return {
    code: failureCode(cause),
    ...(step && { step: step.activityType }),
    message: failureMessage(cause),
    ...(attempts !== undefined && { attempts }),
  };
}

/** Temporal writes a step's attempt once, in the event of its last start, shortly before the end of the history. */
async function attemptsOf(client: Client, execution: Execution, step: ActivityFailure): Promise<number | undefined> {
  const startedId = Number(step.failure?.activityFailureInfo?.startedEventId ?? 0);
  if (startedId === 0) return undefined; // it never started
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: 100,
  });
  const started = history?.events?.find(({ eventId }) => Number(eventId) === startedId);
  return started?.activityTaskStartedEventAttributes?.attempt ?? undefined;
}
