/** What a schedule is to do, and how that is written for Temporal. Pure. */
import { defaultPayloadConverter, type Client } from '@temporalio/client';
import { memoKey, type RunMemo } from './memo.js';
import { searchAttributes } from './search-attributes.js';

/** What becomes of a firing while an earlier run goes on; temporal.api.enums.v1.ScheduleOverlapPolicy. */
export const overlapCodes = {
  skip: 1,
  bufferOne: 2,
  bufferAll: 3,
  cancelOther: 4,
  terminateOther: 5,
  allowAll: 6,
} as const;
export type Overlap = keyof typeof overlapCodes;
export const overlaps = Object.keys(overlapCodes) as [Overlap, ...Overlap[]];

export const calendarFields = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek', 'year'] as const;
export type Calendar = { readonly [Field in (typeof calendarFields)[number]]?: string | undefined };

/** When it fires: one of the first three. */
export interface Timing {
  readonly crons: readonly string[];
  readonly calendars: readonly Calendar[];
  /** Counted from the Unix epoch. */
  readonly interval?: { readonly everyMs: number; readonly offsetMs: number };
  readonly timeZone: string;
  readonly startAt?: Date;
  readonly endAt?: Date;
  readonly jitterMs?: number;
}

/**
 * The second memo key of a schedule's action, and so of its runs: what Temporal keeps of a schedule can't be turned
 * back into what was sent, and of the two memos only the action's can be updated.
 */
export const scheduleMemoKey = 'longhaulSchedule';

export interface ScheduleMemo {
  readonly v: 1;
  /** What was asked for, defaults filled in; but for the input, which the action holds with its lists by reference. */
  readonly asked: Record<string, unknown>;
  readonly managedBy?: string;
}

/** The key of the schedule's own memo, written once. */
export const createdMemoKey = 'longhaulCreated';

export interface SchedulePlan {
  readonly id: string;
  readonly type: string;
  readonly taskQueue: string;
  readonly deadlineMs: number;
  readonly input: unknown;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly priority?: number;
  readonly memo: RunMemo;
  readonly own: ScheduleMemo;
  readonly timing: Timing;
  readonly overlap: Overlap;
  readonly catchUpWindowMs: number;
}

export interface ScheduleState {
  readonly paused: boolean;
  readonly note: string;
  /** Firings that are left; undefined for no limit. */
  readonly remaining?: number;
}

export type ScheduleMessage = NonNullable<
  Awaited<ReturnType<Client['workflowService']['describeSchedule']>>['schedule']
>;
type Sendable = NonNullable<Parameters<Client['workflowService']['createSchedule']>[0]>['schedule'] & {};

/** Temporal appends the nominal time: `<type>:<id>-2027-03-29T00:30:00Z`. */
export const workflowIdOf = ({ id, type }: { id: string; type: string }) => `${type}:${id}`;

export function scheduleMessage(plan: SchedulePlan, { paused, note, remaining }: ScheduleState): Sendable {
  return {
    spec: specOf(plan.timing),
    action: {
      startWorkflow: {
        workflowId: workflowIdOf(plan),
        workflowType: { name: plan.type },
        taskQueue: { name: plan.taskQueue },
        input: { payloads: [payload(plan.input)] },
        workflowExecutionTimeout: duration(plan.deadlineMs),
        memo: { fields: { [memoKey]: payload(plan.memo), [scheduleMemoKey]: payload(plan.own) } },
        searchAttributes: {
          indexedFields: {
            [searchAttributes.tenant.name]: payload(plan.memo.tenant),
            [searchAttributes.jobState.name]: payload('running'),
            ...(plan.tags.length > 0 && { [searchAttributes.tags.name]: payload(plan.tags) }),
          },
        },
        userMetadata: { summary: payload(plan.summary) },
        ...(plan.priority !== undefined && { priority: { priorityKey: plan.priority } }),
      },
    },
    policies: { overlapPolicy: overlapCodes[plan.overlap], catchupWindow: duration(plan.catchUpWindowMs) },
    state: {
      paused,
      notes: note,
      ...(remaining !== undefined && { limitedActions: true, remainingActions: remaining as never }),
    },
  };
}

function specOf({
  crons,
  calendars,
  interval,
  timeZone,
  startAt,
  endAt,
  jitterMs,
}: Timing): NonNullable<Sendable['spec']> {
  return {
    cronString: [...crons],
    calendar: calendars.map(({ second = '0', minute = '0', hour = '0', ...rest }) => ({
      ...{ second, minute, hour },
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    })),
    ...(interval && { interval: [{ interval: duration(interval.everyMs), phase: duration(interval.offsetMs) }] }),
    timezoneName: timeZone,
    ...(startAt && { startTime: timestamp(startAt) }),
    ...(endAt && { endTime: timestamp(endAt) }),
    ...(jitterMs !== undefined && { jitter: duration(jitterMs) }),
  };
}

export const payload = (value: unknown) => defaultPayloadConverter.toPayload(value);

// The requests' `seconds` is a Long; protobufjs takes a number as well, its types don't.
export const timestamp = (date: Date) => {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1_000);
  return { seconds: seconds as never, nanos: (ms - seconds * 1_000) * 1_000_000 };
};

const duration = (ms: number) => ({
  seconds: Math.floor(ms / 1_000) as never,
  nanos: Math.round(ms % 1_000) * 1_000_000,
});
