/** Live progress over server-sent events. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { openEvents, type LiveRun } from '../support/event-stream.js';
import { grpcProxy, type GrpcProxy } from '../support/grpc-proxy.js';
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
