/** What a run waits for, in one sentence: told by Temporal's own record of it, so that no worker need be there. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { Ledger } from '../storage/ledger.js';
import { dateOf, isClosed, type RunFacts, type RunStatus } from '../temporal/run.js';
import { NotStarted, type Run } from './run.js';
import type { Runs } from './runs.js';
import { withinMs } from './within.js';

export interface Reason {
  readonly why: string;
  readonly since?: string | undefined;
  readonly next?: string | undefined;
  readonly step?: string;
  readonly attempt?: number;
  readonly lastError?: string;
}

export type Why = (
  tenant: string,
  workflowId: string,
) => Promise<Reason & { readonly workflowId: string; readonly status: RunStatus }>;

type Description = WorkflowExecutionDescription['raw'];
type Pending = NonNullable<Description['pendingActivities']>[number];

/** temporal.api.enums.v1.PendingActivityState */
const states = { scheduled: 1, started: 2, cancelRequested: 3 } as const;
/** temporal.api.enums.v1.TaskQueueType */
const queueTypes = { workflow: 1, activity: 2 } as const;
/** A worker that lives asks at least this often: its long polls take a minute. */
const pollerMs = 70_000;
/** Between the clocks of the API and of Temporal, for telling which act it was. */
const clockSkewMs = 500;

export function whyOf({ client, runs, ledger }: { client: Client; runs: Runs; ledger: Ledger }): Why {
  return async (tenant, workflowId) => {
    const { run, reason } = await reasonOf(tenant, workflowId);
    return Object.fromEntries(
      Object.entries({ workflowId, status: run.status, ...reason }).filter(([, value]) => value !== undefined),
    ) as unknown as Awaited<ReturnType<Why>>;
  };

  async function reasonOf(tenant: string, workflowId: string): Promise<{ run: Run; reason: Reason }> {
    try {
      const { facts, run } = await runs.look(tenant, workflowId);
      return { run, reason: isClosed(run.status) ? ended(run) : await openReason(run, facts) };
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error;
      const { run } = error;
      const why = 'It is accepted; its batch has not started it yet.';
      return { run, reason: isClosed(run.status) ? ended(run) : { why, since: run.createdAt } };
    }
  }

  async function openReason(run: Run, facts: RunFacts): Promise<Reason> {
    const description = await withinMs(client, undefined, () =>
      client.workflowService.describeWorkflowExecution({
        namespace: client.options.namespace,
        execution: { workflowId: run.workflowId },
      }),
    );
    return (
      failingCode(description) ??
      (await held(run, facts)) ??
      (await waitsForTime(run, facts, description)) ??
      (await steps(run, description)) ??
      (await untaken(description)) ??
      (await between(run))
    );
  }

  async function held({ workflowId, type, acts = [] }: Run, { memo, status }: RunFacts): Promise<Reason | undefined> {
    if (status === 'cancelling') return undefined;
    if (memo.pausedAt !== undefined) {
      // A pause of a paused run changes nothing: the one that holds is the latest before it was paused.
      const by = Date.parse(memo.pausedAt) + clockSkewMs;
      const act = acts.find((one) => one.act === 'pause' && Date.parse(one.at) <= by);
      return {
        why: `It is paused${byWhom(act?.by, act?.reason)}: POST /v1/runs/${workflowId}/resume lets it go on.${expiry(memo)}`,
        since: memo.pausedAt,
      };
    }
    if (memo.typePausedAt === undefined) return undefined;
    const pause = await ledger.pauseOf(type);
    if (pause === undefined)
      return { why: `All of ${type} was paused; it goes on in a moment.`, since: memo.typePausedAt };
    return {
      why: `All of ${type} is paused${byWhom(pause.by, pause.reason)}: POST /v1/job-types/${type}/resume lets it go on.${expiry(memo)}`,
      since: new Date(pause.at).toISOString(),
    };
  }

  async function waitsForTime({ dueAt, createdAt }: Run, { status }: RunFacts, description: Description) {
    if (status !== 'scheduled' || dueAt === undefined) return undefined;
    if (Date.parse(dueAt) > Date.now())
      return { why: `It waits for its time, ${dueAt}.`, since: createdAt, next: dueAt };
    const { why } = (await untaken(description)) ?? { why: 'it begins in a moment.' };
    return { why: `It was due at ${dueAt}: ${lowerFirst(why)}`, since: dueAt };
  }

  /** The step that tells most: one that is tried again, else one that no worker has taken, else one that runs. */
  async function steps({ status }: Run, description: Description): Promise<Reason | undefined> {
    const pending = [...(description.pendingActivities ?? [])].sort((a, b) => rank(a) - rank(b));
    const [one] = pending;
    if (one === undefined) return undefined;
    const step = one.activityType?.name ?? '';
    const attempt = one.attempt ?? 1;
    const lastError = one.lastFailure?.message ?? undefined;
    const told = { step, attempt, ...(lastError && { lastError }) };
    const again = attempt > 1 ? `, attempt ${attempt}` : '';
    const before = lastError ? `; the one before failed: ${sentence(lastError)}` : '.';

    if (Number(one.state) !== states.scheduled) {
      const since = iso(one.lastStartedTime);
      const worker = one.lastWorkerIdentity ? ` on ${one.lastWorkerIdentity}` : '';
      const end = status === 'cancelling' ? 'It is being cancelled, and waits for' : 'It waits for';
      return {
        why: `${end} step ${step}, which runs${worker} since ${since ?? 'now'}${again}${before}`,
        since,
        ...told,
      };
    }
    const scheduledFor = dateOf(one.scheduledTime) ?? dateOf(one.nextAttemptScheduleTime);
    if (scheduledFor !== undefined && scheduledFor.getTime() > Date.now()) {
      const next = scheduledFor.toISOString();
      return { why: `Step ${step} is tried again at ${next}${again}${before}`, next, ...told };
    }
    const queue = description.executionConfig?.taskQueue?.name ?? '';
    const missing = await noWorkerOn(queue, 'activity');
    const since = scheduledFor?.toISOString();
    return {
      why: missing
        ? `Step ${step} waits for a worker: ${missing}`
        : `Step ${step} waits for a free slot of a worker on task queue "${queue}"${again}${before}`,
      since,
      ...told,
    };
  }

  /** Work for its workflow code lies ready and nobody takes it. */
  async function untaken({ pendingWorkflowTask, executionConfig }: Description): Promise<Reason | undefined> {
    if (!pendingWorkflowTask) return undefined;
    const queue = executionConfig?.taskQueue?.name ?? '';
    const missing = await noWorkerOn(queue, 'workflow');
    const since = iso(pendingWorkflowTask.originalScheduledTime ?? pendingWorkflowTask.scheduledTime);
    return {
      why: missing
        ? `It waits for a worker: ${missing}`
        : `It waits for a worker on task queue "${queue}" to take it up.`,
      since,
    };
  }

  /** No step, and nothing for its code to do: it sleeps, until the timer that it has set last. */
  async function between({ workflowId, runId, progress, startedAt }: Run): Promise<Reason> {
    const { history } = await withinMs(client, undefined, () =>
      client.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 50,
      }),
    );
    const timer = (history?.events ?? []).find(({ timerStartedEventAttributes }) => timerStartedEventAttributes);
    const since = iso(timer?.eventTime);
    const ms = Number(timer?.timerStartedEventAttributes?.startToFireTimeout?.seconds ?? 0) * 1_000;
    const next = since === undefined ? undefined : new Date(Date.parse(since) + ms).toISOString();
    const until = next === undefined ? '' : ` until ${next}`;
    return {
      why: `It waits${until}: ${progress?.message || 'it is between two steps'}.`,
      since: since ?? startedAt,
      next,
    };
  }

  async function noWorkerOn(queue: string, kind: keyof typeof queueTypes): Promise<string | undefined> {
    const { pollers } = await withinMs(client, undefined, () =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        taskQueueType: queueTypes[kind],
      }),
    );
    const seen = (pollers ?? []).map(({ lastAccessTime }) => dateOf(lastAccessTime)?.getTime() ?? 0);
    const last = Math.max(0, ...seen);
    if (Date.now() - last < pollerMs) return undefined;
    if (last === 0) return `none serves task queue "${queue}". Start one (npm run worker) with WORKER_QUEUES=${queue}.`;
    return `none has asked task queue "${queue}" for work since ${new Date(last).toISOString()}.`;
  }
}

function ended({ status, endedAt, error }: Run): Reason {
  const words = error ? `: ${sentence(error.message)}` : '.';
  return { why: `It has ended as ${status}${words}`, since: endedAt, ...(error?.step && { step: error.step }) };
}

/** After some failed workflow tasks Temporal says so itself, in a search attribute. */
function failingCode({ workflowExecutionInfo, pendingWorkflowTask }: Description): Reason | undefined {
  const reported = workflowExecutionInfo?.searchAttributes?.indexedFields?.['TemporalReportedProblems'];
  const attempt = pendingWorkflowTask?.attempt ?? 1;
  if (!reported && attempt < 3) return undefined;
  const problems = reported?.data ? Buffer.from(reported.data).toString() : '';
  const cause = /cause=(\w+)/.exec(problems)?.[1];
  return {
    why: `Its workflow code keeps failing${cause ? ` (${cause})` : ''}, ${attempt} attempts so far: it goes on once a worker runs code that is mended. The worker’s log and Temporal’s UI tell why.`,
    since: iso(pendingWorkflowTask?.originalScheduledTime ?? pendingWorkflowTask?.scheduledTime),
    attempt,
  };
}

function rank({ state, attempt }: Pending): number {
  if (Number(state) === states.scheduled) return (attempt ?? 1) > 1 ? 0 : 1;
  return (attempt ?? 1) > 1 ? 2 : 3;
}

const expiry = ({ expiresAt }: RunFacts['memo']) =>
  expiresAt === undefined ? '' : ` It expires at ${expiresAt} if it has not begun by then.`;
const byWhom = (by?: string, reason?: string | null) => `${by ? ` by ${by}` : ''}${reason ? ` (${reason})` : ''}`;
const iso = (time: Parameters<typeof dateOf>[0]) => dateOf(time)?.toISOString();
const sentence = (text: string) => `${text.replace(/[.\s]+$/, '')}.`;
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
