/** What the calls to schedules take. What they answer: schedule-answers.ts. */
import { z } from 'zod';
import { calendarFields, overlaps } from '../temporal/schedule-plan.js';
import { isTimeZone } from '../temporal/schedule-times.js';
import { who } from './acts.js';
import { tags } from './orders.js';
import { cronFault } from './schedule-cron.js';
import { emptyOrLinePattern, line, linePattern } from './line.js';
import { duration as durationSchema, durationShape, time as timeSchema } from './times.js';

/** Fits a URL path unescaped, and a workflow ID. */
export const scheduleIdPattern = /^[a-z0-9][a-z0-9._-]{0,99}$/;

const lengths = durationSchema({ fromMs: 0 });

/** @param text that its schema has taken */
export const msOf = (text: string): number => lengths.parse(text);

/** Kept as it was sent, so that it is shown so. */
const duration = (least: string, most: string) => {
  const schema = durationSchema({ fromMs: msOf(least), toMs: msOf(most) });
  const text = z.string().meta({ ...durationShape, maxLength: 100 });
  return text.superRefine((text, ctx) => {
    const parsed = schema.safeParse(text);
    if (!parsed.success) ctx.addIssue({ code: 'custom', message: parsed.error.issues[0]!.message });
    else if (parsed.data % 1_000 !== 0) ctx.addIssue({ code: 'custom', message: 'must be in whole seconds' });
  });
};

const moments = timeSchema();

const time = () =>
  z
    .string()
    .superRefine((text, ctx) => {
      const parsed = moments.safeParse(text);
      if (!parsed.success) ctx.addIssue({ code: 'custom', message: parsed.error.issues[0]!.message });
      else if (!isInReach(parsed.data))
        ctx.addIssue({ code: 'custom', message: 'must be from the years 1970 to 2261' });
    })
    .meta({ format: 'date-time', examples: ['2027-03-28T00:00:00Z'] });

/** Temporal keeps times as nanoseconds in 64 bits. */
const isInReach = (date: Date) => date.getTime() >= 0 && date.getUTCFullYear() <= 2_261;

const cron = () =>
  z
    .string()
    .max(200)
    .superRefine((text, ctx) => {
      const fault = cronFault(text);
      if (fault !== undefined) ctx.addIssue(fault);
    });

const interval = () =>
  z.union([
    duration('1s', '3650d'),
    z.strictObject({ every: duration('1s', '3650d'), offset: duration('0s', '3650d').optional() }),
  ]);

const calendar = () =>
  z
    .strictObject(
      Object.fromEntries(
        calendarFields.map((field) => [field, z.union([z.int(), z.string().min(1).max(100)]).optional()]),
      ) as Record<(typeof calendarFields)[number], z.ZodOptional<z.ZodUnion<[z.ZodInt, z.ZodString]>>>,
    )
    .refine((fields) => Object.keys(fields).length > 0, 'must name at least one field, such as hour')
    .meta({ minProperties: 1 });

const severalOf = <Item extends z.ZodType>(item: Item) => z.union([item, z.array(item).min(1).max(20)]);

/** When a schedule fires. */
const timing = {
  cron: severalOf(cron())
    .optional()
    .describe(
      'Five fields (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly, @monthly, @yearly. Several: whenever one of them fires.',
    )
    .meta({ examples: ['30 2 * * MON-FRI'] }),
  interval: interval()
    .optional()
    .describe('Counted from the Unix epoch plus `offset`, whatever the time zone: "1d" fires at 00:00 UTC.'),
  calendar: severalOf(calendar())
    .optional()
    .describe(
      'Each field as in a cron: 9, "1-7", "*/15", "MON-FRI". Of those left out second, minute and hour are 0, the others any. All have to fit: {"dayOfMonth": "1-7", "dayOfWeek": "MON", "hour": 9} is the first Monday of a month.',
    ),
  timeZone: z
    .string()
    .max(100)
    .default('UTC')
    .superRefine((name, ctx) => {
      if (isTimeZone(name)) return;
      ctx.addIssue(`must be an IANA time zone such as Europe/Berlin, got ${JSON.stringify(name)}`);
    })
    .describe('IANA, for cron and calendar.')
    .meta({ examples: ['Europe/Berlin'] }),
  startAt: time().optional().describe('Nothing fires before.'),
  endAt: time().optional().describe('Nothing fires after.'),
  jitter: duration('1s', '1d').optional().describe('Each firing is late by a random time up to this.'),
};

export const kinds = ['cron', 'interval', 'calendar'] as const;

/** For JSON Schema. */
const oneKind = { oneOf: kinds.map((kind) => ({ required: [kind] })) };

interface TimingSent {
  cron?: unknown;
  interval?: unknown;
  calendar?: unknown;
  startAt?: string | undefined;
  endAt?: string | undefined;
}

function checkTiming(sent: TimingSent, ctx: z.core.$RefinementCtx): void {
  const fault = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
  const given = kinds.filter((kind) => sent[kind] !== undefined);
  if (given.length === 0)
    fault('cron', 'is required, or interval or calendar instead: something must say when it fires');
  for (const kind of given.slice(1)) fault(kind, `can't stand beside ${given[0]}: give one of ${kinds.join(', ')}`);
  if (typeof sent.interval === 'object') {
    const { every, offset = '0s' } = sent.interval as { every: string; offset?: string };
    // This check is made although the lengths may be nonsense: that was told already.
    const [everyMs, offsetMs] = [every, offset].map((text) => lengths.safeParse(text).data);
    if (offsetMs !== undefined && everyMs !== undefined && offsetMs >= everyMs)
      fault('interval', `has an offset of ${offset}, which must be below its ${every}`);
  }
  if (sent.startAt !== undefined && sent.endAt !== undefined && new Date(sent.endAt) <= new Date(sent.startAt))
    fault('endAt', 'must be after startAt');
}

const base = (types: readonly string[]) => ({
  type: z.enum(types as [string, ...string[]]).describe('A job type: GET /v1/job-types.'),
  input: z
    .record(z.string(), z.unknown())
    .describe('As for POST /v1/jobs/{type}. Lists are stored once; all runs read the same.'),
  ...timing,
  overlap: z
    .enum(overlaps)
    .default('skip')
    .describe(
      'What becomes of a firing while an earlier run goes on. skip: nothing, but it is counted. bufferOne, bufferAll: it waits. cancelOther, terminateOther: the earlier one is ended first. allowAll: both run.',
    ),
  catchUpWindow: duration('10s', '365d')
    .default('10m')
    .describe(
      'Firings that an outage held up start when it ends, unless they are later than this: then they are counted as missed.',
    ),
  endAfter: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('The last firing is the Nth. Skipped ones, triggers and backfills don’t count.'),
  paused: z
    .boolean()
    .default(false)
    .describe('How it is created. Later, pause and resume tell: an update leaves it as it is, unless this changes.'),
  note: line(1_000).meta({ pattern: emptyOrLinePattern }).optional().describe('For people: what it is for.'),
  tags: tags().default([]),
  priority: z.int().min(1).max(5).optional().describe('Of its runs: 1 goes first, 5 last; 3 unless given.'),
  onAmbiguous: z.enum(['resend', 'hold']).default('resend').describe('As for POST /v1/jobs/{type}.'),
  expiresIn: duration('1s', '365d')
    .optional()
    .describe('A run that has not begun its work so long after its start fails as `expired`.'),
  managedBy: line(100)
    .min(1)
    .meta({ pattern: linePattern })
    .optional()
    .describe('Who owns it, such as schedules.ts. Only who says the same may change it by PUT.'),
});

/** The body of POST /v1/schedules and PUT /v1/schedules/{id}. */
export const scheduleBody = (types: readonly string[]) =>
  z.strictObject(base(types)).superRefine(checkTiming).meta(oneKind);
export type ScheduleBody = z.output<ReturnType<typeof scheduleBody>>;

/** The body of POST /v1/schedules/next. */
export const timingBody = () => z.strictObject(timing).superRefine(checkTiming).meta(oneKind);
export type TimingBody = z.output<ReturnType<typeof timingBody>>;

export const whoBody = () => z.strictObject(who);

const overlapOf = (fallback: string) => z.enum(overlaps).optional().describe(`As for the schedule; ${fallback}.`);

export const triggerBody = () => z.strictObject({ overlap: overlapOf("the schedule's own unless given"), ...who });

export const backfillBody = () =>
  z
    .strictObject({
      from: time().describe('Included.'),
      to: time().describe('Included; not in the future.'),
      overlap: overlapOf('bufferAll unless given: one after another').transform((overlap) => overlap ?? 'bufferAll'),
      dryRun: z.boolean().default(false).describe('Tells only how many firings that is, and the first ten.'),
      ...who,
    })
    .superRefine(({ from, to }, ctx) => {
      if (new Date(to) < new Date(from))
        ctx.addIssue({ code: 'custom', path: ['to'], message: 'must not be before from' });
      if (new Date(to).getTime() > Date.now())
        ctx.addIssue({
          code: 'custom',
          path: ['to'],
          message: 'must not be in the future: those firings come by themselves',
        });
    });
