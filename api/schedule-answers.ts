/** What the calls to schedules answer, as schemas. */
import { z } from 'zod';
import { overlaps } from '../temporal/schedule-plan.js';
import { runStatuses } from '../temporal/run.js';

const moment = () => z.iso.datetime().meta({ examples: ['2026-07-01T12:00:00.000Z'] });

const firing = z.strictObject({
  utc: moment(),
  local: z
    .string()
    .describe('In the time zone of the schedule, as RFC 9557.')
    .meta({ examples: ['2026-07-01T14:00:00+02:00[Europe/Berlin]'] }),
});

/** By their names in OpenAPI. @param act how an act of a person is shown */
export function scheduleAnswers(act: z.ZodType) {
  const firingList = z.strictObject({ next: z.array(firing) });

  const backfill = z.strictObject({
    count: z.int().describe('Firings in the range.'),
    sample: z.array(firing).describe('The first ten.'),
    dryRun: z.boolean(),
  });

  const runRef = {
    workflowId: z.string().meta({ examples: ['email-campaign:nightly-2026-07-01T12:00:00Z'] }),
    runId: z.string(),
    links: z.strictObject({ self: z.string(), temporalUi: z.string() }),
  };

  const schedule = z.strictObject({
    id: z.string().meta({ examples: ['nightly'] }),
    type: z.string(),
    input: z.record(z.string(), z.unknown()).describe('As its runs get it: lists by reference.'),
    cron: z.union([z.string(), z.array(z.string())]).optional(),
    interval: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
    calendar: z.union([z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown()))]).optional(),
    timeZone: z.string(),
    startAt: z.string().optional(),
    endAt: z.string().optional(),
    jitter: z.string().optional(),
    overlap: z.enum(overlaps),
    catchUpWindow: z.string(),
    endAfter: z.int().optional(),
    remaining: z.int().optional().describe('Of endAfter.'),
    paused: z.boolean(),
    note: z.string().optional().describe('Why it was paused or resumed; before that, what it is for.'),
    tags: z.array(z.string()),
    priority: z.int().optional(),
    onAmbiguous: z.enum(['resend', 'hold']),
    expiresIn: z.string().optional(),
    managedBy: z.string().optional(),
    createdAt: moment(),
    updatedAt: moment().optional(),
    next: z.array(firing).describe('At most ten; none while it is paused.'),
    recent: z
      .array(
        z.strictObject({
          ...runRef,
          nominalTime: moment().describe('For which it was started.'),
          startedAt: moment(),
          status: z.enum(runStatuses).describe('As the schedule last heard.'),
        }),
      )
      .describe('At most ten, the latest first, with those that were triggered or backfilled.'),
    running: z.array(z.strictObject(runRef)),
    taken: z.int().describe('Runs that it started.'),
    missed: z
      .int()
      .describe('Firings that an outage held up for longer than the catch-up window: they were not started.'),
    skipped: z.int().describe('Firings that were not started since an earlier run went on.'),
    waiting: z.int().describe('Firings that wait for the end of an earlier run.'),
    dropped: z.int().describe('Firings that were not started since too many waited.'),
    acts: z.array(act).optional().describe('What people did, the latest first. Not in lists.'),
    links: z.strictObject({ self: z.string(), temporalUi: z.string() }),
  });

  const scheduleList = z.strictObject({ schedules: z.array(schedule), nextCursor: z.string().nullable() });

  const scheduleChange = z
    .strictObject({
      change: z.enum(['create', 'update', 'none']),
      fields: z.array(z.string()).describe('What differs, for an update.'),
    })
    .describe('What the same call without dryRun would do.');

  return {
    Schedule: schedule,
    ScheduleList: scheduleList,
    ScheduleChange: scheduleChange,
    FiringList: firingList,
    Backfill: backfill,
  };
}
