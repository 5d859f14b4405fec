/** Runs, against Temporal and within a deadline: found and looked at here; started, waited for and listed beside it. */
import type { Client } from '@temporalio/client';
import type { Job } from '../jobs/define-job.js';
import type { Ledger } from '../storage/ledger.js';
import { describeRun } from '../temporal/describe-run.js';
import { grpc, grpcErrorOf } from '../temporal/errors.js';
import { runInput } from '../temporal/run-input.js';
import { isClosed, type RunFacts } from '../temporal/run.js';
import { actsOn } from './acts.js';
import { awayFor, Problem } from './problems.js';
import { runLists } from './run-lists.js';
import { runStarter } from './run-start.js';
import { runView } from './run-view.js';
import { runWaiter } from './run-wait.js';
import { NotStarted, type Run } from './run.js';
import { deadlineMs } from './within.js';

export interface RunsOptions {
  readonly client: Client;
  /** Every type that a run may have. */
  readonly jobs: readonly Job[];
  readonly ledger: Ledger;
  /** Of the Temporal Web UI. */
  readonly uiUrl: string;
  /** Resolves once the namespace can take runs. */
  readonly namespaceReady: Promise<void>;
}

export type Runs = ReturnType<typeof temporalRuns>;

export function temporalRuns({ client, jobs, ledger, uiUrl, namespaceReady }: RunsOptions) {
  const view = runView({ client, ledger, uiUrl });
  const within = <T>(work: () => Promise<T>, by = Date.now() + deadlineMs) => client.withDeadline(by, work);

  return {
    ...runStarter({ client, view, namespaceReady, describe }),
    ...runWaiter({ client, view, find }),
    ...runLists({ client, view }),
    find,
    get,
    look,
    input,
    /** Without asking a worker for the progress. */
    shown: (facts: RunFacts) => within(() => view.shown(facts, false)),
  };

  /** @throws Problem 404 for what is no run of this tenant; NotStarted for one that its batch has not started yet */
  async function find(tenant: string, workflowId: string, by = Date.now() + deadlineMs): Promise<RunFacts> {
    const facts = workflowId.length <= 1_000 ? await within(() => describe(workflowId), by) : undefined;
    if (facts === undefined) return findPending(tenant, workflowId, by);
    const isOurs = facts.memo.tenant === tenant && jobs.some(({ type }) => type === facts.type);
    if (!isOurs) throw notFound(workflowId);
    return facts;
  }

  /** A run of a batch that Temporal doesn't have yet: the ledger answers for it. */
  async function findPending(tenant: string, workflowId: string, by: number): Promise<RunFacts> {
    const run = await ledger.pendingRun(workflowId);
    if (run === undefined || run.tenant !== tenant) throw notFound(workflowId);
    const batch = await within(() => describe(run.batch), by);
    const started = await within(() => describe(workflowId), by); // in the meantime
    if (started !== undefined) return started;

    const isBatchOver = batch === undefined || isClosed(batch.status);
    if (isBatchOver && run.startedAt !== null) throw notFound(workflowId); // it has run, and is past its retention
    const isOver = run.cancelledAt !== null || isBatchOver;
    const { type, tags, createdAt, dueAt, cancelledAt } = run;
    const endedAt = cancelledAt === null ? batch?.endedAt : new Date(cancelledAt);
    const acts = await actsOn(ledger, workflowId);
    throw new NotStarted({
      ...{ workflowId, runId: '', type, status: isOver ? 'cancelled' : 'scheduled', progress: null },
      createdAt: new Date(createdAt).toISOString(),
      ...(dueAt !== null && { dueAt: new Date(dueAt).toISOString() }),
      ...(isOver && endedAt && { endedAt: endedAt.toISOString() }),
      tags,
      ...(acts.length > 0 && { acts }),
      links: view.linksOf({ workflowId, runId: '' }),
    });
  }

  async function get(tenant: string, workflowId: string): Promise<Run> {
    const by = Date.now() + deadlineMs;
    try {
      return await within(async () => view.shown(await find(tenant, workflowId, by), true), by);
    } catch (error) {
      if (error instanceof NotStarted) return error.run;
      throw error;
    }
  }

  /** As `get`, with what tells an earlier look from a later one. */
  async function look(tenant: string, workflowId: string): Promise<{ facts: RunFacts; run: Run }> {
    const by = Date.now() + deadlineMs;
    return within(async () => {
      const facts = await find(tenant, workflowId, by);
      return { facts, run: await view.shown(facts, true) };
    }, by);
  }

  /** What a run was started with, lists by reference. */
  async function input(tenant: string, workflowId: string): Promise<unknown> {
    const { runId } = await find(tenant, workflowId);
    return within(() => runInput(client, workflowId, runId));
  }

  /** @returns undefined for a workflow ID that Temporal doesn't have */
  async function describe(workflowId: string): Promise<RunFacts | undefined> {
    try {
      return await describeRun(client, workflowId);
    } catch (error) {
      if (grpcErrorOf(error)?.code !== grpc.notFound) throw error;
      throw awayFor('temporal-unavailable', 'Temporal’s namespace is not there yet. Try again.', error);
    }
  }
}

const notFound = (workflowId: string) =>
  new Problem(
    404,
    'run-not-found',
    `There is no run ${JSON.stringify(workflowId.slice(0, 200))}. GET /v1/runs lists those there are.`,
  );
