/**
 * A step's errors in Temporal's words. Temporal's retry policy has no jitter, so the pause before the next attempt is
 * drawn here; it overrides the server's. (Time-outs are retried by the server, without jitter.)
 */
import type { Info } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Job } from '../jobs/define-job.js';
import { PermanentError, RateLimitedError } from '../jobs/errors.js';
import { jobOfType } from '../jobs/index.js';
import { pauseMs } from '../jobs/retry-policies.js';
import { runLife } from '../jobs/run-life.js';
import { BlobNotFound } from '../storage/blobs.js';

export const jitteredRetry: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        throw inTemporalsWords(error, info);
      }
    },
  },
});

function inTemporalsWords(error: unknown, info: Info): unknown {
  if (error instanceof TemporalFailure || !(error instanceof Error)) return error; // says itself what is to happen
  if (error.name === 'CompleteAsyncError') return error;
  const details = [{ attempt: info.attempt }]; // nothing else tells a workflow how often its step was tried
  if (error instanceof PermanentError) {
    return ApplicationFailure.fromError(error, { type: error.code, nonRetryable: true, details });
  }
  if (error instanceof BlobNotFound) {
    return ApplicationFailure.fromError(error, { type: 'file-not-found', nonRetryable: true, details });
  }
  if (error instanceof RateLimitedError) {
    return ApplicationFailure.fromError(error, { nextRetryDelay: error.retryAfterMs, details });
  }
  const nextRetryDelay = nextPauseMs(info);
  return ApplicationFailure.fromError(error, { details, ...(nextRetryDelay !== undefined && { nextRetryDelay }) });
}

const houseSteps: Job['steps'] = runLife.steps;

function nextPauseMs({ workflowType = '', activityType, attempt }: Info): number | undefined {
  const step = jobOfType(workflowType)?.steps[activityType] ?? houseSteps[activityType];
  return step && pauseMs(step.retry, attempt, Math.random());
}
