/** Temporal Schedules: the calls that the API makes, each worth one round trip, and what their answers mean. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { grpc, grpcErrorOf } from './errors.js';
import { dateOf, scheduleFacts, type ScheduleFacts } from './schedule-facts.js';
import {
  createdMemoKey,
  overlapCodes,
  payload,
  scheduleMessage,
  timestamp,
  type Overlap,
  type SchedulePlan,
  type ScheduleState,
} from './schedule-plan.js';
import { searchAttributes } from './search-attributes.js';

/** The server tells at most so many matching times in one answer. */
const timesPerAnswer = 1_000;

/** No caller's id holds a colon, so none collides. */
const previewPrefix = 'longhaul:preview:';

/** There is none of this id, or somebody else than us made it. */
export type Found = ScheduleFacts | 'none' | 'foreign';

export function temporalSchedules(client: Client) {
  const { namespace, identity } = client.options;
  const { workflowService } = client;

  /** @returns false if there is one of this id. @throws ScheduleRefused */
  async function create(plan: SchedulePlan, state: ScheduleState): Promise<boolean> {
    try {
      await refusable(
        workflowService.createSchedule({
          ...{ namespace, identity, scheduleId: plan.id, requestId: randomUUID() },
          schedule: scheduleMessage(plan, state),
          memo: { fields: { [createdMemoKey]: payload(plan.memo.fingerprint) } },
          searchAttributes: { indexedFields: { [searchAttributes.tenant.name]: payload(plan.memo.tenant) } },
        }),
      );
      return true;
    } catch (error) {
      if (grpcErrorOf(error)?.code === grpc.alreadyExists) return false;
      throw error;
    }
  }

  /**
   * Replaces a schedule as it was seen. The server may drop the update without a word if it changed meanwhile: look
   * again. @returns false if it has been deleted. @throws ScheduleRefused
   */
  async function update(plan: SchedulePlan, state: ScheduleState, seen: ScheduleFacts): Promise<boolean> {
    return unlessGone(
      refusable(
        workflowService.updateSchedule({
          ...{ namespace, identity, scheduleId: plan.id, requestId: randomUUID(), conflictToken: seen.conflictToken },
          schedule: scheduleMessage(plan, state),
        }),
      ),
    );
  }

  async function find(tenant: string, id: string): Promise<Found> {
    try {
      const description = await workflowService.describeSchedule({ namespace, scheduleId: id });
      const facts = scheduleFacts(id, description);
      return facts?.memo.tenant === tenant ? facts : 'foreign';
    } catch (error) {
      if (isGone(error)) return 'none';
      throw error;
    }
  }

  /** Somewhat late: from the visibility store. @returns ids */
  async function list(tenant: string, limit: number, pageToken: Uint8Array | undefined) {
    const { schedules, nextPageToken } = await workflowService.listSchedules({
      ...{ namespace, maximumPageSize: limit, query: listQuery(tenant) },
      ...(pageToken && { nextPageToken: pageToken }),
    });
    return { ids: schedules.map(({ scheduleId }) => scheduleId ?? ''), nextPageToken };
  }

  type Patch = NonNullable<Parameters<typeof workflowService.patchSchedule>[0]['patch']>;

  /** @param requestId the same once more does nothing. @returns false if there is none of this id */
  const patch = (id: string, change: Patch, requestId: string = randomUUID()): Promise<boolean> =>
    unlessGone(workflowService.patchSchedule({ namespace, identity, scheduleId: id, requestId, patch: change }));

  const trigger = (id: string, overlap: Overlap | undefined, requestId?: string) =>
    patch(id, { triggerImmediately: { ...(overlap && { overlapPolicy: overlapCodes[overlap] }) } }, requestId);

  const backfill = (id: string, { from, to, overlap }: Range & { overlap: Overlap }, requestId?: string) =>
    patch(id, { backfillRequest: [{ ...rangeOf({ from, to }), overlapPolicy: overlapCodes[overlap] }] }, requestId);

  const remove = (id: string): Promise<boolean> =>
    unlessGone(workflowService.deleteSchedule({ namespace, identity, scheduleId: id }));

  /** The times at which a schedule fires, both ends included, as the server itself reckons them: some 1,000 at most. */
  async function times(id: string, range: Range): Promise<Date[]> {
    const { from, to } = range;
    const { startTime } = await workflowService.listScheduleMatchingTimes({
      ...{ namespace, scheduleId: id },
      ...rangeOf({ from, to }),
    });
    return startTime.map(dateOf);
  }

  /** Those of a plan that isn't saved: of a schedule that never fires, and is gone before this returns. */
  async function timesOfPlan(plan: SchedulePlan, range: Range): Promise<Date[]> {
    const id = `${previewPrefix}${randomUUID()}`;
    // Not paused, so that the server itself removes it after some days should we end before we do.
    const state = { paused: false, note: 'A preview of a schedule. It starts nothing.', remaining: 0 };
    await refusable(
      workflowService.createSchedule({
        ...{ namespace, identity, scheduleId: id, requestId: randomUUID() },
        schedule: scheduleMessage({ ...plan, id }, state),
      }),
    );
    try {
      return await times(id, range);
    } finally {
      await remove(id);
    }
  }

  return { create, update, find, list, patch, trigger, backfill, remove, times, timesOfPlan };
}

export interface Range {
  readonly from: Date;
  readonly to: Date;
}

export { timesPerAnswer };

/** The server refused what was asked for; its words name the fault. */
export class ScheduleRefused extends Error {
  override readonly name = 'ScheduleRefused';
}

async function refusable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const fault = grpcErrorOf(error);
    if (fault?.code !== grpc.invalidArgument) throw error;
    throw new ScheduleRefused(fault.details.replace(/^Invalid schedule spec: (invalid calendar spec: )?/, ''), {
      cause: error,
    });
  }
}

async function unlessGone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const fault = grpcErrorOf(error);
  return fault?.code === grpc.notFound && !/^namespace/i.test(fault.details);
}

/** Previews and what others made have no Tenant. */
export const listQuery = (tenant: string) => `${searchAttributes.tenant.name} = '${tenant.replaceAll("'", "''")}'`;

/** The server leaves out the start itself; firings lie on whole seconds. */
const rangeOf = ({ from, to }: Range) => ({
  startTime: timestamp(new Date(from.getTime() - 1)),
  endTime: timestamp(to),
});
