/** Steps that must not begin: of a run that has expired, or of a job type that is paused. Their runs know what to do then. */
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { stepHeaders } from '../activities/step-context.js';
import { jobOfType } from '../jobs/index.js';
import type { Ledger } from '../storage/ledger.js';
import { expiredCode, typePausedCode } from '../temporal/steering.js';

/** The header tells the time only until the run has begun its work; a later attempt has begun it. */
export const refuseExpired: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const expiresAt = stepHeaders.getStore()?.expiresAt;
      if (expiresAt !== undefined && info.attempt === 1 && Date.now() >= Date.parse(expiresAt)) {
        throw ApplicationFailure.nonRetryable(
          `The run had not begun its work by ${expiresAt}, when it expired: no worker was free for it.`,
          expiredCode,
        );
      }
      return next(input);
    },
  },
});

/** What the house adds to a run goes on: a paused run may still end. */
export const refusePaused =
  (ledger: Ledger): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const { workflowType = '', activityType, workflowExecution } = info;
        const isOfJob = jobOfType(workflowType)?.steps[activityType] !== undefined;
        const tidiesUp = stepHeaders.getStore()?.isCancelling === true;
        const pause = isOfJob && !tidiesUp ? await ledger.pauseOf(workflowType) : undefined;
        if (pause === undefined) return next(input);

        await ledger.keepWaiting({ workflowId: workflowExecution?.workflowId ?? '', pause: pause.number });
        throw ApplicationFailure.nonRetryable(`All of ${workflowType} is paused.`, typePausedCode, pause.number);
      },
    },
  });
