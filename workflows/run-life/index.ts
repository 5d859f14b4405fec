/** What every run has in common, as workflow interceptors: one file per concern, nothing of it in a job's own workflow. */
import { workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';
import { jobOfType } from '../../jobs/index.js';
import { recordOutcome, refuseNonsense } from './outcome.js';
import { answerProgressFromTheStart } from './progress.js';
import { sendStepHeader } from './step-header.js';

export const interceptors = (): WorkflowInterceptors => {
  if (jobOfType(workflowInfo().workflowType) === undefined) return {};
  return {
    inbound: [
      {
        execute: (input, next) =>
          recordOutcome(async () => {
            refuseNonsense(input.args);
            answerProgressFromTheStart();
            return next(input);
          }),
      },
    ],
    outbound: [sendStepHeader],
  };
};
