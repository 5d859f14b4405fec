/** How a run ends, for lists, searches and dead letters. A run that simply succeeds gets no event of this. */
import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  TemporalFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { failureCode } from '../../temporal/failure.js';
import { searchAttributes } from '../../temporal/search-attributes.js';
import { keepFailedRun } from './dead-letters.js';
import { ownMemo, showCancelling } from './memo.js';

export async function recordOutcome<T>(run: () => Promise<T>): Promise<T> {
  void CancellationScope.current().cancelRequested.catch(showCancelling);
  try {
    return await run();
  } catch (error) {
    if (error instanceof ContinueAsNew || isCancellation(error)) throw error;
    const failure = error instanceof TemporalFailure ? error : notOurInput(error);
    if (failure instanceof TemporalFailure) {
      upsertSearchAttributes([{ key: searchAttributes.failureCode, value: failureCode(failure) }]);
      await keepFailedRun(failure);
    }
    throw failure;
  }
}

/**
 * A plain error of workflow code is a bug: Temporal tries the task again until mended code is deployed. But a run that
 * somebody started by hand has not been checked by the API, and would only ever hang on an input that does not fit.
 */
function notOurInput(error: unknown): unknown {
  const wasStartedByHand = ownMemo().fingerprint === '';
  if (!wasStartedByHand || !(error instanceof Error)) return error;
  return ApplicationFailure.nonRetryable(
    `This run was started by hand, and its input does not fit: ${error.message}. POST /v1/jobs/${workflowInfo().workflowType} says what is wrong.`,
    'invalid-input',
  );
}

/** A run may be started by hand with any input: what is no JSON object fails it at once, with words. */
export function refuseNonsense(args: unknown[]): void {
  const [input] = args;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw ApplicationFailure.nonRetryable(
      `The only argument of a job's workflow is its input, a JSON object; got ${JSON.stringify(input) ?? 'none'}.`,
      'invalid-input',
    );
  }
}
