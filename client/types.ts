/** What goes over the wire. */
import type { z } from 'zod';
import type { AnyJob, JobType } from '../jobs/index.js';

export type { JobType };
type Inputs = { [Job in AnyJob as Job['type']]: z.input<ReturnType<Job['input']>> };
type Results = { [Job in AnyJob as Job['type']]: z.output<ReturnType<Job['output']>> };
export type InputOf<Type extends JobType> = Inputs[Type];
export type ResultOf<Type extends JobType> = Results[Type];

export type OpenStatus = 'scheduled' | 'running' | 'paused' | 'cancelling';
export type ClosedStatus = 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timedOut';

export interface RunError {
  readonly code: string;
  readonly step?: string;
  readonly message: string;
  readonly attempts?: number;
}

export interface Run<Type extends JobType = JobType> {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: Type;
  readonly status: OpenStatus | ClosedStatus;
  /** Null when no worker could tell. */
  readonly progress: {
    readonly done: number;
    readonly total: number | null;
    readonly unit: string;
    readonly message: string;
  } | null;
  /** The progress is the last known one: no worker answered. */
  readonly stale?: boolean;
  readonly createdAt: string;
  readonly dueAt?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly tags: readonly string[];
  readonly error?: RunError;
  readonly result?: ResultOf<Type>;
  /** What people did to it, the latest first; not in lists. */
  readonly acts?: readonly Act[];
  readonly links: { readonly self: string; readonly events: string; readonly temporalUi: string };
}

/** A change of a run, told as it happens; `end` is the last. */
export interface RunEvent<Type extends JobType = JobType> {
  /** Come back with it, and what followed is told. */
  readonly id: string;
  readonly event: 'run' | 'end';
  readonly run: Run<Type>;
}

/** How a run ended; `status` is an open one if it has not within the time asked for. */
export interface Outcome<Type extends JobType = JobType> {
  readonly status: OpenStatus | ClosedStatus;
  readonly result?: ResultOf<Type>;
  readonly error?: RunError;
}

export interface Failure {
  readonly index: number;
  readonly email: string;
  readonly status: 'failed' | 'unknown';
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
}

export interface UploadedFile {
  readonly fileId: string;
  readonly bytes: number;
  readonly mediaType: string;
  readonly sha256: string;
}

export interface StartOptions {
  /** 1 to 255 visible ASCII characters: the same key starts nothing twice. Without one, each call is a run. */
  readonly idempotencyKey?: string;
  /** A mail of which nobody knows whether it left: send it again, or hold it for a person. */
  readonly onAmbiguous?: 'resend' | 'hold';
  /** When to begin: RFC 3339. */
  readonly runAt?: string | Date;
  /** Or how long from now: '90s', '24h', 'PT24H'. */
  readonly delay?: string;
  /** What has not begun by then, counted from `runAt` or from now, fails with code `expired`. */
  readonly expiresIn?: string;
  /** 1 goes first, 5 last. */
  readonly priority?: 1 | 2 | 3 | 4 | 5;
  readonly tags?: readonly string[];
}

/** Who does it and why, for the record; both are shown on the run. */
export interface Person {
  readonly by?: string;
  readonly reason?: string;
}

export interface Act extends Person {
  readonly act: string;
  readonly by: string;
  readonly at: string;
}

/** What a run waits for, in one sentence. */
export interface Why {
  readonly workflowId: string;
  readonly status: OpenStatus | ClosedStatus;
  readonly why: string;
  readonly since?: string;
  readonly next?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly lastError?: string;
}

export type BatchItem =
  | { readonly index: number; readonly outcome: 'accepted'; readonly workflowId: string }
  | {
      readonly index: number;
      readonly outcome: 'refused';
      readonly code: string;
      readonly detail: string;
      readonly errors?: readonly { readonly path: string; readonly message: string }[];
    };

/** What became of one run of a batch, or of a bulk act. */
export interface Item {
  readonly index: number;
  readonly workflowId: string;
  readonly outcome: string;
  readonly code?: string;
  readonly message?: string;
}

export interface RunQuery {
  readonly type?: string;
  readonly status?: string;
  readonly tag?: string;
  /** Created at or after, and before: RFC 3339. */
  readonly after?: string;
  readonly before?: string;
}
