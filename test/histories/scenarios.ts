/** How each workflow is brought into each state that it can end in, or pass through, and of which a history is kept. */
import type { Client } from '@temporalio/client';
import { jobOfType } from '../../jobs/index.js';
import { memoKey } from '../../temporal/memo.js';
import { steering } from '../../temporal/steering.js';
import type { Caller } from '../support/caller.js';
import { recipientsOf } from '../support/campaigns.js';
import { onePixel } from '../support/one-pixel.js';
import type { TestStack } from '../support/stack.js';
import { until } from '../support/until.js';

export interface House {
  readonly stack: TestStack;
  readonly api: Caller;
  readonly temporal: Client;
}

export interface Reached {
  readonly workflowId: string;
  /** Of an earlier run than the latest under this ID. */
  readonly runId?: string;
}

export type Scenario = (house: House) => Promise<Reached>;

const nobody = `default.${'0'.repeat(64)}`;
const inAMoment = () => new Date(Date.now() + 1_000).toISOString();

/** What every run that people order can come to; written once in workflows/run-life/. */
const lifeOf = (type: OrderedType): Record<string, Scenario> => ({
  [`${type}.completed`]: (house) => ended(house, start(house, type, 'completed'), 'completed'),
  [`${type}.delayed`]: (house) => ended(house, start(house, type, 'delayed', { delay: '1s' }), 'completed'),
  [`${type}.delayed-run-now`]: async (house) => {
    const run = await start(house, type, 'delayed-run-now', { delay: '1h' });
    await act(house, run, 'run-now');
    return ended(house, run, 'completed');
  },
  [`${type}.delayed-rescheduled`]: async (house) => {
    const run = await start(house, type, 'delayed-rescheduled', { delay: '1h', expiresIn: '1h' });
    await act(house, run, 'reschedule', { runAt: inAMoment() });
    return ended(house, run, 'completed');
  },
  [`${type}.delayed-paused`]: async (house) => {
    const run = await pausedWhileDelayed(house, type, 'delayed-paused');
    await act(house, run, 'resume');
    return ended(house, run, 'completed');
  },
  [`${type}.cancelled-while-delayed`]: async (house) => {
    const run = await start(house, type, 'cancelled-while-delayed', { delay: '1h' });
    await act(house, run, 'cancel');
    return ended(house, run, 'cancelled');
  },
  [`${type}.cancelled-while-paused`]: async (house) => {
    const run = await pausedWhileDelayed(house, type, 'cancelled-while-paused');
    await act(house, run, 'cancel');
    return ended(house, run, 'cancelled');
  },
  [`${type}.terminated`]: async (house) => {
    const run = await pausedWhileDelayed(house, type, 'terminated');
    await act(house, run, 'terminate', { reason: 'it hangs' });
    return run;
  },
  [`${type}.type-paused`]: async (house) => {
    const run = await heldByItsType(house, type, 'type-paused');
    await resumeType(house, type);
    return ended(house, run, 'completed');
  },
  [`${type}.type-paused-and-paused`]: async (house) => {
    const run = await heldByItsType(house, type, 'type-paused-and-paused');
    await act(house, run, 'pause');
    await resumeType(house, type);
    await until('it was told', async () => (await eventsOf(house, run)).includes('typeResumed'));
    await act(house, run, 'resume');
    return ended(house, run, 'completed');
  },
  [`${type}.expired`]: async (house) => {
    await house.api.post(`/v1/job-types/${type}/pause`);
    const run = await ended(house, start(house, type, 'expired', { expiresIn: '1s' }), 'failed');
    await resumeType(house, type);
    return run;
  },
  [`${type}.scheduled`]: async (house) => {
    const plan = { type, input: await inputOf[type](house), cron: '0 0 1 1 *', paused: true };
    const made = await house.api.put(`/v1/schedules/${type}-scheduled`, plan);
    if (made.status >= 300) throw new Error(JSON.stringify(made.body));
    await house.api.post(`/v1/schedules/${type}-scheduled/trigger`);
    let workflowId: string | undefined;
    await until('it has a run', async () => {
      const { runs } = (await house.api.get(`/v1/runs?type=${type}`)).body;
      workflowId = runs.find((run) => run.workflowId.includes(`${type}-scheduled`))?.workflowId;
      return workflowId !== undefined;
    });
    return ended(house, { workflowId: workflowId! }, 'completed');
  },
});

/** As a run is that Temporal has continued, or that somebody started in its UI: no person could wait for these. */
const outOfTime = (type: string): Record<string, Scenario> => ({
  [`${type}.timed-out`]: (house) =>
    ended(house, byHand(house, type, 'timed-out', { memo: { pausedAt: inAMoment() }, timeout: '1s' }), 'timedOut'),
  [`${type}.past-its-deadline`]: (house) => {
    const [runAt, startedAt, pausedAt] = Array<string>(3).fill('2020-01-01T00:00:00.000Z');
    return ended(house, byHand(house, type, 'past-its-deadline', { memo: { runAt, startedAt, pausedAt } }), 'timedOut');
  },
  [`${type}.failed-by-hand`]: (house) =>
    ended(house, byHand(house, type, 'failed-by-hand', { args: ['no object'] }), 'failed'),
});

const served: Record<string, Scenario> = {
  ...lifeOf('email-campaign'),
  ...outOfTime('email-campaign'),
  'email-campaign.completed-upload': async (house) => {
    const recipients = await uploaded(house, 'email,name\nada@example.com,Ada\nbob@example.com,Bob\n');
    return ended(house, start(house, 'email-campaign', 'completed-upload', {}, { recipients }), 'completed');
  },
  'email-campaign.failed': async (house) => {
    const recipients = await uploaded(house, 'email\nada@example.com\nno address\n');
    return ended(house, start(house, 'email-campaign', 'failed', {}, { recipients }), 'failed');
  },
  'email-campaign.completed-with-failed-rows': async (house) => firstOf(house, await redriven(house, 'failed-rows')),
  'email-campaign.redriven': (house) => redriven(house, 'redriven'),
  'email-campaign.completed-in-rounds': (house) =>
    ended(house, start(house, 'email-campaign', 'in-rounds', {}, to('busy-1', 'calm-1', 'busy-2')), 'completed'),
  'email-campaign.paused': async (house) => {
    const run = await sendingSlowly(house, 'paused');
    await act(house, run, 'pause');
    await until('its slice has ended', async () => (await stepsEnded(house, run)) > 0);
    house.stack.mailbox.behaviour.delayMs = 0;
    await act(house, run, 'resume');
    return ended(house, run, 'completed');
  },
  'email-campaign.cancelled': async (house) => {
    const run = await sendingSlowly(house, 'cancelled');
    await act(house, run, 'cancel');
    const reached = await ended(house, run, 'cancelled');
    house.stack.mailbox.behaviour.delayMs = 0;
    return reached;
  },

  ...lifeOf('file-pipeline'),
  ...outOfTime('file-pipeline'),
  'file-pipeline.failed': async (house) => {
    const { fileId } = await house.stack.client.upload(new TextEncoder().encode('no picture'));
    return ended(house, start(house, 'file-pipeline', 'failed', {}, { fileId }), 'failed');
  },
  'file-pipeline.redriven': async (house) => {
    const { fileId } = await house.stack.client.upload(new TextEncoder().encode('no picture either'));
    const run = await ended(house, start(house, 'file-pipeline', 'redriven', {}, { fileId }), 'failed');
    await act(house, run, 'redrive', { input: await inputOf['file-pipeline'](house) });
    return ended(house, run, 'completed');
  },

  ...outOfTime('batch'),
  'batch.completed': async (house) => ended(house, startBatch(house, 'completed', 4), 'completed'),

  ...outOfTime('bulk'),
  'bulk.completed': async (house) => ended(house, startBulk(house, 'bulk-completed', 3), 'completed'),
  'bulk.completed-redrive': async (house) => {
    const tags = ['bulk-redrive'];
    await ended(house, start(house, 'email-campaign', 'for-bulk', { tags }, to('refused-for-bulk')), 'completed');
    const { body } = await house.api.post('/v1/dead-letters/redrive', { tag: tags[0] });
    return ended(house, bulkIn(body), 'completed');
  },
  // Yours below: upstream changes nothing here.
};

/** What one of ours would be too fast for: it is steered before a worker has seen it. */
const unserved: Record<string, Scenario> = {
  'email-campaign.expired-before-a-worker': async (house) => {
    const run = await start(house, 'email-campaign', 'expired-before-a-worker', { expiresIn: '1s' });
    await until('it has expired', () => Date.now() > Date.parse(run.createdAt) + 1_200);
    await house.stack.startWorker();
    return ended(house, run, 'failed');
  },
  'file-pipeline.cancelled': async (house) => {
    const run = await start(house, 'file-pipeline', 'cancelled');
    await act(house, run, 'cancel');
    await house.stack.startWorker();
    return ended(house, run, 'cancelled');
  },
  'file-pipeline.paused': (house) => heldByAPerson(house, start(house, 'file-pipeline', 'paused'), resumed),
  ...unservedOf('batch', (house, key) => startBatch(house, key, 4)),
  ...unservedOf('bulk', (house, key) => startBulk(house, key, 3)),
};

function unservedOf(type: string, order: (house: House, key: string) => Promise<Reached>): Record<string, Scenario> {
  return {
    [`${type}.paused`]: (house) => heldByAPerson(house, order(house, 'paused'), resumed),
    [`${type}.cancelled-while-paused`]: (house) =>
      heldByAPerson(house, order(house, 'cancelled-while-paused'), async (run) => {
        await act(house, run, 'cancel');
        return ended(house, run, 'cancelled');
      }),
    [`${type}.terminated`]: (house) =>
      heldByAPerson(house, order(house, 'terminated'), async (run) => {
        await act(house, run, 'terminate', { reason: 'it hangs' });
        return run;
      }),
    [`${type}.cancelled`]: async (house) => {
      const run = await order(house, 'cancelled');
      await act(house, run, 'cancel');
      await house.stack.startWorker();
      return ended(house, run, 'cancelled');
    },
  };
}

const continued: Record<string, Scenario> = {
  'email-campaign.continued': (house) =>
    ended(house, start(house, 'email-campaign', 'continued', {}, { recipients: recipientsOf(2_000) }), 'completed'),
  'batch.continued': (house) => ended(house, startBatch(house, 'continued', 350), 'completed'),
  'bulk.continued': (house) => ended(house, startBulk(house, 'bulk-continued', 350), 'completed'),
};

export const scenarios = { served, unserved, continued };

type OrderedType = keyof typeof inputOf;

const inputOf = {
  'email-campaign': async () => ({ template: 'welcome', recipients: recipientsOf(3) }) as Record<string, unknown>,
  'file-pipeline': async ({ stack }: House): Promise<Record<string, unknown>> => {
    const { fileId } = await stack.client.upload(onePixel);
    return { fileId, derivatives: ['thumbnail', 'webp'] };
  },
  // Yours below: upstream changes nothing here.
};

const to = (...names: string[]) => ({ recipients: names.map((name) => ({ email: `${name}@example.com` })) });

/** The state is the key too: so a scenario's run has the same ID each time it is recorded. */
async function start(house: House, type: OrderedType, key: string, envelope: object = {}, input: object = {}) {
  const whole = { ...(await inputOf[type](house)), ...input };
  const answer = await house.api.post(`/v1/jobs/${type}`, { input: whole, ...envelope }, { 'Idempotency-Key': key });
  if (answer.status !== 202) throw new Error(`${key}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function uploaded({ stack }: House, csv: string) {
  const { fileId } = await stack.client.upload(new TextEncoder().encode(csv), { mediaType: 'text/csv' });
  return { fileId };
}

async function startBatch({ api }: House, key: string, runs: number, tags: string[] = []): Promise<Reached> {
  const input = { template: 'welcome', recipients: [{ email: 'ada@example.com' }] };
  const body = { runs: Array.from({ length: runs }, () => ({ input, delay: '1h', tags })) };
  const answer = await api.post('/v1/jobs/email-campaign/batch', body, { 'Idempotency-Key': key });
  return (answer.body as unknown as { batch: Reached }).batch;
}

/** A bulk cancel of as many delayed runs. */
async function startBulk(house: House, tag: string, runs: number): Promise<Reached> {
  await Promise.all(Array.from({ length: runs > 20 ? 0 : runs }, (_, n) => delayed(house, `${tag}-${n}`, tag)));
  if (runs > 20) await ended(house, startBatch(house, tag, runs, [tag]), 'completed');
  const cancel = async (dryRun: boolean) => (await house.api.post('/v1/runs/cancel', { tag, dryRun })).body;
  await until('all are listed', async () => ((await cancel(true)) as unknown as { count: number }).count === runs);
  return bulkIn(await cancel(false));
}

const delayed = (house: House, key: string, tag: string) =>
  start(house, 'email-campaign', key, { delay: '1h', tags: [tag] });

function bulkIn(body: object): Reached {
  const { bulk } = body as { bulk?: Reached };
  if (bulk === undefined) throw new Error(`No bulk was started: ${JSON.stringify(body)}`);
  return bulk;
}

async function act({ api }: House, { workflowId }: Reached, verb: string, body: object = {}): Promise<void> {
  const answer = await api.post(`/v1/runs/${workflowId}/${verb}`, body);
  if (answer.status !== 200) throw new Error(`${verb}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function ended({ stack }: House, run: Reached | Promise<Reached>, as: string): Promise<Reached> {
  const { workflowId } = await run;
  const { status, error } = await stack.client.result(workflowId, { waitSeconds: 60 });
  if (status !== as) throw new Error(`${workflowId} is ${status}, not ${as}: ${JSON.stringify(error)}`);
  return { workflowId };
}

async function untilPaused({ api }: House, { workflowId }: Reached): Promise<void> {
  await until('it is paused', async () => (await api.get(`/v1/runs/${workflowId}`)).body.status === 'paused');
}

async function pausedWhileDelayed(house: House, type: OrderedType, key: string): Promise<Reached> {
  const run = await start(house, type, key, { delay: '1h' });
  await act(house, run, 'pause');
  await act(house, run, 'run-now');
  await untilPaused(house, run);
  return run;
}

async function heldByItsType(house: House, type: OrderedType, key: string): Promise<Reached> {
  await house.api.post(`/v1/job-types/${type}/pause`);
  const run = await start(house, type, key);
  await untilPaused(house, run);
  return run;
}

const resumeType = ({ api }: House, type: string) => api.post(`/v1/job-types/${type}/resume`);

/** The pause waits at the server until there is a worker, and comes with the run's first task. */
async function heldByAPerson(
  house: House,
  order: Promise<Reached>,
  then: (run: Reached, house: House) => Promise<Reached>,
): Promise<Reached> {
  const run = await order;
  const { workflowId } = run;
  const paused = house.temporal.workflow.getHandle(workflowId).executeUpdate(steering.pause);
  await house.stack.startWorker();
  await paused;
  return then(run, house);
}

async function resumed(run: Reached, house: House): Promise<Reached> {
  await act(house, run, 'resume');
  return ended(house, run, 'completed');
}

/** Its slice, of 2 s, ends before its forty mails are sent, so that there is another. */
async function sendingSlowly(house: House, key: string): Promise<Reached> {
  const { mailbox } = house.stack;
  mailbox.behaviour.delayMs = 1_500;
  const before = mailbox.size;
  const run = await start(house, 'email-campaign', key, {}, { recipients: recipientsOf(40) });
  await until('it sends', () => mailbox.size > before);
  return run;
}

/** Some of it is refused, which completes; then it is redriven, and all is sent. */
async function redriven(house: House, key: string): Promise<Reached> {
  const run = await start(house, 'email-campaign', key, {}, to(`refused-${key}`, `calm-${key}`));
  await ended(house, run, 'completed');
  await act(house, run, 'redrive');
  return ended(house, run, 'completed');
}

async function firstOf({ temporal }: House, { workflowId }: Reached): Promise<Reached> {
  let runs: { runId: string; startTime: Date }[] = [];
  await until('both are listed', async () => {
    const listed = temporal.workflow.list({ query: `WorkflowId = "${workflowId}"` });
    runs = [];
    for await (const run of listed) runs.push(run);
    return runs.length === 2;
  });
  const [first] = runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  return { workflowId, runId: first!.runId };
}

interface ByHand {
  readonly memo?: Record<string, string | undefined>;
  readonly timeout?: string;
  readonly args?: unknown[];
}

async function byHand({ temporal }: House, type: string, state: string, options: ByHand): Promise<Reached> {
  const { memo = {}, timeout = '1h', args = [{ fileId: nobody, ...listsOf(nobody) }] } = options;
  const workflowId = `${type}:${state}`;
  await temporal.workflow.start(type, {
    workflowId,
    args,
    taskQueue: jobOfType(type)!.taskQueue,
    workflowExecutionTimeout: timeout,
    memo: { [memoKey]: { v: 1, tenant: 'default', fingerprint: 'by hand', onAmbiguous: 'resend', ...memo } },
  });
  return { workflowId };
}

/** Checked lists, which a run that is held never reads. */
const listsOf = (fileId: string) => {
  const list = { fileId, format: 'list', count: 1 };
  return { template: 'welcome', recipients: list, items: list, targets: list, verb: 'cancel' };
};

async function eventsOf({ temporal }: House, { workflowId }: Reached): Promise<string> {
  return JSON.stringify(await temporal.workflow.getHandle(workflowId).fetchHistory());
}

async function stepsEnded({ temporal }: House, { workflowId }: Reached): Promise<number> {
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes).length;
}
