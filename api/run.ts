/** A run, as the API shows it. */
import type { Progress } from '../temporal/progress.js';
import type { RunError } from '../temporal/run-error.js';
import { isClosed, type RunStatus } from '../temporal/run.js';
import type { ShownAct } from './acts.js';
import { Problem } from './problems.js';

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
    super(409, 'run-not-started', detail, isClosed(run.status) ? {} : { headers: { 'Retry-After': '1' } });
    this.run = run;
  }
}
