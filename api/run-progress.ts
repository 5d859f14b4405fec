/** How far runs are. Only a worker can tell: without one the last that was heard stands, marked as stale. */
import type { Client } from '@temporalio/client';
import { progressQuery, type Progress } from '../temporal/progress.js';
import { isClosed, type RunFacts } from '../temporal/run.js';
import { Recent } from './recent.js';

const queryMs = 1_000; // with no worker a query hangs for 29 s
const notAgainMs = 2_000; // after one that failed; or every look at a run would take a second while workers are away

export interface Seen {
  readonly progress: Progress | null;
  readonly stale?: true;
}

interface Heard {
  readonly progress: Progress | null;
  readonly isFinal?: boolean;
  readonly failedAt?: number;
}

export function runProgress(client: Client) {
  const heard = new Recent<Heard>(2_000);
  const asked = new Map<string, Promise<Seen>>();

  /** Many looks at one run at once cost one query. */
  function look(run: RunFacts): Promise<Seen> {
    const last = heard.get(chainOf(run));
    if (last?.isFinal) return Promise.resolve({ progress: last.progress });
    if (last?.failedAt !== undefined && Date.now() - last.failedAt < notAgainMs) return Promise.resolve(lastOf(run));
    const key = `${run.runId} ${run.status}`;
    const looking = asked.get(key) ?? ask(run).finally(() => asked.delete(key));
    asked.set(key, looking);
    return looking;
  }

  async function ask(run: RunFacts): Promise<Seen> {
    try {
      const progress = await client.withDeadline(Date.now() + queryMs, () =>
        client.workflow.getHandle(run.workflowId, run.runId).query<Progress>(progressQuery),
      );
      heard.set(chainOf(run), { progress, isFinal: isClosed(run.status) });
      return { progress };
    } catch {
      // Whatever kept the worker from answering, the run itself is told of without it.
      heard.set(chainOf(run), { progress: lastOf(run).progress, failedAt: Date.now() });
      return lastOf(run);
    }
  }

  function lastOf(run: RunFacts): Seen {
    const last = heard.get(chainOf(run));
    return last?.isFinal ? { progress: last.progress } : { progress: last?.progress ?? null, stale: true };
  }

  return { look, lastOf };
}

/** Progress never goes back within a chain of runs that continue as new. */
const chainOf = ({ firstRunId, runId }: RunFacts) => firstRunId ?? runId;
