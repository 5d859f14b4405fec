/** Runs: started, looked at, waited for and listed, against Temporal and within a deadline. */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { Job } from '../jobs/define-job.js';
import type { Ledger } from '../storage/ledger.js';
import { grpc, grpcErrorOf, isTemporalAway, mayHaveHappened } from '../temporal/errors.js';
import { fingerprintOf } from '../temporal/fingerprint.js';
import { newWorkflowId, workflowIdFor } from '../temporal/ids.js';
import type { RunMemo } from '../temporal/memo.js';
import type { Progress } from '../temporal/progress.js';
import { describeRun } from '../temporal/describe-run.js';
import type { Ending } from '../temporal/run-ending.js';
import type { RunError } from '../temporal/run-error.js';
import { runInput } from '../temporal/run-input.js';
import { openQuery, runQuery, type RunFilter } from '../temporal/run-query.js';
import { factsOf, isClosed, type OpenStatus, type RunFacts, type RunStatus } from '../temporal/run.js';
import { startRun, type RunPlan } from '../temporal/start-run.js';
import { runInTemporalUi } from '../temporal/ui-links.js';
import { actsOn, type ShownAct } from './acts.js';
import type { Order } from './orders.js';
import { awayFor, Problem } from './problems.js';
import { deadlineMs } from './within.js';
import { cursorOf, tokenIn } from './list-cursor.js';
import { Recent } from './recent.js';
import { runEndings } from './run-ending.js';
import { runProgress } from './run-progress.js';

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly status: RunStatus;
  readonly progress: Progress | null;
  readonly stale?: true;
  readonly createdAt: string;
  readonly dueAt?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly tags: readonly string[];
  readonly error?: RunError;
  readonly result?: unknown;
  readonly acts?: readonly ShownAct[];
  readonly links: { readonly self: string; readonly events: string; readonly temporalUi: string };
}

/** A run of a batch that has not started it yet, or that never will. */
export class NotStarted extends Problem {
  readonly run: Run;

  constructor(run: Run) {
    const detail = isClosed(run.status)
      ? `${run.workflowId} was never started: it was cancelled, or its batch was.`
      : `${run.workflowId} is accepted, and its batch has not started it yet. Try again.`;
    super(isClosed(run.status) ? 409 : 503, 'run-not-started', detail, { headers: { 'Retry-After': '1' } });
    this.run = run;
  }
}

export interface StartRequest {
  readonly tenant: string;
  readonly job: Job;
  readonly order: Order;
  /** As sent, before defaults. */
  readonly body: unknown;
  readonly key: string | undefined;
  /** Made by `idFor`, where it has to be known before. */
  readonly workflowId?: string;
}

export interface RunsOptions {
  readonly client: Client;
  readonly jobs: readonly Job[];
  readonly ledger: Ledger;
  /** Of the Temporal Web UI. */
  readonly uiUrl: string;
  /** Resolves once the namespace can take runs. */
  readonly namespaceReady: Promise<void>;
}

const lookAgainMs = 250; // whether a batch has started a run

export type Runs = ReturnType<typeof temporalRuns>;

export function temporalRuns({ client, jobs, ledger, uiUrl, namespaceReady }: RunsOptions) {
  const { namespace } = client.options;
  const progress = runProgress(client);
  const endingOf = runEndings(client);
  const chainStarts = new Recent<string>(2_000);
  const within = <T>(work: () => Promise<T>, by = Date.now() + deadlineMs) => client.withDeadline(by, work);

  async function start(request: StartRequest): Promise<{ run: Run; replayed: boolean }> {
    const { tenant, job, order, body, key } = request;
    const by = Date.now() + deadlineMs;
    await before(by, namespaceReady);

    const workflowId = request.workflowId ?? idFor(tenant, job.type, key);
    const { type, taskQueue, deadline } = job;
    const plan = planOf({ workflowId, type, taskQueue, deadline }, order, tenant, fingerprintOf(type, body));
    const { memo, tags } = plan;
    try {
      const runId = await within(() => startRun(client, plan), by);
      const status = memo.runAt === undefined ? 'running' : 'scheduled';
      const times = memo.runAt === undefined ? { startedAt: memo.createdAt } : { dueAt: memo.runAt };
      const run = { workflowId, runId, type, status } as const;
      return {
        run: { ...run, progress: null, stale: true, createdAt: memo.createdAt, ...times, tags, links: linksOf(run) },
        replayed: false,
      };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw perhapsStarted(error, workflowId, key);
      return { run: await replayOf(workflowId, memo, by), replayed: true };
    }
  }

  /** A key seen before: the run that it started, if it was sent with the same body. */
  async function replayOf(workflowId: string, { tenant, fingerprint }: RunMemo, by: number): Promise<Run> {
    const facts = await within(() => describe(workflowId), by);
    if (facts === undefined)
      throw awayFor('temporal-unavailable', 'Temporal knows this Idempotency-Key, but not its run yet. Try again.');
    if (facts.memo.fingerprint !== fingerprint || facts.memo.tenant !== tenant) {
      throw new Problem(
        422,
        'idempotency-key-reused',
        `This Idempotency-Key was sent before with another body, and started ${workflowId}. Send the same body again, or another key.`,
      );
    }
    return within(() => shown(facts, false), by);
  }

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

    const isOver = run.cancelledAt !== null || batch === undefined || isClosed(batch.status);
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
      links: linksOf({ workflowId, runId: '' }),
    });
  }

  async function get(tenant: string, workflowId: string): Promise<Run> {
    const by = Date.now() + deadlineMs;
    try {
      return await within(async () => shown(await find(tenant, workflowId, by), true), by);
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
      return { facts, run: await shown(facts, true) };
    }, by);
  }

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
    return isClosed(after.status) ? { status: after.status, ...(await within(() => endingOf(after))) } : undefined;
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

  /** What a run was started with, lists by reference. */
  async function input(tenant: string, workflowId: string): Promise<unknown> {
    const { runId } = await find(tenant, workflowId);
    return within(() => runInput(client, workflowId, runId));
  }

  type OpenFilter = Omit<RunFilter, 'tenant' | 'status'> & { status?: OpenStatus | undefined };

  /** As Temporal's visibility tells: some seconds late. */
  async function countOpen(tenant: string, filter: OpenFilter): Promise<number> {
    const query = openQuery(tenant, filter);
    const { count } = await within(() => client.workflowService.countWorkflowExecutions({ namespace, query }));
    return Number(count);
  }

  const listOpen = (tenant: string, { limit, ...filter }: OpenFilter & { limit: number }) =>
    within(async () => (await page(openQuery(tenant, filter), limit)).runs);

  async function* eachOpen(tenant: string, filter: OpenFilter): AsyncGenerator<string> {
    const query = openQuery(tenant, filter);
    let token: Uint8Array | undefined;
    do {
      const { executions, nextPageToken } = await within(() =>
        client.workflowService.listWorkflowExecutions({
          namespace,
          query,
          pageSize: 1_000,
          ...(token && { nextPageToken: token }),
        }),
      );
      for (const { execution } of executions) yield execution?.workflowId ?? '';
      token = nextPageToken;
    } while (token.length > 0);
  }

  async function list(
    tenant: string,
    { limit, cursor, ...filter }: Omit<RunFilter, 'tenant'> & { limit: number; cursor?: string | undefined },
  ): Promise<{ runs: Run[]; nextCursor: string | null }> {
    const query = runQuery({ tenant, ...filter });
    const { runs, nextPageToken } = await page(query, limit, cursor === undefined ? undefined : tokenIn(cursor, query));
    return { runs, nextCursor: nextPageToken.length > 0 ? cursorOf(nextPageToken, query) : null };
  }

  async function page(query: string, pageSize: number, nextPageToken?: Uint8Array) {
    const answer = await within(() =>
      client.workflowService.listWorkflowExecutions({
        namespace,
        query,
        pageSize,
        ...(nextPageToken && { nextPageToken }),
      }),
    );
    const runs = answer.executions.map((info): Run => {
      const facts = factsOf(info);
      const seen = progress.lastOf(facts);
      const isUnknown = isClosed(facts.status) && seen.progress === null; // no later look at the list tells more
      return {
        ...base(facts, facts.memo.createdAt ?? facts.startTime.toISOString()),
        ...(isUnknown ? { progress: null } : seen),
      };
    });
    return { runs, nextPageToken: answer.nextPageToken };
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

  return {
    start,
    idFor,
    get,
    look,
    find,
    waitForEnd,
    list,
    countOpen,
    listOpen,
    eachOpen,
    input,
    /** Without asking a worker for the progress. */
    shown: (facts: RunFacts) => within(() => shown(facts, false)),
  };
}

/** A run begins when it is accepted; a delayed one when it was due and a worker took note. */
function startOf({ status, memo }: RunFacts, createdAt: string): { startedAt?: string } {
  const startedAt = memo.redrivenAt ?? memo.startedAt;
  if (startedAt !== undefined) return { startedAt };
  return status === 'scheduled' || memo.runAt !== undefined ? {} : { startedAt: createdAt };
}

const notFound = (workflowId: string) =>
  new Problem(
    404,
    'run-not-found',
    `There is no run ${JSON.stringify(workflowId.slice(0, 200))}. GET /v1/runs lists those there are.`,
  );

/** The same key gives the same run; without one, each is another. */
const idFor = (tenant: string, type: string, key: string | undefined) =>
  key === undefined ? newWorkflowId(type) : workflowIdFor(tenant, type, key);

/** What an accepted order becomes. */
export function planOf(
  job: Pick<RunPlan, 'workflowId' | 'type' | 'taskQueue' | 'deadline'>,
  { input, summary, onAmbiguous, runAt, expiresInMs, priority, tags }: Order,
  tenant: string,
  fingerprint: string,
): RunPlan {
  const now = new Date();
  const expiresAt = expiresInMs === undefined ? undefined : new Date((runAt ?? now).getTime() + expiresInMs);
  const memo = {
    v: 1 as const,
    tenant,
    fingerprint,
    onAmbiguous,
    createdAt: now.toISOString(),
    ...(runAt && { runAt: runAt.toISOString() }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
  return { ...job, input, summary, memo, tags, priority };
}

function perhapsStarted(error: unknown, workflowId: string, key: string | undefined): unknown {
  if (!isTemporalAway(error)) return error;
  if (!mayHaveHappened(error))
    return awayFor('temporal-unavailable', 'Temporal can’t be reached now. Nothing was started; try again.', error);
  return awayFor(
    'temporal-unavailable',
    key === undefined
      ? `Temporal did not answer in time. The run may have started: see GET /v1/runs/${workflowId} before you send it again. With an Idempotency-Key you could just send it again.`
      : 'Temporal did not answer in time. The run may have started: send it again with the same Idempotency-Key, and it starts at most once.',
    error,
  );
}

/** @throws Problem 503 when the time is up */
async function before(by: number, ready: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          awayFor(
            'temporal-unavailable',
            'Temporal, or its namespace, is not ready yet. Nothing was started; try again.',
          ),
        ),
      by - Date.now(),
    );
  });
  try {
    await Promise.race([ready, late]);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw awayFor(
      'temporal-unavailable',
      'Temporal’s namespace can’t be made ready; the API’s log tells why. Nothing was started.',
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}
