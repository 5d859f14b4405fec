/** Schedules: `longhaul.schedules.put('nightly', { type, input, cron: '30 4 * * *' })`. */
import type { InputOf, JobType, Person } from './types.js';

export type Overlap = 'skip' | 'bufferOne' | 'bufferAll' | 'cancelOther' | 'terminateOther' | 'allowAll';

/** Each as in a cron: 9, '1-7', '1-7/2', 'MON-FRI'. All have to fit. */
export interface Calendar {
  readonly second?: number | string;
  readonly minute?: number | string;
  readonly hour?: number | string;
  readonly dayOfMonth?: number | string;
  readonly month?: number | string;
  readonly dayOfWeek?: number | string;
  readonly year?: number | string;
}

interface Window {
  /** IANA; UTC unless given. */
  readonly timeZone?: string;
  /** RFC 3339 */
  readonly startAt?: string;
  readonly endAt?: string;
  /** Each firing is late by a random time up to this: '30s'. */
  readonly jitter?: string;
}

/** When it fires: one of the three. */
export type Timing = Window &
  (
    | { readonly cron: string | readonly string[]; readonly interval?: never; readonly calendar?: never }
    | {
        readonly interval: string | { readonly every: string; readonly offset?: string };
        readonly cron?: never;
        readonly calendar?: never;
      }
    | { readonly calendar: Calendar | readonly Calendar[]; readonly cron?: never; readonly interval?: never }
  );

interface Options {
  /** What becomes of a firing while an earlier run goes on; `skip` unless given. */
  readonly overlap?: Overlap;
  /** How late a firing may start after an outage; '10m' unless given. */
  readonly catchUpWindow?: string;
  /** The last firing is the Nth. */
  readonly endAfter?: number;
  readonly paused?: boolean;
  readonly note?: string;
  readonly tags?: readonly string[];
  /** 1 goes first, 5 last. */
  readonly priority?: number;
  readonly onAmbiguous?: 'resend' | 'hold';
  readonly expiresIn?: string;
  readonly managedBy?: string;
}

type Work = { [Type in JobType]: { readonly type: Type; readonly input: InputOf<Type> } }[JobType];

export type ScheduleBody = Work & Timing & Options;

/** A schedule as code, in schedules.ts. */
export type ScheduleDeclaration = { readonly id: string } & Work & Timing & Omit<Options, 'managedBy'>;

export interface Firing {
  readonly utc: string;
  /** RFC 9557: `2027-03-29T02:30:00+02:00[Europe/Berlin]` */
  readonly local: string;
}

export interface ScheduledRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly links: { readonly self: string; readonly temporalUi: string };
}

export interface Schedule {
  readonly id: string;
  readonly type: JobType;
  readonly input: Readonly<Record<string, unknown>>;
  readonly cron?: string | readonly string[];
  readonly interval?: string | { readonly every: string; readonly offset?: string };
  readonly calendar?: Calendar | readonly Calendar[];
  readonly timeZone: string;
  readonly startAt?: string;
  readonly endAt?: string;
  readonly jitter?: string;
  readonly overlap: Overlap;
  readonly catchUpWindow: string;
  readonly endAfter?: number;
  readonly remaining?: number;
  readonly paused: boolean;
  readonly note?: string;
  readonly tags: readonly string[];
  readonly priority?: number;
  readonly onAmbiguous: 'resend' | 'hold';
  readonly expiresIn?: string;
  readonly managedBy?: string;
  readonly createdAt: string;
  readonly updatedAt?: string;
  readonly next: readonly Firing[];
  readonly recent: readonly (ScheduledRun & {
    readonly nominalTime: string;
    readonly startedAt: string;
    readonly status: string;
  })[];
  readonly running: readonly ScheduledRun[];
  readonly taken: number;
  readonly missed: number;
  readonly skipped: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly acts?: readonly {
    readonly act: string;
    readonly by: string;
    readonly reason?: string;
    readonly at: string;
  }[];
  readonly links: { readonly self: string; readonly temporalUi: string };
}

export interface ScheduleChange {
  readonly change: 'create' | 'update' | 'none';
  /** What differs, for an update. */
  readonly fields: readonly string[];
}

export interface Backfill {
  readonly count: number;
  readonly sample: readonly Firing[];
  readonly dryRun: boolean;
}

type Call = (method: string, path: string, init?: RequestInit) => Promise<Response>;

/** Each method throws a `Problem` for a refusal. */
export class Schedules {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Gets an id. With a key, the same body again makes nothing new. */
  create(schedule: ScheduleBody, { idempotencyKey }: { idempotencyKey?: string } = {}): Promise<Schedule> {
    return this.#send('POST', '', schedule, idempotencyKey);
  }

  /** Makes the schedule of this id what is given; the same again changes nothing. */
  put(id: string, schedule: ScheduleBody): Promise<Schedule> {
    return this.#send('PUT', pathOf(id), schedule);
  }

  /** What `put` would change. */
  compare(id: string, schedule: ScheduleBody): Promise<ScheduleChange> {
    return this.#send('PUT', `${pathOf(id)}?dryRun=true`, schedule);
  }

  async get(id: string): Promise<Schedule> {
    return (await this.#call('GET', base + pathOf(id))).json() as Promise<Schedule>;
  }

  async list(page: { limit?: number; cursor?: string } = {}): Promise<{
    schedules: Schedule[];
    nextCursor: string | null;
  }> {
    const query = new URLSearchParams(
      Object.entries(page).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const response = await this.#call('GET', `${base}${query.size === 0 ? '' : `?${query}`}`);
    return response.json() as Promise<{ schedules: Schedule[]; nextCursor: string | null }>;
  }

  /** The runs that it started go on. */
  async delete(id: string, person: Person = {}): Promise<void> {
    await this.#call('DELETE', base + pathOf(id), json(person));
  }

  pause(id: string, person: Person = {}): Promise<Schedule> {
    return this.#send('POST', `${pathOf(id)}/pause`, person);
  }

  resume(id: string, person: Person = {}): Promise<Schedule> {
    return this.#send('POST', `${pathOf(id)}/resume`, person);
  }

  /** Starts a run now; it is the first of `recent`. */
  trigger(
    id: string,
    { idempotencyKey, ...body }: Person & { overlap?: Overlap; idempotencyKey?: string } = {},
  ): Promise<Schedule> {
    return this.#send('POST', `${pathOf(id)}/trigger`, body, idempotencyKey);
  }

  /** Starts the runs of a time that is past; with `dryRun` it only counts them. */
  backfill(
    id: string,
    {
      idempotencyKey,
      ...body
    }: Person & { from: string; to: string; overlap?: Overlap; dryRun?: boolean; idempotencyKey?: string },
  ): Promise<Backfill> {
    return this.#send('POST', `${pathOf(id)}/backfill`, body, idempotencyKey);
  }

  /** The next firings, of a saved schedule or of one that is not saved. */
  async next(of: string | Timing, count = 10): Promise<Firing[]> {
    const answer =
      typeof of === 'string'
        ? ((await (await this.#call('GET', `${base}${pathOf(of)}/next?count=${count}`)).json()) as { next: Firing[] })
        : await this.#send<{ next: Firing[] }>('POST', `/next?count=${count}`, of);
    return answer.next;
  }

  async #send<Answer>(method: string, path: string, body: object, key?: string): Promise<Answer> {
    return (await this.#call(method, base + path, json(body, key))).json() as Promise<Answer>;
  }
}

const base = '/v1/schedules';
const pathOf = (id: string) => `/${encodeURIComponent(id)}`;

const json = (body: object, key?: string) => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
});
