/** What people ask of open runs, and of job types: within a deadline, with a reason where it can't be. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Job } from '../jobs/define-job.js';
import type { Ledger } from '../storage/ledger.js';
import { failureCode, failureMessage } from '../temporal/failure.js';
import { keepLetterOf, redriveRun, RedriveRefused, type Redrive } from '../temporal/redrive-run.js';
import { isClosed, type RunFacts } from '../temporal/run.js';
import { steering as updates } from '../temporal/steering.js';
import { awayFor, Problem } from './problems.js';
import { NotStarted, type Run } from './run.js';
import type { Runs } from './runs.js';
import { withinMs } from './within.js';

/** Only a worker can answer an update; with none it would take 29 s. */
const updateMs = 1_000;

export type Steering = ReturnType<typeof temporalSteering>;

export interface SteeringOptions {
  readonly client: Client;
  readonly runs: Runs;
  readonly ledger: Ledger;
  /** Every type that a run may have. */
  readonly jobs: readonly Job[];
}

export function temporalSteering({ client, runs, ledger, jobs }: SteeringOptions) {
  const ask = async (tenant: string, workflowId: string, update: string, ...args: unknown[]): Promise<Run> => {
    await findOpen(tenant, workflowId);
    try {
      await withinMs(client, updateMs, () =>
        client.workflow.getHandle(workflowId).executeUpdate(update, { args: args as [] }),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) throw refusal(error);
      if (error instanceof WorkflowNotFoundError) throw closedAlready(await runs.find(tenant, workflowId));
      throw awayFor(
        'no-answer-in-time',
        'No worker has answered in time. It may still take effect, once one does; asking again is harmless.',
        error,
      );
    }
    return runs.get(tenant, workflowId);
  };

  return {
    pause: (tenant: string, workflowId: string) => ask(tenant, workflowId, updates.pause),
    resume: (tenant: string, workflowId: string) => ask(tenant, workflowId, updates.resume),
    runNow: (tenant: string, workflowId: string) => ask(tenant, workflowId, updates.runNow),
    reschedule: (tenant: string, workflowId: string, runAt: Date) =>
      ask(tenant, workflowId, updates.reschedule, { runAt: runAt.toISOString() }),

    /** @throws Problem 409 for a run that has ended */
    async cancel(tenant: string, workflowId: string): Promise<Run> {
      const before = await findOrCancelPending(tenant, workflowId);
      if (before instanceof NotStarted) return runs.get(tenant, workflowId);
      if (isClosed(before.status)) throw closedAlready(before);
      await unlessEnded(() => client.workflow.getHandle(workflowId).cancel());
      const after = await runs.find(tenant, workflowId);
      if (isClosed(after.status) && after.status !== 'cancelled') throw closedAlready(after);
      return runs.shown(after);
    },

    /** Ends it at once, without cleaning up; a dead letter is left. @throws Problem 409 for a run that has ended */
    async terminate(tenant: string, workflowId: string, reason: string): Promise<Run> {
      await findOpen(tenant, workflowId);
      await unlessEnded(() => client.workflow.getHandle(workflowId).terminate(reason));
      const after = await runs.find(tenant, workflowId);
      if (after.status !== 'terminated') throw closedAlready(after);
      await withinMs(client, undefined, () => keepLetterOf(client, ledger, after));
      return runs.shown(after);
    },

    /**
     * Runs it again; what succeeded is not repeated.
     * @param instead what to run it with; as before unless given
     * @throws Problem 409 for what is open, was redriven or has nothing to redrive
     */
    async redrive(tenant: string, workflowId: string, instead: Pick<Redrive, 'input' | 'onAmbiguous'> = {}) {
      const facts = await runs.find(tenant, workflowId);
      const job = jobs.find(({ type }) => type === facts.type)!;
      try {
        await withinMs(client, undefined, () => redriveRun(client, ledger, { facts, job, ...instead }));
      } catch (error) {
        if (error instanceof RedriveRefused) throw new Problem(409, error.code, error.message, { cause: error });
        throw error;
      }
      return runs.shown(await runs.find(tenant, workflowId));
    },

    pauseType: ({ type }: Job, by: string, reason: string | undefined) =>
      ledger.pauseType({ type, by, reason: reason ?? null, at: Date.now() }),
    resumeType: ({ type }: Job) => ledger.resumeType(type, Date.now()),
  };

  /** @throws Problem 409 for a run that has ended */
  async function findOpen(tenant: string, workflowId: string): Promise<void> {
    const facts = await runs.find(tenant, workflowId);
    if (isClosed(facts.status)) throw closedAlready(facts);
  }

  /** A run that ends in the same moment is no failure: whoever asks looks at it again. */
  async function unlessEnded(work: () => Promise<unknown>): Promise<void> {
    try {
      await withinMs(client, undefined, work);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  /** @returns NotStarted for a run of a batch that was cancelled before it was started */
  async function findOrCancelPending(tenant: string, workflowId: string): Promise<RunFacts | NotStarted> {
    try {
      return await runs.find(tenant, workflowId);
    } catch (error) {
      if (!(error instanceof NotStarted) || isClosed(error.run.status)) throw error;
      if (await ledger.cancelPending(workflowId, Date.now())) return error;
      throw error; // it is being started just now: the next try finds it
    }
  }
}

const refusal = (error: WorkflowUpdateFailedError) =>
  new Problem(409, failureCode(error), failureMessage(error), { cause: error });

const closedAlready = ({ workflowId, status }: RunFacts) =>
  new Problem(409, 'run-closed', `${workflowId} has ended as ${status}: there is nothing left to steer.`);
