/**
 * Steps of a process that died are failed at once, instead of after their heartbeat timeout: the next attempt starts
 * some seconds sooner. Only processes of this host can be told dead; for the others the timeout remains.
 */
import { ActivityNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { hostPrefix, thisProcess } from '../activities/step-context.js';
import type { Ledger } from '../storage/ledger.js';
import type { Log } from '../temporal/settings.js';

export async function failStepsOfDeadProcesses(ledger: Ledger, client: Client, log: Log): Promise<void> {
  for (const lease of await ledger.leasesOf(hostPrefix)) {
    if (isAlive(lease.process)) continue;
    const { workflowId, runId, activityId, attempt } = lease;
    const failure = ApplicationFailure.create({
      message: 'The worker process died.',
      type: 'WorkerDied',
      nextRetryDelay: 1,
    });
    try {
      await client.activity.fail({ workflowId, runId, activityId }, failure);
      log.warn(
        { workflowId, activityId, attempt },
        'failed a step of a worker that died, so that it is tried again at once',
      );
    } catch (error) {
      if (!(error instanceof ActivityNotFoundError)) throw error; // else: it ended meanwhile, or its time-out was quicker
    }
    await ledger.endLease(lease);
  }
}

function isAlive(name: string): boolean {
  if (name === thisProcess) return true;
  const pid = Number(name.slice(hostPrefix.length).split(':')[0]);
  if (pid === process.pid) return false; // an earlier process had our pid, as in a restarted container
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
