import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { WorkflowOf } from '../jobs/define-job.js';
import { campaignSlices, emailCampaign } from '../jobs/email-campaign.js';
import { checkedList, inSlices, type Carried } from './slices.js';
import { stepsOf } from './steps-of.js';

const { prepareRecipients, sendSlice } = stepsOf(emailCampaign);

export const runEmailCampaign: WorkflowOf<typeof emailCampaign, [Carried?]> = async (input, carried) => {
  const { template } = input;
  const list = await checkedList(input.recipients, (call) =>
    prepareRecipients({ template, recipients: input.recipients }, call),
  );

  const counts = await inSlices(
    {
      list,
      plan: campaignSlices,
      unit: 'mail',
      step: (slice, call) => sendSlice({ ...slice, template }, call),
      continueAsNew: (soFar) => continueAsNew<typeof runEmailCampaign>({ template, recipients: list }, soFar),
    },
    carried,
  );
  return { recipients: list.count, ...counts, failures: { href: `/v1/runs/${workflowInfo().workflowId}/failures` } };
};
