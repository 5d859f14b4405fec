/** Tells each step on whose behalf it works. */
import { defaultPayloadConverter, workflowInfo, type WorkflowOutboundCallsInterceptor } from '@temporalio/workflow';
import { runMemo, stepHeader, type StepHeader } from '../../temporal/memo.js';

export const sendStepHeader: WorkflowOutboundCallsInterceptor = {
  async scheduleActivity(input, next) {
    const { tenant, onAmbiguous } = runMemo(workflowInfo().memo);
    const header: StepHeader = { tenant, onAmbiguous, chain: workflowInfo().firstExecutionRunId };
    return next({ ...input, headers: { ...input.headers, [stepHeader]: defaultPayloadConverter.toPayload(header) } });
  },
};
