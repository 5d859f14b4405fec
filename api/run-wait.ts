/** Waits for the end of runs. */
import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Ending } from '../temporal/run-ending.js';
import { isClosed, type RunFacts, type RunStatus } from '../temporal/run.js';
import type { RunView } from './run-view.js';
import { NotStarted } from './run.js';
import { withinMs } from './within.js';

const lookAgainMs = 250; // whether a batch has started a run

export interface WaitOptions {
  readonly client: Client;
  readonly view: RunView;
  find(tenant: string, workflowId: string): Promise<RunFacts>;
}

export function runWaiter({ client, view, find }: WaitOptions) {
  return { waitForEnd };

  /**
   * Waits for the end of a run, at most so long; a long poll, so that it is told at once and costs nothing meanwhile.
   * @returns how it ended, or undefined if it is still open
   */
  async function waitForEnd(
    tenant: string,
    workflowId: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<({ status: RunStatus } & Ending) | undefined> {
    const before = await started(tenant, workflowId, Date.now() + waitMs, signal);
    if (before === undefined) return undefined;
    if (before instanceof NotStarted) return { status: before.run.status };
    if (!isClosed(before.status) && waitMs > 0) await ended(before, waitMs, signal);
    const after = isClosed(before.status) ? before : await find(tenant, workflowId);
    return isClosed(after.status)
      ? { status: after.status, ...(await withinMs(client, undefined, () => view.endingOf(after))) }
      : undefined;
  }

  /** @returns undefined if its batch has not started it by then; NotStarted if it never will */
  async function started(
    tenant: string,
    workflowId: string,
    by: number,
    signal: AbortSignal,
  ): Promise<RunFacts | NotStarted | undefined> {
    for (;;) {
      try {
        return await find(tenant, workflowId);
      } catch (error) {
        if (!(error instanceof NotStarted)) throw error;
        if (isClosed(error.run.status)) return error;
      }
      if (signal.aborted || Date.now() >= by) return undefined;
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }

  async function ended({ workflowId, runId }: RunFacts, waitMs: number, signal: AbortSignal): Promise<void> {
    const handle = client.workflow.getHandle(workflowId, runId); // follows what continues as new
    // Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect the two as garbage, and then neither ever fires.
    const enough = new AbortController();
    const timer = setTimeout(() => enough.abort(), waitMs);
    signal.addEventListener('abort', () => enough.abort(), { once: true });
    // The server answers a long poll with nothing a second before its deadline, and the SDK asks again at once, hundreds
    // of times: so the deadline lies beyond the time when we stop asking.
    const poll = () => client.connection.withAbortSignal(enough.signal, () => handle.result());
    try {
      if (signal.aborted) return;
      await client.withDeadline(Date.now() + waitMs + 10_000, poll);
    } catch (error) {
      if (error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError) return; // it has ended, or is gone
      if (!enough.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
