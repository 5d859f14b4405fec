/**
 * Redrive: a new run under the same workflow ID. What the earlier one has done is in the ledger, so it is not repeated.
 * Of several redrives at once one starts: the dead letter can be taken once, and Temporal runs one at a time.
 */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { OnAmbiguous, RunMemo } from './memo.js';
import { endingOf } from './run-ending.js';
import { runInput } from './run-input.js';
import { isClosed, type RunFacts } from './run.js';
import { startRun } from './start-run.js';

/** Of the ledger. */
export interface Letters {
  beginRedrive(workflowId: string, at: number): Promise<boolean>;
  endRedrive(workflowId: string, started: boolean): Promise<void>;
  forgetFailures(workflowId: string, chain: string): Promise<void>;
  deadLetterState(workflowId: string): Promise<{ state: string; chain: string } | undefined>;
  deadRuns(filter: { tenant: string; workflowId: string }, page: { after: string; limit: number }): Promise<string[]>;
  keepDeadLetter(letter: NewLetter): Promise<void>;
}

interface NewLetter {
  workflowId: string;
  chain: string;
  tenant: string;
  type: string;
  status: 'failed' | 'timedOut' | 'terminated';
  code: string;
  step: string | null;
  message: string;
  attempts: number | null;
  tags: readonly string[];
  failedAt: number;
}

export interface Redrive {
  readonly facts: RunFacts;
  readonly job: { readonly taskQueue: string; readonly deadline: string; readonly summary: string };
  /** In place of what the run was started with; lists by reference. */
  readonly input?: unknown;
  readonly onAmbiguous?: OnAmbiguous | undefined;
}

export class RedriveRefused extends Error {
  /** Stable; listed in docs/errors.md. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'RedriveRefused';
    this.code = code;
  }
}

/** @throws RedriveRefused */
export async function redriveRun(client: Client, letters: Letters, redrive: Redrive): Promise<void> {
  const { facts, job, onAmbiguous = facts.memo.onAmbiguous } = redrive;
  const { workflowId, runId, firstRunId, type, status, tags, priority } = facts;
  if (!isClosed(status))
    throw new RedriveRefused('run-open', `${workflowId} is ${status}: it can be redriven once it has ended.`);
  await keepLetterOf(client, letters, facts);
  const hasLetter =
    (await letters.deadRuns({ tenant: facts.memo.tenant, workflowId }, { after: '', limit: 1 })).length > 0;
  const isTaken = hasLetter && !(await letters.beginRedrive(workflowId, Date.now()));
  if (!hasLetter || isTaken) throw await refusal(letters, facts);

  let isStarted = false;
  try {
    const input = redrive.input ?? (await runInput(client, workflowId, runId));
    const after = status === 'completed' ? 'any-end' : 'failure';
    const summary = `${job.summary} (redriven)`;
    await startRun(client, {
      ...job,
      workflowId,
      type,
      input,
      summary,
      memo: redriven(facts, onAmbiguous),
      tags,
      priority,
      after,
    });
    isStarted = true;
    if (redrive.input !== undefined) await letters.forgetFailures(workflowId, firstRunId ?? runId);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    isStarted = true;
    throw new RedriveRefused('already-redriven', `${workflowId} has been started again already.`);
  } finally {
    await letters.endRedrive(workflowId, isStarted);
  }
}

/** A run that was ended from Temporal's UI has no letter until the workers' sweep has seen it. */
export async function keepLetterOf(
  client: Client,
  letters: Pick<Letters, 'deadLetterState' | 'keepDeadLetter'>,
  facts: RunFacts,
) {
  const { workflowId, runId, firstRunId: chain = runId, status, type, memo, tags, endedAt } = facts;
  if (status !== 'failed' && status !== 'timedOut' && status !== 'terminated') return;
  if ((await letters.deadLetterState(workflowId))?.chain === chain) return;
  const { error } = await endingOf(client, facts);
  await letters.keepDeadLetter({
    ...{ workflowId, chain, tenant: memo.tenant, type, status, tags },
    code: error?.code ?? status,
    step: error?.step ?? null,
    message: error?.message ?? '',
    attempts: error?.attempts ?? null,
    failedAt: endedAt?.getTime() ?? Date.now(),
  });
}

async function refusal(letters: Letters, { workflowId, status }: RunFacts): Promise<RedriveRefused> {
  const letter = await letters.deadLetterState(workflowId);
  switch (letter?.state) {
    case 'redriving':
    case 'redriven':
      return new RedriveRefused('already-redriven', `${workflowId} is being redriven, or was.`);
    case 'discarded':
      return new RedriveRefused('discarded', `${workflowId} was discarded: somebody has decided that it is done with.`);
    default:
      return new RedriveRefused('nothing-to-redrive', `${workflowId} is ${status}, and nothing of it failed for good.`);
  }
}

/** The first fingerprint stays: the run's Idempotency-Key still names it. It begins at once, and anew. */
function redriven({ memo, startTime }: RunFacts, onAmbiguous: OnAmbiguous): RunMemo & { createdAt: string } {
  const { runAt, startedAt, expiresAt, expiresInMs, pausedAt, typePausedAt, ...kept } = memo;
  return {
    ...kept,
    createdAt: memo.createdAt ?? startTime.toISOString(),
    onAmbiguous,
    redrives: (memo.redrives ?? 0) + 1,
    redrivenAt: new Date().toISOString(),
  };
}
