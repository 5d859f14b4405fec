/**
 * Temporal ends a run that takes longer than its deadline; but its clock runs from the start and can't be moved, so it
 * would count a delay too. A delayed run therefore keeps its deadline itself: one timer, from when it began.
 */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { Job } from '../../jobs/define-job.js';
import { toMs } from '../../jobs/durations.js';
import { deadlineCode } from '../../temporal/failure.js';
import { ownMemo } from './memo.js';

export async function withinDeadline<T>(job: Job, work: () => Promise<T>): Promise<T> {
  const { startedAt } = ownMemo();
  if (startedAt === undefined) return work(); // not delayed: Temporal sees to it
  const leftMs = Date.parse(startedAt) + toMs(job.deadline) - Date.now();
  const whole = CancellationScope.current();
  try {
    return await CancellationScope.withTimeout(Math.max(1, leftMs), work);
  } catch (error) {
    if (!isCancellation(error) || whole.consideredCancelled) throw error;
    throw ApplicationFailure.nonRetryable(`The run did not end within its deadline of ${job.deadline}.`, deadlineCode);
  }
}
