/** Schedules: created, changed, looked at, steered and deleted, against Temporal and within a deadline. */
import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Job } from '../jobs/define-job.js';
import { grpc, grpcErrorOf, isTemporalAway, mayHaveHappened } from '../temporal/errors.js';
import { newWorkflowId, workflowIdFor } from '../temporal/ids.js';
import { pause as wait } from '../temporal/pause.js';
import type { ScheduleFacts } from '../temporal/schedule-facts.js';
import type { Overlap, SchedulePlan, ScheduleState } from '../temporal/schedule-plan.js';
import { scheduleTime, type ScheduleTime } from '../temporal/schedule-times.js';
import { listQuery, ScheduleRefused, temporalSchedules, timesPerAnswer, type Range } from '../temporal/schedules.js';
import { cursorOf, tokenIn } from './list-cursor.js';
import type { orderReader } from './orders.js';
import { awayFor, invalid, Problem } from './problems.js';
import { differences, neverFires, previewPlan, refusedAt, scheduleReader, type Asked } from './schedule-plans.js';
import { scheduleIdPattern, type TimingBody } from './schedule-schemas.js';
import { scheduleView, type Schedule } from './schedule-view.js';

/** Of all calls to Temporal that one request makes; a refusal has to be there within 5 s. */
const deadlineMs = 4_000;

/** How long a trigger is waited for, so that its run can be told. */
const triggerMs = 1_000;

/** Updates that lose to somebody else's. */
const attempts = 4;

/** The server reckons no further than the year 2100. */
const endOfTime = new Date(Date.UTC(2101, 0));

const shownOfBackfill = 10;

export interface SchedulesOptions {
  readonly client: Client;
  readonly jobs: readonly Job[];
  readonly readOrder: ReturnType<typeof orderReader>;
  /** Of the Temporal Web UI. */
  readonly uiUrl: string;
  /** Resolves once the namespace can take schedules. */
  readonly namespaceReady: Promise<void>;
}

export type Change = 'create' | 'update' | 'none';
export type Schedules = ReturnType<typeof schedulesOf>;

export function schedulesOf({ client, jobs, readOrder, uiUrl, namespaceReady }: SchedulesOptions) {
  const temporal = temporalSchedules(client);
  const read = scheduleReader(jobs, readOrder);
  const shown = scheduleView(uiUrl, client.options.namespace);
  const within = <T>(work: () => Promise<T>, by = Date.now() + deadlineMs) =>
    client.withDeadline(by, work).catch(noNamespace);
  const changing = <T>(work: () => Promise<T>, by?: number) => within(work, by).catch(reworded);

  /** @param key the same with the same body: the schedule that it made */
  async function create(tenant: string, sent: unknown, key: string | undefined) {
    const by = Date.now() + deadlineMs;
    const asked = await read(tenant, sent);
    await readyBy(by, namespaceReady);
    const id = (key === undefined ? newWorkflowId('') : workflowIdFor(tenant, 'schedule', key)).split(':')[1]!;
    const plan = asked.planFor(id);
    return changing(async () => {
      const earlier = key === undefined ? undefined : await lookUp(tenant, id);
      if (earlier === undefined) {
        await needFirings(asked, plan);
        if (await created(asked, plan)) return { schedule: await get(tenant, id), replayed: false };
      }
      const found = earlier ?? (await need(tenant, id));
      if (found.createdWith !== plan.memo.fingerprint) {
        throw new Problem(
          422,
          'idempotency-key-reused',
          `This Idempotency-Key was sent before with another body, and made the schedule ${id}. Send the same body again, or another key.`,
        );
      }
      return { schedule: shown(found), replayed: true };
    }, by);
  }

  /** Makes a schedule what the body says, whatever it was: the same body again changes nothing. */
  async function put(tenant: string, id: string, sent: unknown): Promise<{ schedule: Schedule; change: Change }> {
    needId(id);
    const by = Date.now() + deadlineMs;
    const asked = await read(tenant, sent);
    await readyBy(by, namespaceReady);
    const plan = asked.planFor(id);
    return changing(async () => {
      let change: Change = 'none';
      for (let attempt = 0; attempt < attempts; attempt++) {
        const seen = await lookUp(tenant, id);
        if (seen === undefined) {
          if (change !== 'create') await needFirings(asked, plan);
          if (await created(asked, plan)) change = 'create';
          continue;
        }
        needOwner(seen, plan);
        if (differences(seen, plan).length === 0) return { schedule: shown(seen), change };
        if (change === 'none') {
          await needFirings(asked, plan);
          change = 'update';
        }
        await refusedAs(asked.body, () => temporal.update(plan, stateAfter(seen, asked), seen));
      }
      throw new Problem(409, 'schedule-changing', `Others change the schedule ${id} at this moment. Send it again.`);
    }, by);
  }

  /** What `put` would do. @throws Problem as it would */
  async function compare(tenant: string, id: string, sent: unknown): Promise<{ change: Change; fields: string[] }> {
    needId(id);
    const asked = await read(tenant, sent);
    const plan = asked.planFor(id);
    return within(async () => {
      const seen = await lookUp(tenant, id);
      if (seen !== undefined) needOwner(seen, plan);
      const fields = seen === undefined ? [] : differences(seen, plan);
      if (seen === undefined || fields.length > 0) await needFirings(asked, plan);
      return { change: seen === undefined ? 'create' : fields.length > 0 ? 'update' : 'none', fields };
    });
  }

  const get = (tenant: string, id: string) => within(async () => shown(await need(tenant, id)));

  /** Some seconds late: Temporal's visibility store is. What each holds is not. */
  function list(tenant: string, { limit, cursor }: { limit: number; cursor: string | undefined }) {
    const query = listQuery(tenant);
    return within(async () => {
      const token = cursor === undefined ? undefined : tokenIn(cursor, query);
      const { ids, nextPageToken } = await temporal.list(tenant, limit, token);
      const found = await Promise.all(ids.map((id) => temporal.find(tenant, id)));
      return {
        schedules: found.filter((facts) => typeof facts !== 'string').map(shown), // else it was deleted meanwhile
        nextCursor: nextPageToken.length > 0 ? cursorOf(nextPageToken, query) : null,
      };
    });
  }

  /** The runs that it started go on. */
  const remove = (tenant: string, id: string) =>
    changing(async () => {
      await need(tenant, id);
      if (!(await temporal.remove(id))) throw notFound(id);
    });

  const pause = (tenant: string, id: string, note: string) => steer(tenant, id, { pause: note });
  const resume = (tenant: string, id: string, note: string) => steer(tenant, id, { unpause: note });

  const steer = (tenant: string, id: string, patch: { pause: string } | { unpause: string }) =>
    changing(async () => {
      await need(tenant, id);
      if (!(await temporal.patch(id, patch))) throw notFound(id);
      return shown(await need(tenant, id));
    });

  /**
   * Starts a run now, besides those of the plan.
   * @param key the same again starts nothing
   * @throws Problem 409 if it would be skipped, since an earlier run goes on
   */
  function trigger(tenant: string, id: string, overlap: Overlap | undefined, key: string | undefined) {
    return changing(async () => {
      const before = await need(tenant, id);
      const [running] = before.running;
      if ((overlap ?? before.own.asked['overlap']) === 'skip' && running !== undefined) {
        throw new Problem(
          409,
          'schedule-overlap',
          `${running.workflowId} goes on, and overlap is skip: nothing would be started. Wait for its end, or send {"overlap": "allowAll"}.`,
        );
      }
      await nextSecond(before.recent[0]?.nominalTime);
      if (!(await temporal.trigger(id, overlap, key && requestIdOf(tenant, id, key)))) throw notFound(id);
      const by = Date.now() + triggerMs;
      for (;;) {
        const facts = await need(tenant, id);
        const isThere = facts.recent.some(({ runId }) => before.recent.every((run) => run.runId !== runId));
        if (isThere || facts.waiting > before.waiting || Date.now() > by) return shown(facts);
        await wait(50);
      }
    });
  }

  /** @param key the same again starts nothing */
  function backfill(tenant: string, id: string, order: Range & { overlap: Overlap; dryRun: boolean }, key?: string) {
    const { from, to, overlap, dryRun } = order;
    return changing(async () => {
      const { own } = await need(tenant, id);
      const times = await temporal.times(id, { from, to });
      const isMore = times.length >= timesPerAnswer && (await areMore(id, times, to));
      if (isMore) {
        throw invalid([
          {
            path: 'to',
            message: `is too far from from: there are more than ${timesPerAnswer} firings between them. Backfill in several calls`,
          },
        ]);
      }
      if (!dryRun && times.length > 0) {
        const range = { from, to, overlap };
        if (!(await temporal.backfill(id, range, key && requestIdOf(tenant, id, key)))) throw notFound(id);
      }
      const zone = String(own.asked['timeZone']);
      return {
        count: times.length,
        sample: times.slice(0, shownOfBackfill).map((date) => scheduleTime(date, zone)),
        dryRun,
      };
    });
  }

  const areMore = async (id: string, times: Date[], to: Date) => {
    const from = new Date(times.at(-1)!.getTime() + 1_000);
    return from <= to && (await temporal.times(id, { from, to })).length > 0;
  };

  /** As if it were not paused. */
  const next = (tenant: string, id: string, count: number): Promise<ScheduleTime[]> =>
    within(async () => {
      const { own, remaining = count } = await need(tenant, id);
      const times = await temporal.times(id, fromNow());
      return times
        .slice(0, Math.min(count, remaining))
        .map((date) => scheduleTime(date, String(own.asked['timeZone'])));
    });

  async function preview(tenant: string, body: TimingBody, count: number): Promise<ScheduleTime[]> {
    const by = Date.now() + deadlineMs;
    await readyBy(by, namespaceReady);
    return within(async () => {
      const times = await refusedAs(body, () => temporal.timesOfPlan(previewPlan(tenant, body), fromNow()));
      return times.slice(0, count).map((date) => scheduleTime(date, body.timeZone));
    }, by);
  }

  const created = ({ body }: Asked, plan: SchedulePlan) =>
    refusedAs(body, () =>
      temporal.create(plan, {
        paused: body.paused,
        note: body.note ?? '',
        ...(body.endAfter !== undefined && { remaining: body.endAfter }),
      }),
    );

  /** The server takes a plan for a 30 February. */
  async function needFirings({ body }: Asked, plan: SchedulePlan): Promise<void> {
    const times = await refusedAs(body, () => temporal.timesOfPlan(plan, fromNow()));
    if (times.length === 0) throw neverFires(body);
  }

  async function need(tenant: string, id: string): Promise<ScheduleFacts> {
    const found = scheduleIdPattern.test(id) ? await temporal.find(tenant, id) : 'none';
    if (typeof found === 'string') throw notFound(id);
    return found;
  }

  /** @throws Problem 409 if the id is somebody else's */
  async function lookUp(tenant: string, id: string): Promise<ScheduleFacts | undefined> {
    const found = await temporal.find(tenant, id);
    if (found !== 'foreign') return found === 'none' ? undefined : found;
    throw new Problem(
      409,
      'schedule-foreign',
      `There is a Temporal Schedule ${id} that was not made here. Take another id, or delete it in Temporal.`,
    );
  }

  return { create, put, compare, get, list, remove, pause, resume, trigger, backfill, next, preview };
}

const fromNow = (): Range => ({ from: new Date(), to: endOfTime });

/** Of a second run with the same second in its workflow ID Temporal says nothing, and does not start it. */
async function nextSecond(last: Date | undefined): Promise<void> {
  const ms = last === undefined ? 0 : Math.floor(last.getTime() / 1_000) * 1_000 + 1_000 - Date.now();
  if (ms > 0 && ms <= 1_000) await wait(ms);
}

/** Temporal takes a signal with the same request id once. */
const requestIdOf = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex');

/** What people did to it stays, as far as the body says nothing else. */
function stateAfter(seen: ScheduleFacts, { body }: Asked): ScheduleState {
  const { paused, note, endAfter } = seen.own.asked as { paused: boolean; note?: string; endAfter?: number };
  const isPaused = body.paused === paused ? seen.paused : body.paused;
  const left = endAfter === undefined ? undefined : endAfter - (seen.remaining ?? 0);
  return {
    paused: isPaused,
    note: isPaused === seen.paused && (body.note ?? '') === (note ?? '') ? seen.note : (body.note ?? ''),
    ...(body.endAfter !== undefined && { remaining: Math.max(0, body.endAfter - (left ?? 0)) }),
  };
}

function needId(id: string): void {
  if (scheduleIdPattern.test(id)) return;
  throw invalid([
    {
      path: 'id',
      message: 'must be 1 to 100 characters of a-z, 0-9, "-", "_" and ".", and begin with a letter or a digit',
    },
  ]);
}

function needOwner({ id, own }: ScheduleFacts, plan: SchedulePlan): void {
  if (own.managedBy === plan.own.managedBy) return;
  const owner = own.managedBy === undefined ? 'by nobody' : `by ${JSON.stringify(own.managedBy)}`;
  throw new Problem(
    409,
    'schedule-managed',
    `The schedule ${id} is managed ${owner}, so it can't be changed in the name of ${plan.own.managedBy === undefined ? 'nobody' : JSON.stringify(plan.own.managedBy)}. Send the same managedBy, or take another id, or delete it first.`,
  );
}

const notFound = (id: string) =>
  new Problem(
    404,
    'schedule-not-found',
    `There is no schedule ${JSON.stringify(id.slice(0, 200))}, or it was deleted. GET /v1/schedules lists those there are.`,
  );

/** @throws Problem 422 with the server's words, at the field that they are about */
async function refusedAs<T>(body: TimingBody, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ScheduleRefused) throw invalid(refusedAt(body, error.message));
    throw error;
  }
}

function noNamespace(error: unknown): never {
  const fault = grpcErrorOf(error);
  if (fault?.code !== grpc.notFound || !/^namespace/i.test(fault.details)) throw error;
  throw awayFor('temporal-unavailable', 'Temporal’s namespace is not there yet. Try again.', error);
}

function reworded(error: unknown): never {
  if (!isTemporalAway(error)) throw error;
  throw awayFor(
    'temporal-unavailable',
    mayHaveHappened(error)
      ? 'Temporal did not answer in time. It may still take effect: look at the schedule before you send it again, or send it with an Idempotency-Key or by PUT.'
      : 'Temporal can’t be reached now. Nothing was changed; try again.',
    error,
  );
}

/** @throws Problem 503 when the time is up */
async function readyBy(by: number, ready: Promise<void>): Promise<void> {
  const late = new AbortController();
  try {
    await Promise.race([
      ready,
      wait(Math.max(0, by - Date.now()), late.signal).then(() => {
        throw new Error('it is not ready in time');
      }),
    ]);
  } catch (error) {
    throw awayFor(
      'temporal-unavailable',
      'Temporal, or its namespace, is not ready yet. Nothing was changed; try again.',
      error,
    );
  } finally {
    late.abort(new Error('it is ready'));
  }
}
