/** Tells each step on whose behalf it works. */
import { defaultPayloadConverter, workflowInfo, type WorkflowOutboundCallsInterceptor } from '@temporalio/workflow';
import { stepHeader, type StepHeader } from '../../temporal/memo.js';
import type { Expiry } from './expiry.js';
import { isCancelling, ownMemo } from './memo.js';

export const sendStepHeader = (expiry: Expiry): WorkflowOutboundCallsInterceptor => ({
  async scheduleActivity(input, next) {
    const { tenant, onAmbiguous, fingerprint, redrives, schedule } = ownMemo();
    // Of what was started by hand nobody knows; and a schedule's backfill runs again what has run for that time.
    const isFirst = fingerprint !== '' && redrives === undefined && schedule === undefined;
    const expiresAt = expiry.at();
    const scheduledFor = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0] as Date | undefined;
    const header: StepHeader = {
      tenant,
      onAmbiguous,
      chain: workflowInfo().firstExecutionRunId,
      ...(isFirst && { isFirst }),
      ...(isCancelling() && { isCancelling: true }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(scheduledFor !== undefined && { scheduledFor: scheduledFor.toISOString() }),
    };
    return next({ ...input, headers: { ...input.headers, [stepHeader]: defaultPayloadConverter.toPayload(header) } });
  },
});
