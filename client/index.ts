/**
 * The typed client: `fetch` and nothing else, in Node and in browsers.
 *
 *     const longhaul = new Longhaul({ url: 'http://127.0.0.1:3000' });
 *     const { run } = await longhaul.start('email-campaign', { template: 'welcome', recipients });
 *     const { status, result } = await longhaul.result(run);
 */
import { DeadLetters } from './dead-letters.js';
import { eventsOf } from './events.js';
import { Problem } from './problem.js';
import { Schedules } from './schedules.js';
import type {
  BatchItem,
  Failure,
  InputOf,
  Item,
  JobType,
  Outcome,
  Person,
  Run,
  RunEvent,
  RunQuery,
  StartOptions,
  UploadedFile,
  Why,
} from './types.js';

export { Problem };
export type * from './dead-letters.js';
export type * from './schedules.js';
export type * from './types.js';

type RunRef = string | { readonly workflowId: string };

export class Longhaul {
  readonly url: string;
  readonly schedules = new Schedules((method, path, init) => this.#call(method, path, init));
  readonly deadLetters = new DeadLetters((method, path, init) => this.#call(method, path, init));
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
    { idempotencyKey, ...options }: StartOptions = {},
  ): Promise<{ run: Run<Type>; replayed: boolean }> {
    const response = await this.#call('POST', `/v1/jobs/${encodeURIComponent(type)}`, {
      ...json({ input, ...options }, idempotencyKey),
    });
    return {
      run: (await response.json()) as Run<Type>,
      replayed: response.headers.get('idempotency-replayed') === 'true',
    };
  }

  /** Up to 1,000 at once, each with an idempotencyKey of its own if wanted; answered in the time of one start. */
  async startBatch<Type extends JobType>(
    type: Type,
    runs: readonly ({ readonly input: InputOf<Type> } & StartOptions)[],
    { idempotencyKey }: Pick<StartOptions, 'idempotencyKey'> = {},
  ): Promise<{ batch: Run | null; items: BatchItem[]; replayed: boolean }> {
    const response = await this.#call(
      'POST',
      `/v1/jobs/${encodeURIComponent(type)}/batch`,
      json({ runs }, idempotencyKey),
    );
    const answer = (await response.json()) as { batch: Run | null; items: BatchItem[] };
    return { ...answer, replayed: response.headers.get('idempotency-replayed') === 'true' };
  }

  /** What became of each run of a batch, or of a bulk act. */
  async items(
    run: RunRef,
    page: { limit?: number; cursor?: string } = {},
  ): Promise<{ items: Item[]; nextCursor: string | null }> {
    const response = await this.#call('GET', `${pathOf(run)}/items${queryOf(page)}`);
    return response.json() as Promise<{ items: Item[]; nextCursor: string | null }>;
  }

  async run<Type extends JobType = JobType>(run: RunRef): Promise<Run<Type>> {
    return (await this.#call('GET', pathOf(run))).json() as Promise<Run<Type>>;
  }

  async runs(
    query: RunQuery & { limit?: number; cursor?: string } = {},
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

  /** One sentence: what it waits for, since when, and what comes next. */
  async why(run: RunRef): Promise<Why> {
    return (await this.#call('GET', `${pathOf(run)}/why`)).json() as Promise<Why>;
  }

  /** Asks for the end of a run; what it has begun is tidied up. @throws Problem 409 if it has ended */
  cancel<Type extends JobType = JobType>(run: RunRef, person: Person = {}): Promise<Run<Type>> {
    return this.#act(run, 'cancel', person);
  }

  /** Ends a run at once, without tidying up. @throws Problem 409 if it has ended */
  terminate<Type extends JobType = JobType>(run: RunRef, person: Person & { reason: string }): Promise<Run<Type>> {
    return this.#act(run, 'terminate', person);
  }

  /** It finishes the steps that run, and begins no other. @throws Problem 503 if no worker answered: ask again */
  pause<Type extends JobType = JobType>(run: RunRef, person: Person = {}): Promise<Run<Type>> {
    return this.#act(run, 'pause', person);
  }

  resume<Type extends JobType = JobType>(run: RunRef, person: Person = {}): Promise<Run<Type>> {
    return this.#act(run, 'resume', person);
  }

  /** Moves a delayed run. @throws Problem 409 if it has begun */
  reschedule<Type extends JobType = JobType>(
    run: RunRef,
    when: Person & ({ runAt: string | Date } | { delay: string }),
  ): Promise<Run<Type>> {
    return this.#act(run, 'reschedule', when);
  }

  /** Begins a delayed run. @throws Problem 409 if it has begun */
  runNow<Type extends JobType = JobType>(run: RunRef, person: Person = {}): Promise<Run<Type>> {
    return this.#act(run, 'run-now', person);
  }

  /** Runs again what failed for good; what succeeded is not repeated. @throws Problem 409 if there is nothing to redrive */
  redrive<Type extends JobType = JobType>(
    run: RunRef,
    how: Person & { input?: InputOf<Type>; onAmbiguous?: 'resend' | 'hold' } = {},
  ): Promise<Run<Type>> {
    return this.#act(run, 'redrive', how);
  }

  /** All open runs that the query fits. @returns how many, and the run that does it */
  async cancelAll(
    query: RunQuery & Person & { dryRun?: boolean },
  ): Promise<{ count: number; notStarted: number; sample: Run[]; bulk?: Run }> {
    const response = await this.#call('POST', '/v1/runs/cancel', json(query));
    return response.json() as Promise<{ count: number; notStarted: number; sample: Run[]; bulk?: Run }>;
  }

  /** Stops all of a job type; new runs are accepted and wait. */
  async pauseJobType(type: JobType, person: Person = {}): Promise<void> {
    await this.#call('POST', `/v1/job-types/${encodeURIComponent(type)}/pause`, json(person));
  }

  async resumeJobType(type: JobType, person: Person = {}): Promise<void> {
    await this.#call('POST', `/v1/job-types/${encodeURIComponent(type)}/resume`, json(person));
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

  async #act<Type extends JobType>(run: RunRef, verb: string, body: object): Promise<Run<Type>> {
    return (await this.#call('POST', `${pathOf(run)}/${verb}`, json(body))).json() as Promise<Run<Type>>;
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

const json = (body: object, idempotencyKey?: string): RequestInit => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) },
});

function queryOf(values: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}
