import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { campaign, startApi, type TestApi } from './api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** What the server sends back to these bytes until it closes. */
const raw = (bytes: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.on('data', (data) => (answer += data.toString()));
    socket.once('close', () => resolve(answer)).once('error', reject);
    socket.write(bytes);
  });

test.each([
  ['GET', '/nope', 404],
  ['GET', '/v1', 404],
  ['GET', '/v1/jobs', 404],
  ['POST', '/v1/jobs/email-campaign/batches', 404],
  ['GET', '/V1/runs', 404],
  ['GET', '/v1/runs/%zz', 400],
])('%s %s is a problem with status %i', async (method, path, status) => {
  const answer = await api.call(path, { method });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
  expect(schemas.problem.parse(answer.body)).toMatchObject({ status, type: 'about:blank' });
});

test.each([
  ['PUT', '/v1/jobs/email-campaign', 'POST'],
  ['GET', '/v1/jobs/email-campaign', 'POST'],
  ['DELETE', '/v1/runs/x', 'GET, HEAD'],
  ['POST', '/v1/runs', 'GET, HEAD'],
  ['PATCH', '/healthz', 'GET, HEAD'],
])('%s %s is 405 and says what is possible', async (method, path, allow) => {
  const answer = await api.call(path, { method });
  expect(answer).toMatchObject({ status: 405, body: { code: 'method-not-allowed' } });
  expect(answer.headers.get('Allow')).toBe(allow);
});

test('nothing tells what the server is made of, and nothing may be sniffed', async () => {
  for (const path of ['/healthz', '/nope', '/v1/job-types']) {
    const { headers } = await api.call(path);
    expect(headers.get('X-Powered-By')).toBeNull();
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
  }
});

test('what is no HTTP, or has too many headers, is a problem too', async () => {
  expect(await raw('rubbish\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*"code":"bad-request"/);
  expect(await raw(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 [^]*"code":"headers-too-large"/,
  );
  expect(
    await raw('GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 400 /);
});

test('a doubled Idempotency-Key is refused', async () => {
  const body = JSON.stringify(campaign(1));
  const answer = await raw(
    `POST /v1/jobs/email-campaign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: a\r\n` +
      `Idempotency-Key: b\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(answer).toMatch(/^HTTP\/1.1 422 /);
});

test('a refusal reaches a client that is still sending', async () => {
  const answer = await api.call('/v1/jobs/nope', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: 'x'.repeat(30 * 1024 * 1024),
  });
  expect(answer).toMatchObject({ status: 404, body: { code: 'job-type-not-found' } });
});

test('job types tell what may be asked for, with every number', async () => {
  const { status, body } = await api.call('/v1/job-types');
  expect(status).toBe(200);
  const { jobTypes } = schemas.jobTypeList.parse(body);
  expect(jobTypes.map(({ type }) => type)).toEqual(expect.arrayContaining(['email-campaign', 'file-pipeline']));
  expect(jobTypes[0]).toMatchObject({
    type: 'email-campaign',
    taskQueue: 'email',
    input: { type: 'object', required: ['template', 'recipients'] },
    steps: { sendSlice: { startToClose: '10m', scheduleToClose: '36h', heartbeat: '10s', retry: { name: 'outage' } } },
  });
  expect((await api.call('/v1/job-types/file-pipeline')).body).toMatchObject({ type: 'file-pipeline' });
  expect((await api.call('/v1/job-types/nope')).status).toBe(404);
});

test('health and readiness are told', async () => {
  expect(await api.call('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(await api.call('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
});
