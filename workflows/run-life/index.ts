/** What every run has in common, as workflow interceptors: one file per concern, nothing of it in a job's own workflow. */
import { workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';
import { jobOfType } from '../../jobs/index.js';
import { withinDeadline } from './deadline.js';
import { untilDue } from './delay.js';
import { expiry } from './expiry.js';
import { carryMemo } from './memo.js';
import { recordOutcome, refuseNonsense } from './outcome.js';
import { pauses } from './pause.js';
import { answerProgressFromTheStart } from './progress.js';
import { sendStepHeader } from './step-header.js';

export const interceptors = (): WorkflowInterceptors => {
  const job = jobOfType(workflowInfo().workflowType);
  if (job === undefined) return {};
  const expiring = expiry();
  const pausing = pauses(job, expiring);
  return {
    inbound: [
      {
        execute: (input, next) =>
          recordOutcome(async () => {
            refuseNonsense(input.args);
            answerProgressFromTheStart();
            pausing.listen();
            await untilDue();
            expiring.check();
            return withinDeadline(job, () => next(input));
          }),
      },
    ],
    outbound: [pausing.holdSteps, sendStepHeader(expiring), carryMemo],
  };
};
