/** Waits for the next event of a run: all that changes its status or its progress comes with one. */
import type { Client } from '@temporalio/client';

/** The server ends a long poll after some 20 s with nothing; one that has not come back by then never will. */
const deadlineMs = 30_000;

export interface Place {
  readonly runId: string;
  readonly token: Uint8Array;
}

export const startOf = (runId: string): Place => ({ runId, token: new Uint8Array() });

/**
 * One long poll. From the start it reads what there is already, at most one campaign's slice of history (500 KB):
 * Temporal gives no token of a history's end.
 * @returns the next place, or undefined for the end of this run's history
 */
export function historyOf(client: Client) {
  return async (workflowId: string, { runId, token }: Place, signal: AbortSignal): Promise<Place | undefined> => {
    const poll = () =>
      client.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        waitNewEvent: true,
        nextPageToken: token,
      });
    for (;;) {
      const { history, nextPageToken } = await whileNot(signal, (abandoned) =>
        client.connection.withAbortSignal(abandoned, () => client.withDeadline(Date.now() + deadlineMs, poll)),
      );
      if (nextPageToken.length === 0) return undefined;
      token = nextPageToken;
      if ((history?.events?.length ?? 0) > 0) return { runId, token };
    }
  };
}

/** The SDK never takes back what it adds to a signal: each call gets one of its own. */
async function whileNot<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abandon = () => own.abort();
  signal.throwIfAborted();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await call(own.signal);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

export type NextOfHistory = ReturnType<typeof historyOf>;
