/** What Temporal says of a schedule, in our words. */
import { defaultPayloadConverter, type Client } from '@temporalio/client';
import { memoKey, runMemo, type RunMemo } from './memo.js';
import type { RunStatus } from './run.js';
import { createdMemoKey, scheduleMemoKey, type ScheduleMemo, type ScheduleMessage } from './schedule-plan.js';

export interface ScheduleRun {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ScheduleFacts {
  readonly id: string;
  readonly type: string;
  readonly input: Record<string, unknown>;
  readonly memo: RunMemo;
  readonly own: ScheduleMemo;
  /** The fingerprint of the body that it was created with. */
  readonly createdWith: string | undefined;
  readonly paused: boolean;
  readonly note: string;
  /** Firings that are left; undefined for no limit. */
  readonly remaining: number | undefined;
  readonly taken: number;
  readonly missed: number;
  readonly skipped: number;
  readonly waiting: number;
  readonly dropped: number;
  /** At most ten, the latest first. */
  readonly recent: readonly (ScheduleRun & { nominalTime: Date; startedAt: Date; status: RunStatus })[];
  readonly running: readonly ScheduleRun[];
  /** At most ten. Temporal tells them of a paused schedule too. */
  readonly next: readonly Date[];
  readonly createdAt: Date;
  readonly updatedAt: Date | undefined;
  /** With it an update does nothing if somebody else was faster. */
  readonly conflictToken: Uint8Array;
}

export type ScheduleDescription = Awaited<ReturnType<Client['workflowService']['describeSchedule']>>;

/** @returns undefined for a schedule that Longhaul did not make */
export function scheduleFacts(id: string, description: ScheduleDescription): ScheduleFacts | undefined {
  const { schedule, info, memo, conflictToken } = description;
  const action = schedule?.action?.startWorkflow;
  const own = decoded(action?.memo?.fields, scheduleMemoKey) as ScheduleMemo | undefined;
  if (!schedule || !action || !info || own?.v !== 1) return undefined;
  const [input] = action.input?.payloads ?? [];
  return {
    id,
    type: action.workflowType?.name ?? '',
    input: input ? defaultPayloadConverter.fromPayload<Record<string, unknown>>(input) : {},
    memo: runMemo({ [memoKey]: decoded(action.memo?.fields, memoKey) }),
    own,
    createdWith: decoded(memo?.fields, createdMemoKey) as string | undefined,
    ...stateOf(schedule),
    taken: Number(info.actionCount ?? 0),
    missed: Number(info.missedCatchupWindow ?? 0),
    skipped: Number(info.overlapSkipped ?? 0),
    waiting: Number(info.bufferSize ?? 0),
    dropped: Number(info.bufferDropped ?? 0),
    recent: (info.recentActions ?? []).map(runOf).reverse(),
    running: (info.runningWorkflows ?? []).map(named),
    next: (info.futureActionTimes ?? []).map(dateOf),
    createdAt: dateOf(info.createTime),
    updatedAt: info.updateTime ? dateOf(info.updateTime) : undefined,
    conflictToken,
  };
}

const stateOf = ({ state }: ScheduleMessage) => ({
  paused: state?.paused ?? false,
  note: state?.notes ?? '',
  remaining: state?.limitedActions === true ? Number(state.remainingActions ?? 0) : undefined,
});

type Action = NonNullable<NonNullable<ScheduleDescription['info']>['recentActions']>[number];

/** temporal.api.enums.v1.WorkflowExecutionStatus; the scheduler hears of an end a little later. */
const statuses: Record<number, RunStatus> = {
  2: 'completed',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  7: 'timedOut',
};

const runOf = (action: Action) => ({
  ...named(action.startWorkflowResult),
  nominalTime: dateOf(action.scheduleTime),
  startedAt: dateOf(action.actualTime),
  status: statuses[Number(action.startWorkflowStatus ?? 1)] ?? 'running',
});

const named = (execution: Action['startWorkflowResult']): ScheduleRun => ({
  workflowId: execution?.workflowId ?? '',
  runId: execution?.runId ?? '',
});

type Fields = NonNullable<ScheduleDescription['memo']>['fields'];

const decoded = (fields: Fields | undefined, name: string): unknown =>
  fields?.[name] && defaultPayloadConverter.fromPayload(fields[name]);

export const dateOf = (time: Action['scheduleTime']) =>
  new Date(Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000));
