/** GET /v1/runs/{id}/why, in each of the situations that a person asks it in. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { campaignOf } from '../support/campaigns.js';
import { caller, type Caller } from '../support/caller.js';
import { onePixel } from '../support/one-pixel.js';
import { startStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';

let stack: TestStack;
let api: Caller;

beforeAll(async () => {
  stack = await startStack();
  api = caller(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Why {
  readonly why: string;
  readonly since?: string;
  readonly next?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly lastError?: string;
}

const start = async (envelope: object = {}, to = api) =>
  (await to.post('/v1/jobs/email-campaign', { input: campaignOf(20), ...envelope })).body;
const whyOf = async (self: string, to = api) => (await to.get(`${self}/why`)).body as unknown as Why;

/** Asks until the answer fits. */
async function untilWhy(self: string, fits: RegExp, to = api): Promise<Why> {
  let last: Why = { why: '' };
  await until(`why is ${fits}`, async () => fits.test((last = await whyOf(self, to)).why), { withinMs: 30_000 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}; last: ${JSON.stringify(last)}`);
    },
  );
  return last;
}

test('a run that waits for its time says when', async () => {
  const run = await start({ delay: '1h' });
  expect(await untilWhy(run.links.self, /waits for its time/)).toMatchObject({ next: run.dueAt });
  await api.post(`${run.links.self}/cancel`);
});

test('a paused one says by whom and why; so does one whose job type is paused', async () => {
  const run = await start({ delay: '1h' });
  await api.post(`${run.links.self}/pause`, { by: 'ada@ops', reason: 'a typo' });
  expect((await untilWhy(run.links.self, /^It is paused/)).why).toContain('by ada@ops (a typo)');

  await api.post('/v1/job-types/email-campaign/pause', { by: 'bob@ops', reason: 'incident 7' });
  const held = await start();
  expect((await untilWhy(held.links.self, /^All of email-campaign is paused/)).why).toContain(
    'by bob@ops (incident 7)',
  );
  await api.post('/v1/job-types/email-campaign/resume');
  await stack.client.result(held.workflowId, { waitSeconds: 30 });
  await api.post(`${run.links.self}/cancel`);
});

test('with the mail server away it names the step, its attempt, the next try and the last error', async () => {
  await stack.mailbox.close();
  const run = await start();
  const why = await untilWhy(run.links.self, /tried again at .*attempt [2-9]/);
  expect(why).toMatchObject({ step: 'sendSlice', lastError: expect.stringContaining('mail server') });
  expect(why.attempt).toBeGreaterThan(1);
  expect(Date.parse(why.next!)).toBeGreaterThan(Date.parse(run.createdAt));
  await stack.mailbox.open();
  expect((await stack.client.result(run.workflowId, { waitSeconds: 60 })).status).toBe('completed');
  expect((await whyOf(run.links.self)).why).toBe('It has ended as completed.');
});

test('a step that runs is named, with its worker', async () => {
  stack.mailbox.behaviour.delayMs = 500;
  const run = await start();
  const why = await untilWhy(run.links.self, /step sendSlice, which runs on longhaul-worker/);
  expect(why.since).toBeDefined();
  stack.mailbox.behaviour.delayMs = 0;
  await stack.client.result(run.workflowId, { waitSeconds: 60 });
});

test('between two rounds it says what was refused for now, and when the next begins', async () => {
  stack.mailbox.behaviour.atRecipient = () => ({ code: 451, text: 'later' });
  const run = await start();
  const why = await untilWhy(run.links.self, /refused for now/);
  expect(Date.parse(why.next!)).toBeGreaterThan(Date.parse(run.createdAt));
  delete stack.mailbox.behaviour.atRecipient;
  await stack.client.result(run.workflowId, { waitSeconds: 60 });
});

test('with no worker on its task queue it says so, and how to start one', async () => {
  await using other = await startStack({ workers: 0 });
  const there = caller(other);
  const run = await start({}, there);
  const why = await untilWhy(run.links.self, /waits for a worker/, there);
  expect(why.why).toContain('WORKER_QUEUES=email');
  const delayed = await start({ delay: '1s' }, there);
  expect((await untilWhy(delayed.links.self, /It was due at/, there)).why).toContain('WORKER_QUEUES=email');
});

test('one whose workflow code keeps failing says that code must be mended', async () => {
  const connection = await Connection.connect({ address: inject('temporal').address });
  const client = new Client({ connection, namespace: stack.namespace });
  const { fileId } = await stack.client.upload(onePixel);
  const workflowId = 'file-pipeline:broken';
  // As the API would start it, with an input that it would refuse: the workflow's code stumbles over it.
  await client.workflow.start('file-pipeline', {
    ...{ workflowId, taskQueue: 'files', memo: { longhaul: { v: 1, tenant: 'default', fingerprint: 'f' } } },
    args: [{ fileId, derivatives: 5 }],
  });
  await untilWhy(`/v1/runs/${workflowId}`, /^Its workflow code keeps failing/);
  await client.workflow.getHandle(workflowId).terminate('test');
  await connection.close();
});

test('a failed run says what it failed of; what is no run is 404', async () => {
  const { fileId } = await stack.client.upload(new TextEncoder().encode('no picture'));
  const { run } = await stack.client.start('file-pipeline', { fileId });
  await stack.client.result(run, { waitSeconds: 30 });
  expect((await whyOf(run.links.self)).why).toMatch(/^It has ended as failed: .+\.$/);
  expect((await api.get('/v1/runs/nothing/why')).status).toBe(404);
});
