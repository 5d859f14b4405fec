import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { until } from '../support/until.js';
import { startApi, type TestApi } from './api.js';
import type { Script } from './stub-workflows.js';

let api: TestApi;
let connection: NativeConnection;
let worker: Worker;
let working: Promise<void>;

beforeAll(async () => {
  api = await startApi();
  connection = await NativeConnection.connect({ address: inject('temporal').address });
  worker = await Worker.create({
    connection,
    namespace: api.namespace,
    taskQueue: 'stub',
    workflowsPath: fileURLToPath(new URL('./stub-workflows.ts', import.meta.url)),
    activities: {
      async makeDerivative(how: string) {
        if (how === 'permanent') throw ApplicationFailure.nonRetryable('the file is cut off', 'corrupt-file');
        if (how === 'transient') throw new TypeError('no luck');
        await new Promise((resolve) => setTimeout(resolve, 2_000));
      },
    },
  });
  working = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await working;
  await connection.close();
  await api[Symbol.asyncDispose]();
});

let runs = 0;

/** As from Temporal's UI: no memo, no search attributes. */
async function play(script: Script, { type = 'file-pipeline', taskQueue = 'stub', ...options } = {}) {
  const workflowId = `${type}:played-${++runs}`;
  await api.client.workflow.start(type, { workflowId, taskQueue, args: [script], ...options });
  return `/v1/runs/${workflowId}`;
}

async function ended(path: string) {
  const { status, body } = await api.call(`${path}/result?wait=30`);
  expect(status).toBe(200);
  schemas.runResult.parse(body);
  return schemas.run.parse((await api.call(path)).body);
}

test('a completed run tells its result and its last progress', async () => {
  const path = await play({ then: 'complete', result: { made: 2 } });
  expect((await api.call(`${path}/result?wait=10`)).body).toEqual({ status: 'completed', result: { made: 2 } });

  const run = await ended(path);
  expect(run).toMatchObject({ status: 'completed', result: { made: 2 }, progress: { done: 3, total: 7 } });
  expect(run.stale).toBeUndefined();
  expect(Date.parse(run.endedAt!)).toBeGreaterThanOrEqual(Date.parse(run.createdAt));
  expect(run.links).toEqual({
    self: path,
    events: `${path}/events`,
    temporalUi: `http://ui.test/namespaces/${api.namespace}/workflows/${run.workflowId}/${run.runId}`,
  });
});

test('a run that failed in a step tells its code, step, words and attempts', async () => {
  const permanent = await ended(await play({ then: 'step', step: 'permanent' }));
  expect(permanent).toMatchObject({
    status: 'failed',
    error: { code: 'corrupt-file', step: 'makeDerivative', message: 'the file is cut off', attempts: 1 },
  });
  const transient = await ended(await play({ then: 'step', step: 'transient' }));
  expect(transient.error).toEqual({ code: 'step-failed', step: 'makeDerivative', message: 'no luck', attempts: 3 });
});

test('a step that takes too long fails its run with step-timeout', async () => {
  const { error } = await ended(await play({ then: 'step', step: 'hang' }));
  expect(error).toMatchObject({ code: 'step-timeout', step: 'makeDerivative', attempts: 3 });
  expect(error!.message).toBe('makeDerivative did not end within its time limit (START_TO_CLOSE).');
});

test('a run that its workflow failed tells the code, and one with no code of ours is step-failed', async () => {
  const named = await ended(await play({ then: 'fail', code: 'unsupported-file' }));
  expect(named.error).toEqual({ code: 'unsupported-file', message: 'it was no picture' });
  const unnamed = await ended(await play({ then: 'plain' }));
  expect(unnamed.error).toEqual({ code: 'step-failed', message: 'something' });
});

test('a run that was terminated or ran out of time says so', async () => {
  const terminated = await play({ then: 'wait' });
  await api.client.workflow.getHandle(terminated.slice('/v1/runs/'.length)).terminate('wrong list');
  expect(await ended(terminated)).toMatchObject({
    status: 'terminated',
    error: { code: 'terminated', message: 'wrong list' },
  });

  const late = await ended(await play({ then: 'wait' }, { workflowExecutionTimeout: '1s' } as object));
  expect(late).toMatchObject({ status: 'timedOut', error: { code: 'deadline-exceeded' } });
});

test('an open run tells its progress, when to look again, and by ETag that nothing has changed', async () => {
  const path = await play({ then: 'wait' });
  let first = await api.call(path);
  await until('a worker tells the progress', async () => (first = await api.call(path)).body.stale === undefined);

  expect(first).toMatchObject({ status: 200, body: { status: 'running', progress: { done: 3, total: 7 } } });
  expect(first.headers.get('Retry-After')).toBe('1');
  expect(first.headers.get('ETag')).toMatch(/^"[^"]+"$/);
  const second = await api.call(path, { headers: { 'If-None-Match': first.headers.get('ETag')! } });
  expect(second.status).toBe(304);
});

test('without a worker the status is told within two seconds, and the progress is stale', async () => {
  const path = await play({ then: 'wait' }, { taskQueue: 'nobody-here' });
  const startedAt = Date.now();
  const { status, body } = await api.call(path);
  expect({ status, body }).toMatchObject({ status: 200, body: { status: 'running', progress: null, stale: true } });
  expect(Date.now() - startedAt).toBeLessThan(2_000);
  await api.call(path);
  expect(Date.now() - startedAt).toBeLessThan(2_500); // the second look does not wait for a worker again
});

test('a run that continues as new keeps its createdAt, is listed once, and is waited for to its very end', async () => {
  const path = await play({ then: 'continue' });
  const before = (await api.call(path)).body;
  await until('it has continued', async () => (await api.call(path)).body.runId !== before.runId);

  const after = (await api.call(path)).body;
  expect(after).toMatchObject({ status: 'running', createdAt: before.createdAt });
  await until('it is listed', async () => {
    const { runs } = (await api.call('/v1/runs?status=running')).body;
    return runs.filter((run: { workflowId: string }) => run.workflowId === before.workflowId).length === 1;
  });
  const waiting = api.call(`${path}/result?wait=20`);
  await api.call(`${path}/cancel`, { method: 'POST' });
  expect((await waiting).body).toEqual({ status: 'cancelled' });
});

test('cancel asks a run to stop, may be asked twice, and is refused once it has ended', async () => {
  const path = await play({ then: 'slow-cancel' });
  await until('it runs', async () => (await api.call(path)).body.stale === undefined);

  const first = await api.call(`${path}/cancel`, { method: 'POST' });
  expect(first).toMatchObject({ status: 200, body: { status: 'cancelling' } });
  schemas.run.parse(first.body);
  expect(await api.post(`${path}/cancel`, {})).toMatchObject({ status: 200, body: { status: 'cancelling' } });
  expect(await ended(path)).toMatchObject({ status: 'cancelled' });

  const late = await api.call(`${path}/cancel`, { method: 'POST' });
  expect(late).toMatchObject({ status: 409, body: { code: 'run-closed' } });
  expect(late.body.detail).toContain('cancelled');
});

test('cancel takes who and why, and nothing else', async () => {
  const path = await play({ then: 'wait' });
  expect(await api.post(`${path}/cancel`, { reason: 'x', force: true })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'force' }] },
  });
  expect((await api.call(path)).body.status).toBe('running');
});

test('result waits as long as asked, then says 202 with the run', async () => {
  const path = await play({ then: 'wait' });
  expect((await api.call(`${path}/result`)).status).toBe(202);
  const startedAt = Date.now();
  const { status, headers, body } = await api.call(`${path}/result?wait=1`);
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990);
  expect({ status, retry: headers.get('Retry-After') }).toEqual({ status: 202, retry: '1' });
  schemas.run.parse(body);
});

test('a hundred who wait for one run are all told at once', async () => {
  const path = await play({ then: 'wait' });
  const waiting = Promise.all(Array.from({ length: 100 }, () => api.call(`${path}/result?wait=30`)));
  await until('it runs', async () => (await api.call(path)).body.stale === undefined);
  await api.call(`${path}/cancel`, { method: 'POST' });
  const endedAt = Date.now();
  expect((await waiting).every(({ body }) => body.status === 'cancelled')).toBe(true);
  expect(Date.now() - endedAt).toBeLessThan(5_000);
});

test.each([['-1'], ['61'], ['1.5'], ['x'], ['']])('wait=%s is refused', async (wait) => {
  const path = await play({ then: 'complete' });
  expect(await api.call(`${path}/result?wait=${wait}`)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'query.wait' }] },
  });
});

test('what is no run, no job, or another tenant’s is 404', async () => {
  const notJob = await play({ then: 'wait' }, { type: 'not-a-job' });
  const others = await play({ then: 'wait' }, { memo: { longhaul: { v: 1, tenant: 'other' } } } as object);
  for (const path of ['/v1/runs/nope', `/v1/runs/${'x'.repeat(2_000)}`, '/v1/runs/%00', notJob, others]) {
    for (const rest of ['', '/result', '/result?wait=5', '/failures']) {
      expect(await api.call(path + rest)).toMatchObject({ status: 404, body: { code: 'run-not-found' } });
    }
    expect((await api.call(`${path}/cancel`, { method: 'POST' })).status).toBe(404);
  }
});

test('failures are told page by page', async () => {
  const path = await play({ then: 'wait' });
  const workflowId = path.slice('/v1/runs/'.length);
  const holder = {
    workflowId,
    runId: 'r',
    chain: 'r',
    activityId: '1',
    attempt: 1,
    process: 'p:1:x',
    heartbeatMs: 10_000,
  };
  const claims = [0, 1, 2].map((item) => ({
    effect: `default/email/${workflowId}/${item}`,
    item,
    about: `a${item}@example.com`,
  }));
  const claimed = await api.ledger.claim(claims, holder, { onAmbiguous: 'resend', round: 0 });
  const receipts = claimed.map((claim) => ('receipt' in claim ? claim.receipt : -1));
  await api.ledger.settle(
    receipts.map((receipt) => ({ receipt, state: 'failed' as const, code: 'refused', message: '550 no such user' })),
    holder,
  );

  const first = (await api.call(`${path}/failures?limit=2`)).body;
  expect(schemas.failureList.parse(first).failures).toEqual(
    [0, 1].map((index) => ({
      index,
      email: `a${index}@example.com`,
      status: 'failed',
      code: 'refused',
      message: '550 no such user',
      attempts: 1,
    })),
  );
  const second = (await api.call(`${path}/failures?limit=2&cursor=${first.nextCursor}`)).body;
  expect(second).toMatchObject({ failures: [{ index: 2 }], nextCursor: null });
  expect((await api.call(`${path}/failures?cursor=!!`)).status).toBe(422);
  expect((await api.call(`${path}/failures?limit=201`)).status).toBe(422);
});

test('runs are listed by type and status, page by page', async () => {
  const path = await play({ then: 'wait' });
  const done = await play({ then: 'complete' });
  await ended(done);
  const listed = async (query: string) => schemas.runList.parse((await api.call(`/v1/runs?${query}`)).body);
  const ids = async (query: string) => (await listed(query)).runs.map(({ links }) => links.self);

  await until('both are listed', async () => {
    const all = await ids('limit=200');
    return all.includes(path) && all.includes(done);
  });
  expect(await ids('status=running&limit=200')).toContain(path);
  expect(await ids('status=running&limit=200')).not.toContain(done);
  expect(await ids('status=completed&type=file-pipeline')).toContain(done);
  expect(await ids('type=email-campaign')).toEqual([]);
  const unseen = await play({ then: 'complete' });
  await until('it is listed as completed', async () => (await ids('status=completed&limit=200')).includes(unseen));
  const row = (await listed('status=completed&limit=200')).runs.find(({ links }) => links.self === unseen)!;
  expect({ progress: row.progress, stale: row.stale }).toEqual({ progress: null, stale: undefined });
  expect((await ids('limit=200')).some((id) => id.includes('not-a-job'))).toBe(false);

  const all = await ids('limit=200');
  const paged: string[] = [];
  let cursor = '';
  do {
    const page = await listed(`limit=3${cursor && `&cursor=${cursor}`}`);
    paged.push(...page.runs.map(({ links }) => links.self));
    cursor = page.nextCursor ?? '';
  } while (cursor !== '');
  expect(paged).toEqual(all);
});

test.each([
  ['limit=1000000', 'query.limit must be a whole number from 1 to 200.'],
  ['status=failed&status=completed', 'query.status is there twice: give it once.'],
  ['type=odd', 'query.type must be one of email-campaign, file-pipeline, batch, bulk.'],
])('GET /v1/runs?%s is refused in words that help', async (query, words) => {
  expect((await api.call(`/v1/runs?${query}`)).body.detail).toBe(words);
});

test.each([
  ['status=odd'],
  ['type=odd'],
  ['limit=0'],
  ['limit=201'],
  ['limit=x'],
  ['page=2'],
  ['cursor=abc'],
  ['limit=1&limit=2'],
  ['__proto__=1'],
])('GET /v1/runs?%s is refused', async (query) => {
  expect(await api.call(`/v1/runs?${query}`)).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
});
