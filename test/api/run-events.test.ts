/** Live progress over server-sent events. */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { campaignOf } from '../support/campaigns.js';
import { openEvents, type LiveRun } from '../support/event-stream.js';
import { grpcProxy, type GrpcProxy } from '../../bench/grpc-proxy.js';
import { startStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { startApi, type TestApi } from './api.js';
import type { Lead } from './live-workflows.js';

let proxy: GrpcProxy;
let api: TestApi;
let connection: NativeConnection;
let worker: Worker;
let working: Promise<void>;

beforeAll(async () => {
  proxy = await grpcProxy(inject('temporal').address);
  api = await startApi({ address: proxy.address, live: { heartbeatMs: 200 } });
  await until('the API is ready', async () => (await api.call('/readyz')).status === 200);
  connection = await NativeConnection.connect({ address: inject('temporal').address });
  worker = await Worker.create({
    connection,
    namespace: api.namespace,
    taskQueue: 'live',
    workflowsPath: fileURLToPath(new URL('./live-workflows.ts', import.meta.url)),
  });
  working = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await working;
  await connection.close();
  await api[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

let runs = 0;

async function started({ taskQueue = 'live' } = {}) {
  const workflowId = `file-pipeline:live-${++runs}`;
  const start = () =>
    api.client.workflow.start('file-pipeline', {
      workflowId,
      taskQueue,
      args: [],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
  await start();
  return {
    start,
    path: `/v1/runs/${workflowId}`,
    events: `${api.url}/v1/runs/${workflowId}/events`,
    eventsAt: (other: TestApi) => `${other.url}/v1/runs/${workflowId}/events`,
    lead: (lead: Lead) => api.client.workflow.getHandle(workflowId).signal('lead', lead),
    handle: api.client.workflow.getHandle(workflowId),
  };
}

const last = (runs: LiveRun[]) => runs.at(-1);
const isDone = (done: number) => (runs: LiveRun[]) => last(runs)?.progress?.done === done;

test('each change is told, then one end, and the stream is closed', async () => {
  const run = await started();
  const stream = await openEvents(run.events);
  expect(stream.status).toBe(200);
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  await stream.has('the run as it is', isDone(0));
  for (const done of [1, 2, 3]) {
    await run.lead({ done });
    await stream.has(`${done} done`, isDone(done));
  }
  await run.lead({ then: 'complete' });
  await stream.closed();

  expect(stream.events.map(({ event }) => event)).toEqual(['run', 'run', 'run', 'run', 'end']);
  expect(new Set(stream.events.map(({ id }) => id)).size).toBe(5);
  expect(stream.retries).toHaveLength(1);
  for (const { id, event, data } of stream.events) {
    schemas.runEvent.parse({ id, event, data: JSON.parse(data) as unknown });
    expect(data).not.toContain('\n');
  }
  expect(last(stream.runs)).toEqual((await api.call(run.path)).body);
});

test('a run that has ended is told once; who comes back after its end gets 204, and the next run of a redrive is told', async () => {
  const run = await started();
  await run.lead({ then: 'fail' });
  await expect(run.handle.result()).rejects.toThrow();

  const stream = await openEvents(run.events);
  await stream.closed();
  expect(stream.events).toMatchObject([{ event: 'end' }]);
  expect(stream.runs[0]).toMatchObject({ status: 'failed', error: { code: 'unsupported-file' } });

  const { id } = stream.events[0]!;
  expect((await openEvents(run.events, { 'Last-Event-ID': id })).status).toBe(204);
  expect((await openEvents(`${run.events}?lastEventId=${id}`)).status).toBe(204);

  await run.start();
  const next = await openEvents(run.events, { 'Last-Event-ID': id });
  await next.has('the next run', (runs) => last(runs)?.status === 'running');
  expect(next.runs[0]!.runId).not.toBe(stream.runs[0]!.runId);
  await run.lead({ then: 'complete' });
  await next.closed();
  expect(next.events.filter(({ event }) => event === 'end')).toHaveLength(1);
});

test('who comes back with the id of an event gets exactly what followed it', async () => {
  const run = await started();
  const steady = await openEvents(run.events);
  for (const done of [1, 2, 3, 4]) {
    await run.lead({ done });
    await steady.has(`${done} done`, isDone(done));
  }
  const from = steady.runs.findIndex(({ progress }) => progress?.done === 1);
  const back = await openEvents(run.events, { 'Last-Event-ID': steady.events[from]!.id });
  await run.lead({ done: 5, then: 'complete' });
  await Promise.all([steady.closed(), back.closed()]);
  expect(back.events.map(({ id }) => id)).toEqual(steady.events.slice(from + 1).map(({ id }) => id));
  const told = new Set(back.runs.map(({ progress }) => progress?.done)); // a slow worker's are told twice, once as stale
  expect([...told]).toEqual(expect.arrayContaining([2, 3, 4, 5]));
});

/** Waits until Temporal has not been asked for anything new for so long. */
async function unasked(ms: number): Promise<void> {
  let [quiet, since] = [new Map(proxy.calls), Date.now()];
  await until(`nothing is asked for ${ms} ms`, () => {
    if ([...proxy.calls].some(([name, count]) => count !== quiet.get(name)))
      [quiet, since] = [new Map(proxy.calls), Date.now()];
    return Date.now() - since > ms;
  });
}

test('a lone viewer that comes back at once misses nothing of what went on meanwhile', async () => {
  const run = await started();
  const first = await openEvents(run.events);
  await first.has('the run', isDone(0));
  first.leave();
  const witness = await openEvents(run.events); // leaves again: nobody watches while it goes on
  witness.leave();
  for (const done of [1, 2]) {
    await run.lead({ done });
    await until(`${done} done`, async () => (await api.call(run.path)).body.progress?.done === done);
    await unasked(300); // longer than between two looks
  }
  const back = await openEvents(run.events, { 'Last-Event-ID': first.events[0]!.id });
  await back.has('what went on', isDone(2));
  expect(back.runs.map(({ progress }) => progress?.done)).toEqual([1, 2]);
  await run.lead({ then: 'complete' });
  await back.closed();
});

test('a client that hops between API processes sees no state twice and never an older one', async () => {
  await using other = await startApi({ namespace: api.namespace });
  const run = await started();
  const watched = await openEvents(run.eventsAt(other)); // so that it has a past of its own
  const seen: { id: string; done: number }[] = [];
  for (let hop = 0; hop < 8; hop++) {
    const from = seen.at(-1);
    const stream = await openEvents(hop % 2 === 0 ? run.events : run.eventsAt(other), {
      ...(from && { 'Last-Event-ID': from.id }),
    });
    if (hop > 0) await run.lead({ done: hop });
    await stream.has(`${hop} done`, isDone(hop));
    stream.events.forEach(({ id }, at) => seen.push({ id, done: stream.runs[at]!.progress!.done }));
    stream.leave();
  }
  expect(seen.map(({ done }) => done)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);

  const still = await openEvents(run.eventsAt(other), { 'Last-Event-ID': seen.at(-1)!.id });
  await run.lead({ then: 'complete' });
  await Promise.all([still.closed(), watched.closed()]);
  expect(still.events.map(({ event }) => event)).toEqual(['end']);
});

test('what continues as new is one stream, and its progress goes on', async () => {
  const run = await started();
  const stream = await openEvents(run.events);
  await run.lead({ done: 4 });
  await stream.has('4 done', isDone(4));
  await run.lead({ then: 'continue' });
  await until('it is another run', async () => (await api.call(run.path)).body.runId !== stream.runs[0]!.runId);
  await run.lead({ done: 5 });
  await stream.has('5 done', isDone(5));
  await run.lead({ then: 'complete' });
  await stream.closed();
  expect(stream.runs.at(-1)!.runId).not.toBe(stream.runs[0]!.runId);
  expect(stream.runs.map(({ status }) => status)).toEqual(['running', 'running', 'running', 'completed']);
});

test('100 viewers of a run cost Temporal what one does, and nothing once they have gone', async () => {
  const history = 'GetWorkflowExecutionHistory';
  const watching = [history, 'DescribeWorkflowExecution'];
  await until('nobody else polls', () => (proxy.open.get(history) ?? 0) === 0);
  proxy.peak.clear();
  const run = await started();
  const one = await openEvents(run.events);
  await one.has('the run', isDone(0));
  await until('it is polled', () => proxy.open.get(history) === 1);
  const looksOf = async (done: number) => {
    const before = proxy.calls.get('DescribeWorkflowExecution')!;
    await run.lead({ done });
    await one.has(`${done} done`, isDone(done));
    return proxy.calls.get('DescribeWorkflowExecution')! - before;
  };
  const alone = await looksOf(1);

  const before = proxy.calls.get('DescribeWorkflowExecution')!;
  const others = await Promise.all(Array.from({ length: 99 }, () => openEvents(run.events)));
  await Promise.all(others.map((stream) => stream.has('the run', isDone(1))));
  expect(proxy.calls.get('DescribeWorkflowExecution')! - before).toBeLessThanOrEqual(1); // the last look of the change
  expect(await looksOf(2)).toBeLessThanOrEqual(alone + 1);
  await Promise.all(others.map((stream) => stream.has('the change', isDone(2))));
  expect(proxy.peak.get(history)).toBe(1);

  for (const stream of [one, ...others]) stream.leave();
  await unasked(1_000); // else a poll that has just ended might be followed by another
  await until('nobody polls', () => (proxy.open.get(history) ?? 0) === 0);
  const quiet = new Map(proxy.calls);
  await run.lead({ done: 3 });
  await until('the run is 3 on', async () => (await run.handle.query<{ done: number }>('progress')).done === 3);
  for (const name of watching) expect(proxy.calls.get(name)).toBe(quiet.get(name));
});

test('50 who come at once to a run that nobody watches yet are all told, by two looks', async () => {
  const run = await started();
  const before = proxy.calls.get('DescribeWorkflowExecution')!;
  const streams = await Promise.all(Array.from({ length: 50 }, () => openEvents(run.events)));
  await Promise.all(streams.map((stream) => stream.has('the run', isDone(0))));
  expect(proxy.calls.get('DescribeWorkflowExecution')! - before).toBeLessThanOrEqual(4); // and those of the poll's beginning
  await run.lead({ then: 'complete' });
  await Promise.all(streams.map((stream) => stream.closed()));
  expect(streams.every(({ runs }) => last(runs)?.status === 'completed')).toBe(true);
});

test('a viewer that does not read is dropped with little kept for it, while others see all', async () => {
  const run = await started();
  const reader = await openEvents(run.events);
  const { hostname, port } = new URL(run.events);
  const sleeper = connect({ host: hostname, port: Number(port) });
  sleeper.on('error', () => undefined);
  sleeper.pause();
  sleeper.write(`GET ${run.path}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const heapBefore = process.memoryUsage().external;
  for (let done = 1; api.logged.every((line) => !line.includes('does not read')); done++) {
    await run.lead({ done, message: `${done} `.padEnd(400_000, 'x') });
    await reader.has(`${done} done`, isDone(done));
    expect(done).toBeLessThan(60);
  }
  expect(process.memoryUsage().external - heapBefore).toBeLessThan(50e6);
  await run.lead({ then: 'complete', message: '' });
  await reader.closed();
  expect(last(reader.runs)?.status).toBe('completed');
  sleeper.destroy();
});

test('without a worker a cancellation and a termination are seen all the same', async () => {
  const run = await started({ taskQueue: 'nobody' });
  const stream = await openEvents(run.events);
  await stream.has('the run', (runs) => last(runs)?.status === 'running');
  expect(last(stream.runs)).toMatchObject({ progress: null, stale: true });
  await run.handle.cancel();
  await stream.has('it is cancelling', (runs) => last(runs)?.status === 'cancelling');
  await run.handle.terminate('it was a mistake');
  await stream.closed();
  expect(stream.runs.map(({ status }) => status)).toEqual(['running', 'cancelling', 'terminated']);
  expect(last(stream.runs)).toMatchObject({ error: { code: 'terminated', message: 'it was a mistake' } });
});

test('a silent stream is kept alive by comments', async () => {
  const run = await started();
  const stream = await openEvents(run.events);
  await until('three comments', () => stream.comments.length >= 3);
  expect(stream.events).toHaveLength(1);
  stream.leave();
});

test('while Temporal is away viewers stay, a new one is refused with 503, and then all goes on', async () => {
  const run = await started();
  const stream = await openEvents(run.events);
  await stream.has('the run', isDone(0));
  proxy.cut();
  const refused = await until503(run.path);
  expect(refused).toMatchObject({ status: 503, body: { code: 'temporal-unavailable' } });
  expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(stream.isClosed).toBe(false);
  expect(stream.events).toHaveLength(1);

  proxy.mend();
  await until('Temporal is there', async () => (await api.call('/readyz')).status === 200);
  await run.lead({ done: 1 });
  await stream.has('1 done', isDone(1));
  await run.lead({ then: 'complete' });
  await stream.closed();
  expect(stream.runs.map(({ status, progress }) => [status, progress?.done])).toEqual([
    ['running', 0],
    ['running', 1],
    ['completed', 1],
  ]);
});

/** The first moments of an outage are not known yet: a stream opened then is one of those that stay. */
async function until503(path: string) {
  let answer;
  await until('a new viewer is refused', async () => {
    const stream = await openEvents(`${api.url}${path}/events`);
    stream.leave();
    if (stream.status !== 503) return false;
    answer = await api.call(`${path}/events`);
    return true;
  });
  return answer as unknown as Awaited<ReturnType<TestApi['call']>>;
}

test('what is no run is 404, what is no query 422, and HEAD answers without a body', async () => {
  expect(await api.call('/v1/runs/file-pipeline:none/events')).toMatchObject({
    status: 404,
    body: { code: 'run-not-found' },
  });
  const run = await started();
  expect((await api.call(`${run.path}/events?since=yesterday`)).status).toBe(422);
  const head = await api.call(`${run.path}/events`, { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: '' });
  const strange = await openEvents(run.events, { 'Last-Event-ID': 'of another server' });
  await strange.has('the run', isDone(0));
  strange.leave();
});

test('beyond the limit viewers are refused with 503 until others leave', async () => {
  await using small = await startApi({ namespace: api.namespace, live: { maxViewers: 2 } });
  const run = await started();
  const [first, second] = [await openEvents(run.eventsAt(small)), await openEvents(run.eventsAt(small))];
  expect(await small.call(`${run.path}/events`)).toMatchObject({ status: 503, body: { code: 'too-many-viewers' } });
  first.leave();
  await until('there is room again', async () => {
    const stream = await openEvents(run.eventsAt(small));
    stream.leave();
    return stream.status === 200;
  });
  second.leave();
});

test('on SIGTERM streams end at once, and go on at another API process', async () => {
  await using stack = await startStack({ workers: 0, apis: 2 });
  const { workflowId, run } = await stack.start('email-campaign', campaignOf(2));
  const stream = await openEvents(`${stack.url}${run.links.events}`);
  await stream.has('the run', (runs) => runs.length === 1);
  const order: string[] = [];
  const ended = stack.stop('api-1').finally(() => order.push('the process has ended'));
  await Promise.all([stream.closed().then(() => order.push('the stream is closed')), ended]);
  expect(order).toEqual(['the stream is closed', 'the process has ended']);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(stream.events.map(({ event }) => event)).toEqual(['run']);

  const other = await openEvents(`${stack.urlOf('api-2')}${run.links.events}`, {
    'Last-Event-ID': stream.events[0]!.id,
  });
  await stack.clientOf('api-2').cancel(workflowId);
  await other.has('what followed', (runs) => runs.length > 0);
  expect(other.runs[0]!.status).toBe('cancelling');
  other.leave();
});
