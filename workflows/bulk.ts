import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import { bulk, bulkSlices } from '../jobs/bulk.js';
import type { WorkflowOf } from '../jobs/define-job.js';
import { checkedList, inSlices, type Carried } from './slices.js';
import { stepsOf } from './steps-of.js';

const { actOnRuns, countBulkOutcomes } = stepsOf(bulk);

export const runBulk: WorkflowOf<typeof bulk, [Carried?]> = async (input, carried) => {
  const list = await checkedList(input.targets);
  const { verb } = input;
  const { failed } = await inSlices(
    {
      list,
      plan: bulkSlices,
      unit: 'run',
      step: (slice, call) => actOnRuns({ ...slice, verb }, call),
      continueAsNew: (soFar) => continueAsNew<typeof runBulk>(input, soFar),
    },
    carried,
  );
  const outcomes = await countBulkOutcomes(null);
  return { runs: list.count, ...outcomes, failed, items: { href: `/v1/runs/${workflowInfo().workflowId}/items` } };
};
