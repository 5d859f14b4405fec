/** How runs are shown: what Temporal, a worker and the ledger tell of them, put together. */
import type { Client } from '@temporalio/client';
import type { Ledger } from '../storage/ledger.js';
import { describeRun } from '../temporal/describe-run.js';
import { factsOf, isClosed, type RawInfo, type RunFacts } from '../temporal/run.js';
import { runInTemporalUi } from '../temporal/ui-links.js';
import { actsOn } from './acts.js';
import { Recent } from './recent.js';
import { runEndings } from './run-ending.js';
import { runProgress } from './run-progress.js';
import type { Run } from './run.js';

export type RunView = ReturnType<typeof runView>;

/** @param uiUrl of the Temporal Web UI */
export function runView({ client, ledger, uiUrl }: { client: Client; ledger: Ledger; uiUrl: string }) {
  const { namespace } = client.options;
  const progress = runProgress(client);
  const endingOf = runEndings(client);
  const chainStarts = new Recent<string>(2_000);

  async function shown(facts: RunFacts, askWorker: boolean): Promise<Run> {
    const [createdAt, seen, ending, acts] = await Promise.all([
      createdAtOf(facts),
      askWorker ? progress.look(facts) : progress.lastOf(facts),
      isClosed(facts.status) ? endingOf(facts) : undefined,
      actsOn(ledger, facts.workflowId).catch(() => []), // what a run is doing is told without the ledger too
    ]);
    const { links, tags, ...rest } = base(facts, createdAt);
    return { ...rest, ...seen, tags, ...ending, ...(acts.length > 0 && { acts }), links };
  }

  /** A run started from Temporal's UI or CLI carries no `createdAt`; then the chain's first run tells. */
  async function createdAtOf({ workflowId, runId, firstRunId, memo, startTime }: RunFacts): Promise<string> {
    const own = startTime.toISOString();
    if (memo.createdAt !== undefined || firstRunId === undefined || firstRunId === runId) return memo.createdAt ?? own;
    const known = chainStarts.get(firstRunId);
    if (known !== undefined) return known;
    const first = await describeRun(client, workflowId, firstRunId); // none: past its retention
    const createdAt = first?.startTime.toISOString() ?? own;
    chainStarts.set(firstRunId, createdAt);
    return createdAt;
  }

  const base = (facts: RunFacts, createdAt: string) => ({
    workflowId: facts.workflowId,
    runId: facts.runId,
    type: facts.type,
    status: facts.status,
    progress: null,
    createdAt,
    ...(facts.dueAt && { dueAt: facts.dueAt.toISOString() }),
    ...startOf(facts, createdAt),
    ...(facts.endedAt && { endedAt: facts.endedAt.toISOString() }),
    tags: facts.tags,
    links: linksOf(facts),
  });

  const linksOf = ({ workflowId, runId }: { workflowId: string; runId: string }) => {
    const self = `/v1/runs/${encodeURIComponent(workflowId).replaceAll('%3A', ':')}`;
    return { self, events: `${self}/events`, temporalUi: runInTemporalUi(uiUrl, namespace, workflowId, runId) };
  };

  /** A row of a list: no call is made for it. */
  function listed(info: RawInfo): Run {
    const facts = factsOf(info);
    const seen = progress.lastOf(facts);
    const isUnknown = isClosed(facts.status) && seen.progress === null; // no later look at the list tells more
    return {
      ...base(facts, facts.memo.createdAt ?? facts.startTime.toISOString()),
      ...(isUnknown ? { progress: null } : seen),
    };
  }

  return { shown, listed, endingOf, linksOf };
}

/** A run begins when it is accepted; a delayed one when it was due and a worker took note. */
function startOf({ status, memo }: RunFacts, createdAt: string): { startedAt?: string } {
  const startedAt = memo.redrivenAt ?? memo.startedAt;
  if (startedAt !== undefined) return { startedAt };
  return status === 'scheduled' || memo.runAt !== undefined ? {} : { startedAt: createdAt };
}
