/** Temporal or the ledger away: refused in time, with nothing started and nothing lost. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import { LedgerUnavailable } from '../../storage/ledger.js';
import { until } from '../support/until.js';
import { campaign, startApi, type Answer, type TestApi } from './api.js';

let ports: { port: number; uiPort: number };
let server: ChildProcess | undefined;
let api: TestApi;

function startTemporal(databaseFile?: string): void {
  server = spawn(inject('temporal').cli, temporalArgs(ports, 'default', databaseFile), { stdio: 'ignore' });
}

async function stopTemporal(): Promise<void> {
  if (server === undefined) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
  server = undefined;
}

const isReady = async () => (await api.call('/readyz')).status === 200;

beforeEach(async () => {
  ports = { port: await freePort('127.0.0.1'), uiPort: await freePort('127.0.0.1') };
  api = await startApi({ address: `127.0.0.1:${ports.port}` });
});

afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await stopTemporal();
});

const start = (headers?: Record<string, string>) => api.post('/v1/jobs/email-campaign', campaign(2), headers);

async function timed(asking: Promise<Answer>): Promise<Answer & { ms: number }> {
  const startedAt = Date.now();
  return { ...(await asking), ms: Date.now() - startedAt };
}

function expectAway(answer: Answer & { ms: number }): void {
  expect(answer).toMatchObject({ status: 503, body: { status: 503 } });
  expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
  expect(answer.ms).toBeLessThan(5_000);
}

const calls = () =>
  Promise.all(
    [
      start(),
      api.call('/v1/runs/email-campaign:x'),
      api.call('/v1/runs/email-campaign:x/result'),
      api.call('/v1/runs/email-campaign:x/result?wait=30'),
      api.call('/v1/runs/email-campaign:x/failures'),
      api.call('/v1/runs/email-campaign:x/cancel', { method: 'POST' }),
      api.call('/v1/runs'),
    ].map(timed),
  );

test('the API starts before Temporal does, refuses in time, and takes jobs once Temporal is there', async () => {
  for (const answer of await calls()) expectAway(answer);
  expect((await api.call('/healthz')).status).toBe(200);
  const ready = await timed(api.call('/readyz'));
  expectAway(ready);
  expect(ready.ms).toBeLessThan(2_500);
  expect(ready.body.detail).toContain('Temporal');

  startTemporal();
  await until('it is ready', isReady);
  expect((await start()).status).toBe(202);
});

test('a frozen Temporal: refused in time, and the key starts one run in the end', async () => {
  startTemporal();
  await until('it is ready', isReady);
  server!.kill('SIGSTOP');

  for (const answer of await calls()) expectAway(answer);
  const unkeyed = await timed(start());
  expectAway(unkeyed);
  expect(unkeyed.body.detail).toMatch(/may have started: see GET \/v1\/runs\/email-campaign:/);
  const keyed = await timed(start({ 'Idempotency-Key': 'frozen' }));
  expectAway(keyed);
  expect(keyed.body.detail).toContain('send it again with the same Idempotency-Key');

  server!.kill('SIGCONT');
  await until('it is ready', isReady);
  const again = await start({ 'Idempotency-Key': 'frozen' });
  expect([200, 202]).toContain(again.status);
  expect((await start({ 'Idempotency-Key': 'frozen' })).body.workflowId).toBe(again.body.workflowId);
});

test('a Temporal that was killed and came back is found again within seconds, with every run it had', async () => {
  const databaseFile = join(api.dataDir, 'temporal.sqlite');
  startTemporal(databaseFile);
  await until('it is ready', isReady);
  const { body: run } = await start();
  await stopTemporal();
  expectAway(await timed(start()));

  startTemporal(databaseFile);
  await until('jobs are taken again', async () => (await start()).status === 202, { withinMs: 5_000 });
  expect(await api.call(run.links.self)).toMatchObject({ status: 200, body: { runId: run.runId } });
});

describe('the ledger away', () => {
  test('failures and readiness are refused with what is away; runs are still told of', async () => {
    const broken = async (): Promise<never> => {
      throw new LedgerUnavailable(new Error('database is locked'));
    };
    await using other = await startApi({
      ledger: (real) => ({ ...real, failures: broken, check: broken, file: broken, saveFile: broken }),
    });
    const { body: run } = await other.post('/v1/jobs/email-campaign', campaign(1));
    expect((await other.call(run.links.self)).status).toBe(200);
    expect(await other.call(`${run.links.self}/failures`)).toMatchObject({
      status: 503,
      body: { code: 'ledger-unavailable' },
    });
    expect(await other.call('/v1/files', { method: 'POST', body: 'x' })).toMatchObject({ status: 503 });
    const ready = await other.call('/readyz');
    expect(ready).toMatchObject({ status: 503, body: { code: 'not-ready' } });
    expect(ready.body.detail).toContain('the ledger');
    expect(ready.body.detail).not.toContain('Temporal');
  });
});
