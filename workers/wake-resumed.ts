/**
 * Tells the runs that wait for a paused job type that it goes on. The ledger knows them, so it does not matter which
 * worker does it, nor how often: a run that is told twice takes no notice.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Pauses, Waiting } from '../storage/pauses.js';
import { typeResumedSignal } from '../temporal/steering.js';

const atOnce = 20;

export async function wakeResumed(ledger: Pauses, client: Client): Promise<void> {
  for (;;) {
    const waiting = await ledger.toWake(atOnce);
    await Promise.all(waiting.map((one) => wake(one)));
    if (waiting.length < atOnce) return;
  }

  async function wake(waiting: Waiting): Promise<void> {
    try {
      await client.workflow.getHandle(waiting.workflowId).signal(typeResumedSignal, waiting.pause);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // else: it has ended meanwhile
    }
    await ledger.forgetWaiting(waiting);
  }
}
