import type { WorkflowOf } from '../jobs/define-job.js';
import { defaultDerivatives, filePipeline } from '../jobs/file-pipeline.js';
import { startProgress } from './run-life/progress.js';
import { stepsOf } from './steps-of.js';

const { inspectFile, makeDerivative } = stepsOf(filePipeline);

export const runFilePipeline: WorkflowOf<typeof filePipeline> = async ({
  fileId,
  derivatives = defaultDerivatives,
}) => {
  const source = await inspectFile(fileId, { summary: 'look at the picture' });

  const progress = startProgress(derivatives.length, 'derivative');
  const made = derivatives.map((name) => progress.count(makeDerivative({ fileId, name }, { summary: name })));
  return { source, derivatives: await Promise.all(made) };
};
