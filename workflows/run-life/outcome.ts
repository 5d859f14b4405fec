/** How a run ends, for lists and searches. A run that simply succeeds gets no event of this. */
import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { failureCode } from '../../temporal/failure-code.js';
import { searchAttributes } from '../../temporal/search-attributes.js';

export async function recordOutcome<T>(run: () => Promise<T>): Promise<T> {
  void CancellationScope.current().cancelRequested.catch(() =>
    upsertSearchAttributes([{ key: searchAttributes.jobState, value: 'cancelling' }]),
  );
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ContinueAsNew) && !isCancellation(error)) {
      upsertSearchAttributes([{ key: searchAttributes.failureCode, value: failureCode(error) }]);
    }
    throw error;
  }
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
