/** Pausing: one run, or a whole job type. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { campaignOf } from '../support/campaigns.js';
import { caller, type Caller } from '../support/caller.js';
import { startStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';

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
afterEach(async () => {
  stack.mailbox.behaviour.delayMs = 0;
  await api.post('/v1/job-types/email-campaign/resume');
});
afterAll(async () => {
  await temporal.connection.close();
  await stack[Symbol.asyncDispose]();
});

const start = async (recipients: number, envelope: object = {}) =>
  (await api.post('/v1/jobs/email-campaign', { input: campaignOf(recipients), ...envelope })).body;
const statusOf = async (self: string) => (await api.get(self)).body.status;
const sent = () => stack.mailbox.deliveries.length;

/** Resolves once no mail has come for a second. */
async function quiet(): Promise<void> {
  let last = { count: -1, at: 0 };
  await until('no more mail comes', () => {
    if (sent() !== last.count) last = { count: sent(), at: Date.now() };
    return Date.now() - last.at > 1_000;
  });
}

test('a paused run begins no step, and goes on where it was when it is resumed', async () => {
  stack.mailbox.behaviour.delayMs = 30;
  const run = await start(2_000);
  await until('it sends', () => sent() > 50);
  const paused = await api.post(`${run.links.self}/pause`, { by: 'ada@ops', reason: 'a typo' });
  expect(paused).toMatchObject({ status: 200, body: { status: 'paused' } });
  await quiet();
  const before = sent();
  expect(before).toBeLessThan(2_000);
  expect(await statusOf(run.links.self)).toBe('paused');
  expect(await api.post(`${run.links.self}/pause`)).toMatchObject({ status: 200, body: { status: 'paused' } });

  stack.mailbox.behaviour.delayMs = 0;
  expect(await api.post(`${run.links.self}/resume`)).toMatchObject({ status: 200, body: { status: 'running' } });
  const { status, result } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  expect([status, result]).toMatchObject(['completed', { sent: 2_000 }]);
  expect(stack.mailbox.deliveries.length - before).toBeGreaterThan(0);
  expect((await api.get(run.links.self)).body.acts).toMatchObject([
    { act: 'resume', by: 'api' },
    { act: 'pause', by: 'api' },
    { act: 'pause', by: 'ada@ops', reason: 'a typo' },
  ]);
  expect(await api.post(`${run.links.self}/pause`)).toMatchObject({ status: 409, body: { code: 'run-closed' } });
});

test('a paused run can be cancelled', async () => {
  stack.mailbox.behaviour.delayMs = 30;
  const run = await start(1_000);
  await api.post(`${run.links.self}/pause`);
  await api.post(`${run.links.self}/cancel`);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 20 })).status).toBe('cancelled');
});

test('a delayed run that is paused waits on when it is due', async () => {
  const run = await start(1, { delay: '1s' });
  expect((await api.post(`${run.links.self}/pause`)).body.status).toBe('paused');
  await until('it is due', () => Date.now() > Date.parse(run.dueAt!) + 500);
  expect(await statusOf(run.links.self)).toBe('paused');
  await api.post(`${run.links.self}/resume`);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 20 })).status).toBe('completed');
});

test('with no worker a pause is 503 soon, and says that it may still take effect', async () => {
  await using other = await startStack({ workers: 0 });
  const there = caller(other);
  const { body: run } = await there.post('/v1/jobs/email-campaign', { input: campaignOf(1) });
  const asked = Date.now();
  const { status, headers, body } = await there.post(`${run.links.self}/pause`);
  expect(Date.now() - asked).toBeLessThan(5_000); // a second, and what a busy machine adds; without a deadline it would be 29 s
  expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'no-answer-in-time', '2']);
  expect(body.detail).toMatch(/may still take effect/);
});

test('a paused job type stops the runs there are, accepts new ones, and all go on when it is resumed', async () => {
  stack.mailbox.behaviour.delayMs = 30;
  const running = await start(1_000);
  const before = sent();
  await until('it sends', () => sent() > before + 20);
  const pause = await api.post('/v1/job-types/email-campaign/pause', { by: 'ada@ops', reason: 'incident 7' });
  expect(pause).toMatchObject({ status: 200, body: { paused: { by: 'ada@ops', reason: 'incident 7' } } });
  expect((await api.get('/v1/job-types/email-campaign')).body).toMatchObject({
    paused: { by: 'ada@ops', reason: 'incident 7' },
    acts: expect.arrayContaining([expect.objectContaining({ act: 'pause', by: 'ada@ops' })]),
  });
  const fresh = await start(3);
  expect(fresh.status).toBe('running');
  await quiet();
  await until('both wait', async () => (await statusOf(fresh.links.self)) === 'paused');
  expect(await statusOf(running.links.self)).toBe('paused');
  expect(await api.post(`${fresh.links.self}/resume`)).toMatchObject({
    status: 409,
    body: { code: 'job-type-paused' },
  });
  const atRest = sent();

  const file = await stack.client.upload(new Uint8Array([1, 2, 3]));
  const other = await stack.client.start('file-pipeline', { fileId: file.fileId });
  expect((await stack.client.result(other.run, { waitSeconds: 20 })).status).toBe('failed'); // no picture, but it ran

  stack.mailbox.behaviour.delayMs = 0;
  expect(sent()).toBe(atRest);
  await api.post('/v1/job-types/email-campaign/resume');
  for (const { workflowId } of [running, fresh]) {
    expect((await stack.client.result(workflowId, { waitSeconds: 60 })).status).toBe('completed');
  }
});

test('a job type paused again before its runs took note holds them still', async () => {
  await api.post('/v1/job-types/email-campaign/pause');
  const run = await start(1);
  await until('it waits', async () => (await statusOf(run.links.self)) === 'paused');
  await api.post('/v1/job-types/email-campaign/resume');
  await api.post('/v1/job-types/email-campaign/pause');
  const before = sent();
  await quiet();
  expect(sent() - before).toBeLessThanOrEqual(1); // it may have slipped through between the two
  await api.post('/v1/job-types/email-campaign/resume');
  expect((await stack.client.result(run.workflowId, { waitSeconds: 20 })).status).toBe('completed');
});

test('a person’s pause outlasts that of the job type', async () => {
  await api.post('/v1/job-types/email-campaign/pause');
  const run = await start(1);
  await until('it waits', async () => (await statusOf(run.links.self)) === 'paused');
  await api.post(`${run.links.self}/pause`);
  await api.post('/v1/job-types/email-campaign/resume');
  const history = async () => (await temporal.workflow.getHandle(run.workflowId).describe()).historyLength;
  const before = await history();
  await until('it was told', async () => (await history()) > before);
  await quiet();
  expect(await statusOf(run.links.self)).toBe('paused');
  await api.post(`${run.links.self}/resume`);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 20 })).status).toBe('completed');
});

test('a run that has not begun its work when it expires fails as expired, and sends nothing', async () => {
  await api.post('/v1/job-types/email-campaign/pause');
  const before = sent();
  const waiting = await start(2, { expiresIn: '1s' });
  const { status, error } = await stack.client.result(waiting.workflowId, { waitSeconds: 20 });
  expect([status, error?.code]).toEqual(['failed', 'expired']);
  await api.post('/v1/job-types/email-campaign/resume');

  const inTime = await start(2, { expiresIn: '1h' });
  expect((await stack.client.result(inTime.workflowId, { waitSeconds: 20 })).status).toBe('completed');
  const delayed = await start(2, { delay: '2s', expiresIn: '1s' });
  expect((await stack.client.result(delayed.workflowId, { waitSeconds: 20 })).status).toBe('completed');
  expect(sent() - before).toBe(4);
});

test('what waits for a free worker past its time expires, while what was begun in time goes on', async () => {
  await using other = await startStack({ workers: 0 });
  const there = caller(other);
  const body = { input: campaignOf(600) };
  const late = (await there.post('/v1/jobs/email-campaign', { ...body, expiresIn: '1s' })).body;
  await until('it has expired', () => Date.now() > Date.parse(late.createdAt) + 1_200);
  await other.startWorker();
  const { status, error } = await other.client.result(late.workflowId, { waitSeconds: 20 });
  expect([status, error?.code, other.mailbox.deliveries.length]).toEqual(['failed', 'expired', 0]);

  other.mailbox.behaviour.delayMs = 20;
  const slow = (await there.post('/v1/jobs/email-campaign', { ...body, expiresIn: '1s' })).body;
  const ended = await other.client.result(slow.workflowId, { waitSeconds: 60 });
  expect([ended.status, ended.result]).toMatchObject(['completed', { sent: 600 }]);
});

test('terminate needs a reason, ends a run at once, and leaves a dead letter', async () => {
  const run = await start(1, { delay: '1h' });
  expect((await api.post(`${run.links.self}/terminate`, {})).status).toBe(422);
  const done = await api.post(`${run.links.self}/terminate`, { by: 'ada@ops', reason: 'it hangs' });
  expect(done).toMatchObject({ status: 200, body: { status: 'terminated', error: { code: 'terminated' } } });
  expect(done.body.acts).toMatchObject([{ act: 'terminate', by: 'ada@ops', reason: 'it hangs' }]);
  expect((await api.post(`${run.links.self}/terminate`, { reason: 'again' })).status).toBe(409);
});
