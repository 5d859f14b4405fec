/** Stand-ins under the job types' names: each does what its input says, so that a run's ways to end can be had at will. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';

export interface Script {
  readonly then: 'complete' | 'fail' | 'step' | 'wait' | 'slow-cancel' | 'continue' | 'plain';
  readonly code?: string;
  readonly result?: unknown;
  readonly step?: 'permanent' | 'transient' | 'hang';
}

const { makeDerivative } = proxyActivities<{ makeDerivative(how: string): Promise<void> }>({
  startToCloseTimeout: '500ms',
  scheduleToCloseTimeout: '20s',
  retry: { initialInterval: '50ms', maximumAttempts: 3 },
});

async function play(script: Script): Promise<unknown> {
  setHandler(defineQuery('progress'), () => ({ done: 3, total: 7, unit: 'thing', message: 'played' }));
  switch (script.then) {
    case 'complete':
      return script.result;
    case 'fail':
      throw ApplicationFailure.nonRetryable('it was no picture', script.code);
    case 'plain':
      throw ApplicationFailure.nonRetryable('something', 'TypeError');
    case 'step':
      await makeDerivative(script.step!);
      return null;
    case 'continue':
      await sleep(1_100);
      return continueAsNew<typeof play>({ then: 'wait' });
    case 'slow-cancel':
      await condition(() => false).catch(async (error: unknown) => {
        if (!isCancellation(error)) throw error;
        await CancellationScope.nonCancellable(() => sleep(1_500));
        throw error;
      });
      return null;
    case 'wait':
      await condition(() => false);
      return null;
  }
}

export { play as 'file-pipeline', play as 'not-a-job' };
