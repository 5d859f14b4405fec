/** Each step learns on whose behalf it works, from the header that its workflow sent along. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { stepHeaders } from '../activities/step-context.js';
import { runMemo, stepHeader, type StepHeader } from '../temporal/memo.js';

export const runHeader: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(input, next) {
      const payload = input.headers[stepHeader];
      const { tenant, onAmbiguous } = runMemo(undefined);
      const header: StepHeader = payload
        ? defaultPayloadConverter.fromPayload(payload)
        : { tenant, onAmbiguous, chain: info.workflowExecution?.runId ?? '' };
      return stepHeaders.run(header, () => next(input));
    },
  },
});
