import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import { batch, batchSlices } from '../jobs/batch.js';
import type { WorkflowOf } from '../jobs/define-job.js';
import { checkedList, inSlices, type Carried } from './slices.js';
import { stepsOf } from './steps-of.js';

const { startRuns, countOutcomes } = stepsOf(batch);

export const runBatch: WorkflowOf<typeof batch, [Carried?]> = async (input, carried) => {
  const list = await checkedList(input.items);
  const { failed } = await inSlices(
    {
      list,
      plan: batchSlices,
      unit: 'run',
      step: startRuns,
      continueAsNew: (soFar) => continueAsNew<typeof runBatch>(input, soFar),
    },
    carried,
  );
  const outcomes = await countOutcomes(null);
  return { runs: list.count, ...outcomes, failed, items: { href: `/v1/runs/${workflowInfo().workflowId}/items` } };
};
