/** What failed for good is kept for a person: a whole run, or rows of one. A run that simply succeeds keeps nothing. */
import { CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import { runLife, type DeadLetterNote } from '../../jobs/run-life.js';
import { failedAttempts, failedStep, failureCode, failureMessage } from '../../temporal/failure.js';
import { searchAttributes } from '../../temporal/search-attributes.js';
import { stepsOf } from '../steps-of.js';

const { keepDeadLetter } = stepsOf(runLife);

/** Some rows of a run that has otherwise ended well. The ledger knows which, and why. */
export const keepFailedRows = (step: string, rows: number): Promise<void> =>
  keep({ rows, step, code: 'rows-failed', message: `${rows} rows failed for good.` });

export async function keepFailedRun(error: unknown): Promise<void> {
  const step = failedStep(error)?.activityType;
  const attempts = failedAttempts(error);
  const note = { code: failureCode(error), message: failureMessage(error) };
  // A failing run must fail: what can't be kept now is found by the workers' maintenance later.
  await keep({ ...note, ...(step !== undefined && { step }), ...(attempts !== undefined && { attempts }) }).catch(
    (reason: unknown) => log.warn('The dead letter could not be kept yet', { reason }),
  );
}

const keep = (note: Omit<DeadLetterNote, 'tags'>): Promise<void> => {
  const tags = workflowInfo().typedSearchAttributes.get(searchAttributes.tags) ?? [];
  return CancellationScope.nonCancellable(() =>
    keepDeadLetter({ ...note, tags }, { summary: note.message.slice(0, 100) }),
  );
};
