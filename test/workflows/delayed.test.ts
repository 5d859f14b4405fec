/** Delayed runs: on durable timers, never early, moved while they wait. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { campaignOf } from '../support/campaigns.js';
import { startStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { caller, type Caller } from '../support/caller.js';

let stack: TestStack;
let api: Caller;
let temporal: Client;

beforeAll(async () => {
  stack = await startStack();
  api = caller(stack);
  temporal = new Client({
    connection: await Connection.connect({ address: inject('temporal').address }),
    namespace: stack.namespace,
  });
});
afterAll(async () => {
  await temporal.connection.close();
  await stack[Symbol.asyncDispose]();
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const startCampaign = (envelope: object, recipients = 1) =>
  api.post('/v1/jobs/email-campaign', { input: campaignOf(recipients), ...envelope });

test('a delayed run is scheduled until it is due, and then begins, never early', async () => {
  const runAt = inMs(2_000);
  const { status, body: run } = await startCampaign({ runAt });
  expect(status).toBe(202);
  expect(run).toMatchObject({ status: 'scheduled', dueAt: runAt });
  expect(run.startedAt).toBeUndefined();
  expect(await api.get(run.links.self)).toMatchObject({ body: { status: 'scheduled', dueAt: runAt } });

  const sentBefore = stack.mailbox.deliveries.length;
  await until('the mail arrives', () => stack.mailbox.deliveries.length > sentBefore);
  const { at } = stack.mailbox.deliveries.at(-1)!;
  expect(at).toBeGreaterThanOrEqual(Date.parse(runAt));
  const ended = await stack.client.result(run.workflowId, { waitSeconds: 30 });
  expect(ended.status).toBe('completed');
  const { body: after } = await api.get(run.links.self);
  expect(Date.parse(after.startedAt!)).toBeGreaterThanOrEqual(Date.parse(runAt));
  expect(after.dueAt).toBe(runAt);
});

test.each(['2s', 'PT2S', '1.5s', '1s500ms'])('delay %s counts from now', async (delay) => {
  const before = Date.now();
  const { body: run } = await startCampaign({ delay });
  const ms = { '2s': 2_000, PT2S: 2_000, '1.5s': 1_500, '1s500ms': 1_500 }[delay]!;
  expect(Date.parse(run.dueAt!) - before).toBeGreaterThanOrEqual(ms);
  expect(Date.parse(run.dueAt!) - before).toBeLessThan(ms + 1_000);
});

test('a year ahead is accepted, the past begins at once', async () => {
  const far = await startCampaign({ delay: '365d' });
  expect(far.body).toMatchObject({ status: 'scheduled' });
  const past = await startCampaign({ runAt: '2020-01-01T00:00:00Z' });
  expect(past.body).toMatchObject({ status: 'running' });
  expect(past.body.dueAt).toBeUndefined();
  expect((await stack.client.result(past.body.workflowId, { waitSeconds: 30 })).status).toBe('completed');
  await api.post(`${far.body.links.self}/cancel`, {});
});

test.each([
  [{ runAt: inMs(60_000), delay: '1m' }, 'delay'],
  [{ runAt: 'tomorrow' }, 'runAt'],
  [{ runAt: '2027-02-30T00:00:00Z' }, 'runAt'],
  [{ runAt: '2027-01-01T00:00:00' }, 'runAt'],
  [{ runAt: '9999-01-01T00:00:00Z' }, 'runAt'],
  [{ delay: 'soon' }, 'delay'],
  [{ delay: '-5s' }, 'delay'],
  [{ delay: 'P1M' }, 'delay'],
  [{ delay: 'PT' }, 'delay'],
  [{ delay: '' }, 'delay'],
  [{ delay: 5 }, 'delay'],
  [{ expiresIn: '0s' }, 'expiresIn'],
  [{ priority: 0 }, 'priority'],
  [{ priority: 6 }, 'priority'],
  [{ tags: ['a b'] }, 'tags[0]'],
  [{ tags: 'a' }, 'tags'],
])('%o is refused, and the path named', async (envelope, path) => {
  const { status, body } = await startCampaign(envelope);
  expect(status).toBe(422);
  expect(body.errors?.map((fault) => fault.path)).toEqual([path]);
});

test('while it waits it can be moved, and begun now; once it has begun, both are 409', async () => {
  const { body: run } = await startCampaign({ delay: '1h' });
  const runAt = inMs(7_200_000);
  const moved = await api.post(`${run.links.self}/reschedule`, { runAt, by: 'ada@ops', reason: 'not today' });
  expect(moved).toMatchObject({ status: 200, body: { status: 'scheduled', dueAt: runAt } });

  const begun = await api.post(`${run.links.self}/run-now`);
  expect(begun.status).toBe(200);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 30 })).status).toBe('completed');
  expect(await api.post(`${run.links.self}/run-now`)).toMatchObject({ status: 409, body: { code: 'run-closed' } });

  stack.mailbox.behaviour.delayMs = 3_000;
  const running = await startCampaign({});
  expect(await api.post(`${running.body.links.self}/run-now`)).toMatchObject({
    status: 409,
    body: { code: 'run-started' },
  });
  expect(await api.post(`${running.body.links.self}/reschedule`, { delay: '1h' })).toMatchObject({
    status: 409,
    body: { code: 'run-started' },
  });
  stack.mailbox.behaviour.delayMs = 0;

  const { body: after } = await api.get(run.links.self);
  expect(after.acts).toMatchObject([
    { act: 'run-now', by: 'api' },
    { act: 'reschedule', by: 'ada@ops', reason: 'not today' },
  ]);
});

test('moved to a time that is past it begins now, however long that is past', async () => {
  const { body: run } = await startCampaign({ delay: '1h', expiresIn: '1m' });
  await api.post(`${run.links.self}/reschedule`, { runAt: '2020-01-01T00:00:00Z' });
  expect((await stack.client.result(run.workflowId, { waitSeconds: 30 })).status).toBe('completed');
});

test('moved to a sooner time it begins then', async () => {
  const { body: run } = await startCampaign({ delay: '1h' });
  const runAt = inMs(1_000);
  await api.post(`${run.links.self}/reschedule`, { runAt });
  const { status } = await stack.client.result(run.workflowId, { waitSeconds: 30 });
  expect(status).toBe('completed');
  const { body } = await api.get(run.links.self);
  expect(Date.parse(body.startedAt!)).toBeGreaterThanOrEqual(Date.parse(runAt));
});

test('cancelled while it waits, it never begins', async () => {
  const recipients = [{ email: 'cancelled@example.com' }];
  const { body: run } = await startCampaign({ input: { template: 'welcome', recipients }, delay: '2s' });
  expect((await api.post(`${run.links.self}/cancel`)).status).toBe(200);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 10 })).status).toBe('cancelled');
  await until('it would have been due', () => Date.now() > Date.parse(run.dueAt!) + 500);
  expect(stack.mailbox.deliveries.map(({ to }) => to)).not.toContain('cancelled@example.com');
});

test('what was due while no worker was there begins when one is back, and nothing of it is lost over a restart', async () => {
  await using other = await startStack();
  const there = caller(other);
  const { body: run } = await there.post('/v1/jobs/email-campaign', { input: campaignOf(1), delay: '1s' });
  await other.kill('worker-1');
  await other.kill('api-1');
  await until('it is due', () => Date.now() > Date.parse(run.dueAt!));
  const again = await other.startApi();
  expect(await caller(other, again).get(run.links.self)).toMatchObject({ body: { status: 'scheduled' } });
  await other.startWorker();
  expect((await other.clientOf(again).result(run.workflowId, { waitSeconds: 30 })).status).toBe('completed');
});

test('a run that simply succeeds has no event of all this', async () => {
  const run = await stack.start('email-campaign', campaignOf(1));
  await run.result();
  const { events } = await temporal.workflow.getHandle(run.workflowId).fetchHistory();
  const kinds = (events ?? []).map(({ eventType }) => Number(eventType));
  const [signaled, updated, upserted, timer, memo] = [26, 41, 40, 17, 54];
  expect(kinds.filter((kind) => [signaled, updated, upserted, timer, memo].includes(kind))).toEqual([]);
});

test('lists find delayed runs by status and tag, and runs by time', async () => {
  const tag = `t-${Math.random().toString(36).slice(2)}`;
  const { body: delayed } = await startCampaign({ delay: '1h', tags: [tag, 'other'] });
  const { body: now } = await startCampaign({ tags: [tag] });
  expect(delayed.tags).toEqual([tag, 'other']);
  const idsOf = async (query: string) =>
    (await api.get(`/v1/runs?${query}`)).body.runs.map(({ workflowId }) => workflowId);
  await until('both are listed', async () => (await idsOf(`tag=${tag}`)).length === 2);
  expect(await idsOf(`tag=${tag}&status=scheduled`)).toEqual([delayed.workflowId]);
  expect(await idsOf(`tag=${tag}&before=${delayed.createdAt}`)).toEqual([]);
  expect(await idsOf(`tag=${tag}&after=${now.createdAt}`)).toEqual([now.workflowId]);
  await api.post(`${delayed.links.self}/cancel`);
});
