/** Live progress over a WebSocket on the same URL, and what happens to other upgrades. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { openEvents } from '../support/event-stream.js';
import { startStack } from '../support/stack.js';
import { campaignOf } from '../support/campaigns.js';
import { until } from '../support/until.js';
import { campaign, startApi, type TestApi } from './api.js';
import type { Lead } from './live-workflows.js';

let api: TestApi;
let connection: NativeConnection;
let worker: Worker;
let working: Promise<void>;

beforeAll(async () => {
  api = await startApi({ live: { heartbeatMs: 200 } });
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
});

let runs = 0;

async function started() {
  const workflowId = `file-pipeline:socket-${++runs}`;
  await api.client.workflow.start('file-pipeline', { workflowId, taskQueue: 'live', args: [] });
  const handle = api.client.workflow.getHandle(workflowId);
  return { path: `/v1/runs/${workflowId}/events`, lead: (lead: Lead) => handle.signal('lead', lead) };
}

interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly status: string; readonly progress: { readonly done: number } | null };
}

/** Opens one, or tells the answer that came instead. */
async function opened(url: string, options: ClientOptions = {}) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), options);
  const messages: Message[] = [];
  let pings = 0;
  let closedWith: number | undefined;
  let answer: { status: number; type: string; body: { code?: string } } | undefined;
  socket.on('message', (data: Buffer) => void messages.push(JSON.parse(data.toString()) as Message));
  socket.on('ping', () => void pings++);
  socket.on('close', (code) => (closedWith = code));
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => {
      const type = String(response.headers['content-type']);
      answer = { status: response.statusCode!, type, body: JSON.parse(text) as { code?: string } };
    });
  });
  await until(
    'it is open or refused',
    () => socket.readyState === WebSocket.OPEN || answer !== undefined || closedWith !== undefined,
  );
  return {
    socket,
    messages,
    answer,
    pings: () => pings,
    closed: async () => {
      await until('it is closed', () => closedWith !== undefined);
      return closedWith;
    },
  };
}

test('the messages are the same as those of the event stream, and the end closes with 1000', async () => {
  const run = await started();
  const [socket, stream] = [await opened(api.url + run.path), await openEvents(api.url + run.path)];
  for (const done of [1, 2]) {
    await run.lead({ done });
    await until(`${done} done`, () => socket.messages.at(-1)?.data.progress?.done === done);
  }
  await run.lead({ then: 'complete' });
  await stream.closed();
  expect(await socket.closed()).toBe(1000);
  expect(socket.messages).toEqual(
    stream.events.map(({ id, event, data }) => ({ id, event, data: JSON.parse(data) as unknown })),
  );
  expect(socket.messages.map(({ event }) => event)).toEqual(['run', 'run', 'run', 'end']);

  const back = await opened(`${api.url}${run.path}?lastEventId=${socket.messages[1]!.id}`);
  expect(await back.closed()).toBe(1000);
  expect(back.messages).toEqual(socket.messages.slice(2));
  const again = await opened(`${api.url}${run.path}?lastEventId=${socket.messages[3]!.id}`);
  expect(await again.closed()).toBe(1000);
  expect(again.messages).toEqual([]);
});

test('what is refused over HTTP is refused in the same words before the upgrade', async () => {
  const run = await started();
  const refusedAs = async (url: string, options?: ClientOptions) => (await opened(url, options)).answer;
  const type = expect.stringContaining('application/problem+json') as string;
  expect(await refusedAs(`${api.url}/v1/runs/file-pipeline:none/events`)).toMatchObject({
    status: 404,
    type,
    body: { code: 'run-not-found' },
  });
  expect(await refusedAs(`${api.url}${run.path}?since=1`)).toMatchObject({
    status: 422,
    type,
    body: { code: 'invalid-request' },
  });
  expect(await refusedAs(api.url + run.path, { origin: 'https://evil.example' })).toMatchObject({
    status: 403,
    type,
    body: { code: 'forbidden-origin' },
  });
  expect(await refusedAs(api.url + run.path, { headers: { Host: 'evil.example' } })).toMatchObject({
    status: 403,
    body: { code: 'forbidden-host' },
  });
  expect(await refusedAs(`${api.url}/v1/runs`)).toMatchObject({ status: 404, type, body: { code: 'not-found' } });

  const key = 'a-key-of-sixteen-or-more';
  await using locked = await startApi({ namespace: api.namespace, apiKeys: [key] });
  expect(await refusedAs(locked.url + run.path)).toMatchObject({ status: 401, type, body: { code: 'unauthorized' } });
  const welcome = await opened(locked.url + run.path, { headers: { Authorization: `Bearer ${key}` } });
  await until('the run', () => welcome.messages.length === 1);
  welcome.socket.terminate();
});

test('what a client sends is ignored, and too much of it ends the connection', async () => {
  const run = await started();
  const { socket, messages, closed } = await opened(api.url + run.path);
  socket.send('hello');
  await run.lead({ done: 1 });
  await until('the change', () => messages.at(-1)?.data.progress?.done === 1);
  socket.send('x'.repeat(5_000));
  await closed();
});

test('pings keep it alive, and whoever answers none is dropped', async () => {
  const run = await started();
  const alive = await opened(api.url + run.path);
  const deaf = await opened(api.url + run.path, { autoPong: false });
  await deaf.closed();
  await until('several pings', () => alive.pings() >= 4);
  expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  alive.socket.terminate();
});

test('a broken handshake is 400', async () => {
  const run = await started();
  const { hostname, port } = new URL(api.url);
  expect(
    await raw(
      Number(port),
      hostname,
      `GET ${run.path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ),
  ).toMatch(/^HTTP\/1\.1 400 [^]*"code":"bad-request"/);
});

test('a client that offers HTTP/2 by an upgrade is answered as if it had not, bodies included', async () => {
  const { hostname, port } = new URL(api.url);
  const body = JSON.stringify(campaign(1));
  const answer = await raw(
    Number(port),
    hostname,
    `POST /v1/jobs/email-campaign HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 202 [^]*HTTP\/1\.1 200 /);
});

async function raw(port: number, host: string, text: string): Promise<string> {
  const socket = connect({ port, host });
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

test('on SIGTERM it is closed with 1001, and a silent client does not hold the process', async () => {
  await using stack = await startStack({ workers: 0 });
  const { run } = await stack.start('email-campaign', campaignOf(1));
  const polite = await opened(stack.url + run.links.events);
  const silent = await opened(stack.url + run.links.events);
  await until('both have the run', () => polite.messages.length === 1 && silent.messages.length === 1);
  silent.socket.pause();
  const ended = stack.stop('api-1');
  expect(await polite.closed()).toBe(1001);
  expect(await ended).toEqual({ code: 0, signal: null });
  silent.socket.terminate();
});
