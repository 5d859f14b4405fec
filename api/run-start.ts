/** Starts runs: once per Idempotency-Key, and told apart from what was sent before. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { Job } from '../jobs/define-job.js';
import { isTemporalAway, mayHaveHappened } from '../temporal/errors.js';
import { fingerprintOf } from '../temporal/fingerprint.js';
import type { RunMemo } from '../temporal/memo.js';
import type { RunFacts } from '../temporal/run.js';
import { startRun } from '../temporal/start-run.js';
import type { Order } from './orders.js';
import { awayFor, Problem } from './problems.js';
import { idFor, planOf } from './run-plan.js';
import type { RunView } from './run-view.js';
import type { Run } from './run.js';
import { deadlineMs } from './within.js';

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

export interface StartOptions {
  readonly client: Client;
  readonly view: RunView;
  /** Resolves once the namespace can take runs. */
  readonly namespaceReady: Promise<void>;
  describe(workflowId: string): Promise<RunFacts | undefined>;
}

export function runStarter({ client, view, namespaceReady, describe }: StartOptions) {
  const within = <T>(work: () => Promise<T>, by: number) => client.withDeadline(by, work);
  return { start };

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
        run: {
          ...run,
          progress: null,
          stale: true,
          createdAt: memo.createdAt,
          ...times,
          tags,
          links: view.linksOf(run),
        },
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
    return within(() => view.shown(facts, false), by);
  }
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
