/** A stand-in under a job type's name that a test leads by signals: what its progress is, and when and how it ends. */
import {
  ApplicationFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setHandler,
} from '@temporalio/workflow';
import type { Progress } from '../../temporal/progress.js';

export type Lead = Partial<Progress> & { readonly then?: 'complete' | 'fail' | 'continue' };

const untold: Progress = { done: 0, total: 10, unit: 'thing', message: '' };

async function led(before: Progress = untold): Promise<unknown> {
  let progress = { ...untold, ...before };
  const leads: Lead[] = [];
  setHandler(defineQuery('progress'), () => progress);
  setHandler(defineSignal<[Lead]>('lead'), (lead) => void leads.push(lead));
  for (;;) {
    await condition(() => leads.length > 0);
    const { then, ...told } = leads.shift()!;
    progress = { ...progress, ...told };
    if (then === 'complete') return { made: progress.done };
    if (then === 'fail') throw ApplicationFailure.nonRetryable('it was no picture', 'unsupported-file');
    if (then === 'continue') return continueAsNew<typeof led>(progress);
  }
}

export { led as 'file-pipeline' };
