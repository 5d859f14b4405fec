/** What Temporal says of a run, in the words of the API. */
import { defaultPayloadConverter, type WorkflowExecutionDescription } from '@temporalio/client';
import { deadlineCode } from './failure.js';
import { memoKey, runMemo, type RunMemo } from './memo.js';
import { searchAttributes } from './search-attributes.js';

export const openStatuses = ['scheduled', 'running', 'paused', 'cancelling'] as const;
export const closedStatuses = ['completed', 'failed', 'cancelled', 'terminated', 'timedOut'] as const;
export const runStatuses = [...openStatuses, ...closedStatuses] as const;
export type OpenStatus = (typeof openStatuses)[number];
export type RunStatus = (typeof runStatuses)[number];

export const isClosed = (status: RunStatus) => (closedStatuses as readonly string[]).includes(status);

export interface RunFacts {
  readonly workflowId: string;
  readonly runId: string;
  /** Of the first run of a continued-as-new chain; unknown in lists. */
  readonly firstRunId?: string;
  readonly type: string;
  readonly status: RunStatus;
  readonly memo: RunMemo;
  /** Of this run of the chain; `memo.createdAt` is the chain's. */
  readonly startTime: Date;
  readonly dueAt?: Date;
  readonly endedAt?: Date;
  readonly tags: readonly string[];
  /** 1 to 5; undefined where none was given. */
  readonly priority?: number;
  /** How often Temporal has written to this run of the chain: of two looks, the one with more is the later. */
  readonly transitions: number;
}

/** Of a description or of one row of a list. */
export type RawInfo = NonNullable<WorkflowExecutionDescription['raw']['workflowExecutionInfo']>;

/** @param cancelRequested told by a description only; a list has to rely on the run's own `JobState` */
export function factsOf(info: RawInfo, cancelRequested = false): RunFacts {
  const indexed = info.searchAttributes?.indexedFields;
  const attribute = (name: string) => decoded(indexed, name);
  // A schedule's run is due at the time that it was started for.
  const dueAt = attribute(searchAttributes.dueAt.name) ?? attribute('TemporalScheduledStartTime');
  const endedAt = dateOf(info.closeTime);
  return {
    workflowId: info.execution?.workflowId ?? '',
    runId: info.execution?.runId ?? '',
    ...(info.firstRunId && { firstRunId: info.firstRunId }),
    type: info.type?.name ?? '',
    status: statusOf(info.status as number, attribute(searchAttributes.jobState.name), {
      cancelRequested,
      isLate: attribute(searchAttributes.failureCode.name) === deadlineCode,
    }),
    memo: runMemo({ [memoKey]: decoded(info.memo?.fields, memoKey) }),
    startTime: dateOf(info.startTime) ?? new Date(0),
    ...(info.priority?.priorityKey && { priority: info.priority.priorityKey }),
    ...(typeof dueAt === 'string' && { dueAt: new Date(dueAt) }),
    ...(endedAt && { endedAt }),
    tags: (attribute(searchAttributes.tags.name) as string[] | undefined) ?? [],
    transitions: Number(info.stateTransitionCount ?? 0),
  };
}

/** temporal.api.enums.v1.WorkflowExecutionStatus. A run seen while it continues as new counts as running. */
const closedByCode: Record<number, RunStatus> = {
  2: 'completed',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  7: 'timedOut',
};
const pausedCode = 8;

/** @param told.isLate a delayed run that failed because its own deadline was over */
function statusOf(code: number, jobState: unknown, told: { cancelRequested: boolean; isLate: boolean }): RunStatus {
  const { cancelRequested, isLate } = told;
  const closed = closedByCode[code];
  if (closed === 'failed' && isLate) return 'timedOut';
  if (closed !== undefined) return closed;
  if (cancelRequested) return 'cancelling';
  if (code === pausedCode) return 'paused';
  return openStatuses.find((status) => status === jobState) ?? 'running';
}

type Payloads = NonNullable<RawInfo['memo']>['fields'];

const decoded = (fields: Payloads | undefined, name: string): unknown =>
  fields?.[name] && defaultPayloadConverter.fromPayload(fields[name]);

type Timestamp = RawInfo['startTime'];

export const dateOf = (time: Timestamp) =>
  time ? new Date(Number(time.seconds ?? 0) * 1_000 + Math.floor((time.nanos ?? 0) / 1_000_000)) : undefined;
