import { ApplicationFailure } from '@temporalio/workflow';
import { isCancelling } from './memo.js';

/** What an update's validator throws: whoever asked gets 409 with these words, and the history gets nothing. */
export const refuse = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code);

export function refuseWhileCancelling(): void {
  if (isCancelling()) throw refuse('run-cancelling', 'The run is being cancelled.');
}
