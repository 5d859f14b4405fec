/**
 * The typed client: `fetch` and nothing else, in Node and in browsers.
 *
 *     const longhaul = new Longhaul({ url: 'http://127.0.0.1:3000' });
 *     const { run } = await longhaul.start('email-campaign', { template: 'welcome', recipients });
 *     const { status, result } = await longhaul.result(run);
 */
import type { z } from 'zod';
import type { AnyJob, JobType } from '../jobs/index.js';
import { eventsOf } from './events.js';
import { Schedules } from './schedules.js';

export type * from './schedules.js';
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
}

/** A refusal (RFC 9457). `code` is stable; docs/errors.md lists all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** What is wrong with the body, by path. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** When the same call may work. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: Partial<Problem> & { title?: string }, retryAfter: string | null) {
    const detail = body.detail ?? body.title ?? `HTTP ${status}`;
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? `http-${status}`;
    this.detail = detail;
    this.errors = body.errors ?? [];
    this.retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter);
  }
}

type RunRef = string | { readonly workflowId: string };

export class Longhaul {
  readonly url: string;
  readonly schedules = new Schedules((method, path, init) => this.#call(method, path, init));
  readonly #apiKey: string | undefined;

  /** @param options.apiKey one of the server's API_KEYS, if it has any */
  constructor({ url, apiKey }: { url: string; apiKey?: string | undefined }) {
    this.url = url.replace(/\/+$/, '');
    this.#apiKey = apiKey;
  }

  /** Answers before the run begins. @throws Problem */
  async start<Type extends JobType>(
    type: Type,
    input: InputOf<Type>,
    { idempotencyKey, onAmbiguous }: StartOptions = {},
  ): Promise<{ run: Run<Type>; replayed: boolean }> {
    const response = await this.#call('POST', `/v1/jobs/${encodeURIComponent(type)}`, {
      body: JSON.stringify({ input, onAmbiguous }),
      headers: { 'content-type': 'application/json', ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) },
    });
    return {
      run: (await response.json()) as Run<Type>,
      replayed: response.headers.get('idempotency-replayed') === 'true',
    };
  }

  async run<Type extends JobType = JobType>(run: RunRef): Promise<Run<Type>> {
    return (await this.#call('GET', pathOf(run))).json() as Promise<Run<Type>>;
  }

  async runs(
    query: { type?: JobType; status?: string; limit?: number; cursor?: string } = {},
  ): Promise<{ runs: Run[]; nextCursor: string | null }> {
    const response = await this.#call('GET', `/v1/runs${queryOf(query)}`);
    return response.json() as Promise<{ runs: Run[]; nextCursor: string | null }>;
  }

  /**
   * Waits for the run's end, by long polls; for ever unless `waitSeconds` says how long. A 503 meanwhile is waited out.
   * @throws Problem
   */
  async result<Type extends JobType = JobType>(
    run: RunRef,
    { waitSeconds = Infinity }: { waitSeconds?: number } = {},
  ): Promise<Outcome<Type>> {
    const deadline = Date.now() + waitSeconds * 1_000;
    for (;;) {
      const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1_000));
      try {
        const response = await this.#call('GET', `${pathOf(run)}/result?wait=${Math.min(60, left)}`);
        const outcome = (await response.json()) as Outcome<Type>;
        if (response.status === 200 || Date.now() >= deadline) return outcome;
      } catch (error) {
        const isPassing = error instanceof Problem && error.status === 503 && Date.now() < deadline;
        if (!isPassing) throw error;
        await new Promise((resolve) => setTimeout(resolve, (error.retryAfterSeconds ?? 1) * 1_000));
      }
    }
  }

  /**
   * Each change of a run, until its end: `for await (const { run } of longhaul.events(id))`. A lost connection is opened
   * again, and nothing is told twice.
   * @throws Problem for what will not pass, as 404
   */
  async *events<Type extends JobType = JobType>(
    run: RunRef,
    options: { lastEventId?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<RunEvent<Type>> {
    const open = (lastEventId: string | undefined, signal: AbortSignal) =>
      this.#call('GET', `${pathOf(run)}/events`, {
        headers: { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
        signal,
      });
    const pauseAfter = (error: unknown) => {
      if (!(error instanceof Problem)) return error instanceof TypeError ? 0 : undefined; // fetch's, of the network
      return error.status === 503 || error.status === 429 ? (error.retryAfterSeconds ?? 0) * 1_000 : undefined;
    };
    for await (const { id, event, data } of eventsOf({ open, pauseAfter, ...options }))
      yield { id, event: event as RunEvent['event'], run: JSON.parse(data) as Run<Type> };
  }

  /** Asks for the end of a run; what it has begun is tidied up. @throws Problem 409 if it has ended */
  async cancel<Type extends JobType = JobType>(run: RunRef): Promise<Run<Type>> {
    return (await this.#call('POST', `${pathOf(run)}/cancel`)).json() as Promise<Run<Type>>;
  }

  /** The recipients whose mail failed or is unknown, by row. */
  async failures(
    run: RunRef,
    page: { limit?: number; cursor?: string } = {},
  ): Promise<{ failures: Failure[]; nextCursor: string | null }> {
    const response = await this.#call('GET', `${pathOf(run)}/failures${queryOf(page)}`);
    return response.json() as Promise<{ failures: Failure[]; nextCursor: string | null }>;
  }

  /** The same content gets the same id. A stream is sent as it comes. */
  async upload(
    content: Uint8Array | Blob | ReadableStream<Uint8Array> | string,
    { name, mediaType = 'application/octet-stream' }: { name?: string; mediaType?: string } = {},
  ): Promise<UploadedFile> {
    const response = await this.#call('POST', `/v1/files${queryOf({ name })}`, {
      body: content as NonNullable<RequestInit['body']>,
      headers: { 'content-type': mediaType },
      ...(content instanceof ReadableStream && { duplex: 'half' }),
    });
    return response.json() as Promise<UploadedFile>;
  }

  /** The response holds the content: `arrayBuffer()`, or `body` to stream it. */
  file(fileId: string): Promise<Response> {
    return this.#call('GET', `/v1/files/${encodeURIComponent(fileId)}`);
  }

  async #call(method: string, path: string, init: RequestInit & { duplex?: string } = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>) };
    if (this.#apiKey !== undefined) headers['authorization'] = `Bearer ${this.#apiKey}`;
    const response = await fetch(this.url + path, { ...init, method, headers });
    if (response.ok) return response;

    const isProblem = response.headers.get('content-type')?.includes('json') === true;
    const body = isProblem ? ((await response.json()) as Partial<Problem>) : { detail: await response.text() };
    throw new Problem(response.status, body, response.headers.get('retry-after'));
  }
}

// Ids hold letters, digits, `:`, `-` and `.` only, but what is asked for is anyone's.
const pathOf = (run: RunRef) => `/v1/runs/${encodeURIComponent(typeof run === 'string' ? run : run.workflowId)}`;

function queryOf(values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
