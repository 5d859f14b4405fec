/** Many runs at once: batches, bulk cancel, priority. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
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
afterAll(async () => {
  await temporal.connection.close();
  await stack[Symbol.asyncDispose]();
});

interface BatchBody {
  readonly batch: { readonly workflowId: string; readonly links: { readonly self: string } } | null;
  readonly items: { index: number; outcome: string; workflowId?: string; code?: string; errors?: { path: string }[] }[];
}

const mailTo = (email: string, more: object = {}) => ({
  input: { template: 'welcome', recipients: [{ email }] },
  ...more,
});
const send = async (runs: unknown, headers?: Record<string, string>, to: Caller = api) => {
  const answer = await to.post('/v1/jobs/email-campaign/batch', { runs }, headers);
  return { ...answer, body: answer.body as unknown as BatchBody };
};
const itemsOf = async (self: string) =>
  ((await api.get(`${self}/items?limit=200`)).body as unknown as { items: { index: number; outcome: string }[] }).items;
const arrived = (email: string) => stack.mailbox.deliveries.filter(({ to }) => to === email).length;

test('each item is accepted or refused, in order, and what was accepted is run', async () => {
  const { status, headers, body } = await send([
    mailTo('b0@example.com', { tags: ['batched'] }),
    mailTo('no address'),
    { input: {}, nonsense: 1 },
    mailTo('b3@example.com', { delay: '1h' }),
    mailTo('b4@example.com', { idempotencyKey: 'not ascii ü' }),
    mailTo('b5@example.com'),
  ]);
  expect(status).toBe(202);
  expect(headers.get('location')).toBe(body.batch!.links.self);
  expect(body.items.map(({ index, outcome }) => [index, outcome])).toEqual([
    [0, 'accepted'],
    [1, 'refused'],
    [2, 'refused'],
    [3, 'accepted'],
    [4, 'refused'],
    [5, 'accepted'],
  ]);
  expect(body.items[1]!.errors![0]!.path).toBe('input.recipients[0].email');
  const { status: ended, result } = await stack.client.result(body.batch!.workflowId, { waitSeconds: 60 });
  expect([ended, result]).toMatchObject(['completed', { runs: 3, accepted: 3, replayed: 0, conflict: 0 }]);
  await stack.client.result(body.items[5]!.workflowId!, { waitSeconds: 60 });
  expect(arrived('b0@example.com') + arrived('b5@example.com')).toBe(2);
  expect((await api.get(`/v1/runs/${body.items[3]!.workflowId}`)).body.status).toBe('scheduled');
  expect((await api.get(`/v1/runs/${body.items[0]!.workflowId}`)).body.tags).toEqual(['batched']);
  expect(await itemsOf(body.batch!.links.self)).toMatchObject([
    { index: 0, outcome: 'accepted', workflowId: body.items[0]!.workflowId },
    { index: 3, outcome: 'accepted' },
    { index: 5, outcome: 'accepted' },
  ]);
});

test('if every item is refused there is no batch; a body that is none is 422', async () => {
  expect(await send([mailTo('x'), {}])).toMatchObject({ status: 200, body: { batch: null } });
  for (const runs of [[], 'text', undefined, [1], Array(1_001).fill(mailTo('a@example.com'))]) {
    expect((await send(runs)).status).toBe(422);
  }
});

test('keys: the same batch again is a replay; single keys are replayed or conflict, wherever they were sent before', async () => {
  const single = await api.post('/v1/jobs/email-campaign', mailTo('k0@example.com'), { 'Idempotency-Key': 'k-0' });
  const runs = [
    mailTo('k0@example.com', { idempotencyKey: 'k-0' }),
    mailTo('other@example.com', { idempotencyKey: 'k-0' }),
    mailTo('k1@example.com', { idempotencyKey: 'k-1' }),
    mailTo('k1@example.com', { idempotencyKey: 'k-1' }),
    mailTo('k2@example.com'),
  ];
  const first = await send(runs, { 'Idempotency-Key': 'the-batch' });
  const again = await send(runs, { 'Idempotency-Key': 'the-batch' });
  expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 200, 'true']);
  expect(again.body.items).toEqual(first.body.items);
  expect(first.body.items[0]!.workflowId).toBe(single.body.workflowId);
  expect((await send(runs.slice(1), { 'Idempotency-Key': 'the-batch' })).status).toBe(422);

  const { result } = await stack.client.result(first.body.batch!.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ runs: 5, accepted: 2, replayed: 2, conflict: 1 });
  const items = await itemsOf(first.body.batch!.links.self);
  const outcomes = items.map(({ outcome }) => outcome);
  expect([outcomes[0], outcomes[1], outcomes[4]]).toEqual(['replayed', 'conflict', 'accepted']);
  expect(outcomes.slice(2, 4).sort()).toEqual(['accepted', 'replayed']); // of two alike, whichever was first
  await stack.client.result(first.body.items[4]!.workflowId!, { waitSeconds: 60 });
  await until('all arrived', () => arrived('k2@example.com') === 1);
  expect([arrived('k0@example.com'), arrived('k1@example.com'), arrived('other@example.com')]).toEqual([1, 1, 0]);
});

test('a thousand are accepted at once; until they are started they are scheduled, and can be cancelled', async () => {
  await using other = await startStack({ workers: 0 });
  const there = caller(other);
  const runs = Array.from({ length: 1_000 }, (_, n) => mailTo(`t${n}@example.com`, n < 500 ? { tags: ['half'] } : {}));
  const { status, body } = await send(runs, {}, there);
  expect(status).toBe(202);
  expect(body.items.every(({ outcome }) => outcome === 'accepted')).toBe(true);
  const last = `/v1/runs/${body.items[999]!.workflowId}`;
  expect((await there.get(last)).body).toMatchObject({ status: 'scheduled', type: 'email-campaign' });
  expect((await there.get(`${last}/why`)).body).toMatchObject({ why: expect.stringContaining('batch') });
  expect((await there.get(`${last}/result`)).status).toBe(202);
  expect(await there.post(`${last}/pause`)).toMatchObject({ status: 409, body: { code: 'run-not-started' } });
  const cancelled = await there.post(`${last}/cancel`, { by: 'ada@ops' });
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled', acts: [{ act: 'cancel' }] } });
  expect((await there.get(`${last}/result?wait=1`)).body).toEqual({ status: 'cancelled' });

  const bulk = (await there.post('/v1/runs/cancel', { tag: 'half', by: 'ada@ops' })).body;
  expect(bulk).toMatchObject({ count: 500, notStarted: 500 });
  const half = await there.get(`/v1/runs/${body.items[499]!.workflowId}`);
  expect(half.body).toMatchObject({ status: 'cancelled', acts: [{ act: 'cancel', by: 'ada@ops' }] });
  expect((await there.get(`/v1/runs/${body.items[500]!.workflowId}`)).body.status).toBe('scheduled');

  await there.post(`${body.batch!.links.self}/cancel`);
  await other.startWorker();
  await other.client.result(body.batch!.workflowId, { waitSeconds: 60 });
  expect((await there.get(`/v1/runs/${body.items[998]!.workflowId}`)).body.status).toBe('cancelled');
});

test('a worker killed in the middle of a batch: each run is started once, and the batch’s progress is seen', async () => {
  await using other = await startStack({ workers: 1 });
  const there = caller(other);
  const { body } = await send(
    Array.from({ length: 150 }, (_, n) => mailTo(`t${n}@example.com`)),
    {},
    there,
  );
  await there.post(`/v1/runs/${body.items[149]!.workflowId}/cancel`);
  await until('some are started', () => other.mailbox.deliveries.length > 20, { withinMs: 60_000 });
  await other.kill('worker-1');
  await other.startWorker();
  const progress = async () => (await there.get(body.batch!.links.self)).body.progress;
  await until('its progress is seen', async () => ((await progress())?.done ?? 0) > 0, { withinMs: 60_000 });
  const { result } = await other.client.result(body.batch!.workflowId, { waitSeconds: 120 });
  expect(result).toMatchObject({ runs: 150, replayed: 0, conflict: 0, failed: 0 });
  for (const { workflowId } of body.items) await other.client.result(workflowId!, { waitSeconds: 60 });
  const addresses = new Set(other.mailbox.deliveries.map(({ to }) => to));
  expect(addresses.size).toBeGreaterThanOrEqual(149);
});

test('open runs are cancelled by filter; a dry run only counts', async () => {
  const tag = 'to-cancel';
  const { body } = await send(
    Array.from({ length: 5 }, (_, n) => mailTo(`x${n}@example.com`, { delay: '1h', tags: [tag] })),
  );
  await stack.client.result(body.batch!.workflowId, { waitSeconds: 60 });
  const cancel = async (more: object) =>
    (await api.post('/v1/runs/cancel', { tag, ...more })).body as unknown as {
      count: number;
      bulk?: { workflowId: string };
    };
  await until('all are listed', async () => (await cancel({ dryRun: true })).count === 5);
  expect((await api.post('/v1/runs/cancel', {})).status).toBe(422);
  expect((await api.post('/v1/runs/cancel', { tag, status: 'completed' })).status).toBe(422);
  expect((await cancel({ dryRun: true, before: '2020-01-01T00:00:00Z' })).count).toBe(0);

  const { bulk } = await cancel({ by: 'ada@ops', reason: 'wrong list' });
  const { result } = await stack.client.result(bulk!.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ runs: 5, done: 5, refused: 0 });
  for (const { workflowId } of body.items) {
    expect((await stack.client.result(workflowId!, { waitSeconds: 20 })).status).toBe('cancelled');
    expect((await api.get(`/v1/runs/${workflowId}`)).body.acts).toMatchObject([
      { act: 'cancel', by: 'ada@ops', reason: 'wrong list' },
    ]);
  }
});

test('what has priority 1 overtakes what waits with 5', async () => {
  await using other = await startStack({ workers: 0, env: { WORKER_CONCURRENCY: '4' }, mail: { delayMs: 50 } });
  const there = caller(other);
  const start = async (name: string, priority: number) =>
    (await there.post('/v1/jobs/email-campaign', mailTo(`${name}@example.com`, { priority }))).body.workflowId;
  const low = await Promise.all(Array.from({ length: 60 }, (_, n) => start(`low${n}`, 5)));
  const high = await Promise.all(Array.from({ length: 10 }, (_, n) => start(`high${n}`, 1)));
  await other.startWorker();
  await Promise.all([...low, ...high].map((id) => other.client.result(id, { waitSeconds: 60 })));
  const order = other.mailbox.deliveries.map(({ to }) => to);
  const meanPlace = (kind: string) => {
    const places = order.flatMap((to, at) => (to.startsWith(kind) ? [at] : []));
    return places.reduce((sum, at) => sum + at, 0) / places.length;
  };
  expect(meanPlace('high')).toBeLessThan(meanPlace('low') / 2);
});

test('campaignOf is what a batch takes too', async () => {
  const { body } = await send([{ input: campaignOf(30) }]);
  const { result } = await stack.client.result(body.items[0]!.workflowId!, { waitSeconds: 60 });
  expect(result).toMatchObject({ recipients: 30, sent: 30 });
});
