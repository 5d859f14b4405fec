/** From the body of a call to the plan that Temporal gets: checked, its input read as that of a job's start. */
import type { Job } from '../jobs/define-job.js';
import { toMs } from '../jobs/durations.js';
import { canonicalJson, fingerprintOf } from '../temporal/fingerprint.js';
import type { ScheduleFacts } from '../temporal/schedule-facts.js';
import { calendarFields, type Calendar, type SchedulePlan, type Timing } from '../temporal/schedule-plan.js';
import type { Fault } from './faults.js';
import { jobNamed } from './job-named.js';
import { parsedBody } from './json-body.js';
import type { orderReader } from './orders.js';
import { invalid } from './problems.js';
import { kinds, msOf, scheduleBody, type ScheduleBody, type TimingBody } from './schedule-schemas.js';

export interface Asked {
  readonly body: ScheduleBody;
  /** @param id of the schedule */
  planFor(id: string): SchedulePlan;
}

export function scheduleReader(jobs: readonly Job[], readOrder: ReturnType<typeof orderReader>) {
  const schema = scheduleBody(jobs.map(({ type }) => type));

  /** @throws Problem 422 with the path of each fault; nothing is stored then */
  return async (tenant: string, sent: unknown): Promise<Asked> => {
    const body = parsedBody(schema, sent);
    const job = jobNamed(jobs, body.type);
    const { input: given, onAmbiguous, expiresIn, priority, managedBy } = body;
    const { input, summary } = await readOrder(job, tenant, { input: given, onAmbiguous });
    const { input: _input, managedBy: _owner, ...asked } = body;
    const fingerprint = fingerprintOf(job.type, sent);
    return {
      body,
      planFor: (id) => ({
        id,
        type: job.type,
        taskQueue: job.taskQueue,
        deadlineMs: toMs(job.deadline),
        input,
        summary,
        tags: body.tags,
        ...(priority !== undefined && { priority }),
        memo: {
          ...{ v: 1, tenant, fingerprint, onAmbiguous, schedule: id },
          ...(expiresIn !== undefined && { expiresInMs: msOf(expiresIn) }),
        },
        own: { v: 1, asked, ...(managedBy !== undefined && { managedBy }) },
        timing: timingOf(body),
        overlap: body.overlap,
        catchUpWindowMs: msOf(body.catchUpWindow),
      }),
    };
  };
}

/** A plan of which only the times count. */
export const previewPlan = (tenant: string, body: TimingBody): SchedulePlan => ({
  id: '',
  type: 'preview',
  taskQueue: 'preview',
  deadlineMs: 1_000,
  input: {},
  summary: '',
  tags: [],
  memo: { v: 1, tenant, fingerprint: '', onAmbiguous: 'resend' },
  own: { v: 1, asked: {} },
  timing: timingOf(body),
  overlap: 'skip',
  catchUpWindowMs: 10_000,
});

function timingOf({ cron, calendar, interval, timeZone, startAt, endAt, jitter }: TimingBody): Timing {
  return {
    crons: listOf(cron),
    calendars: listOf(calendar).map(asText),
    ...(interval !== undefined && { interval: intervalOf(interval) }),
    timeZone,
    ...(startAt !== undefined && { startAt: new Date(startAt) }),
    ...(endAt !== undefined && { endAt: new Date(endAt) }),
    ...(jitter !== undefined && { jitterMs: msOf(jitter) }),
  };
}

const listOf = <Item>(value: Item | Item[] | undefined): Item[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

const asText = (fields: { readonly [Field in keyof Calendar]?: string | number | undefined }): Calendar =>
  Object.fromEntries(
    calendarFields.flatMap((field) => (fields[field] === undefined ? [] : [[field, String(fields[field])]])),
  );

const intervalOf = (interval: NonNullable<TimingBody['interval']>) =>
  typeof interval === 'string'
    ? { everyMs: msOf(interval), offsetMs: 0 }
    : { everyMs: msOf(interval.every), offsetMs: msOf(interval.offset ?? '0s') };

/** The server's words about what it refused, at the field that they are about. */
export function refusedAt(body: TimingBody, words: string): Fault[] {
  if (/time zone/.test(words)) return [{ path: 'timeZone', message: `must be an IANA time zone: ${words}` }];
  return [{ path: kindOf(body), message: `can't be understood: ${words}` }];
}

export const neverFires = (body: TimingBody) =>
  invalid([
    {
      path: kindOf(body),
      message:
        body.endAt === undefined
          ? 'never fires: there is no such day before the year 2101'
          : `never fires from now on: its last time is before ${body.endAt}`,
    },
  ]);

const kindOf = (body: TimingBody) => kinds.find((kind) => body[kind] !== undefined) ?? 'cron';

/** @returns the fields in which a schedule differs from what is asked for */
export function differences(seen: ScheduleFacts, plan: SchedulePlan): string[] {
  const before = { ...seen.own.asked, input: seen.input };
  const after = { ...plan.own.asked, input: plan.input };
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const textOf = (value: unknown) => (value === undefined ? '' : canonicalJson(withoutUnset(value)));
  return [...fields].filter(
    (field) => textOf(before[field as keyof typeof before]) !== textOf(after[field as keyof typeof after]),
  );
}

const withoutUnset = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
