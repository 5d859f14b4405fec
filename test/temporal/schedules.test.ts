/** Schedules when much goes on at once, and when Temporal is away. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import type { Schedule } from '../../client/index.js';
import { startApi, type TestApi } from '../api/api.js';
import { startStack } from '../support/stack.js';
import { until } from '../support/until.js';

const input = { template: 'welcome', recipients: [{ email: 'ada@example.com' }] } as const;

test('two APIs, one worker: every firing has its own second and one run, and every run one mail', async () => {
  await using stack = await startStack({ apis: 2 });
  const clients = ['api-1', 'api-2'].map((name) => stack.clientOf(name));
  const body = { type: 'email-campaign', input, interval: '1s', overlap: 'allowAll', endAfter: 6 } as const;
  await Promise.all([...clients, ...clients].map((client) => client.schedules.put('each-second', body)));
  const seen = () => clients[0]!.schedules.get('each-second');
  await until('all have fired', async () => (await seen()).remaining === 0);
  await until('all are told of', async () => (await seen()).recent.length === 6);

  const { taken, recent, missed, skipped } = await seen();
  expect({ taken, missed, skipped }).toEqual({ taken: 6, missed: 0, skipped: 0 });
  const seconds = recent.map(({ nominalTime }) => Date.parse(nominalTime) / 1_000);
  expect(seconds).toEqual(seconds.map((_, index) => seconds[0]! - index)); // the latest first, none twice, none left out
  expect(recent.map(({ workflowId }) => workflowId)).toEqual(
    recent.map(({ nominalTime }) => `email-campaign:each-second-${nominalTime.replace('.000Z', 'Z')}`),
  );
  expect(recent.map(({ startedAt, nominalTime }) => startedAt < nominalTime)).not.toContain(true);
  for (const { workflowId } of recent) {
    expect((await clients[1]!.result(workflowId)).result).toMatchObject({ sent: 1 });
  }
  expect(stack.mailbox.size).toBe(6);
});

interface OwnTemporal extends AsyncDisposable {
  readonly api: TestApi;
  readonly server: () => ChildProcess;
  start(): Promise<void>;
  kill(): Promise<void>;
}

async function ownTemporal(): Promise<OwnTemporal> {
  const ports = { port: await freePort('127.0.0.1'), uiPort: await freePort('127.0.0.1') };
  const api = await startApi({ address: `127.0.0.1:${ports.port}` });
  let server: ChildProcess | undefined;
  async function kill() {
    if (server === undefined) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    server = undefined;
  }
  return {
    api,
    server: () => server!,
    kill,
    async start() {
      const file = join(api.dataDir, 'temporal.sqlite');
      server = spawn(inject('temporal').cli, temporalArgs(ports, 'default', file), { stdio: 'ignore' });
      await until('it is ready', async () => (await api.call('/readyz')).status === 200);
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await kill();
    },
  };
}

const sending = (body: unknown, method = 'POST') => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

test('firings that an outage held up start when it ends, those later than the catch-up window are counted as missed', async () => {
  await using own = await ownTemporal();
  await own.start();
  const { api } = own;
  const often = { type: 'email-campaign', input, interval: '2s', overlap: 'allowAll' };
  for (const [id, catchUpWindow] of Object.entries({ short: '10s', long: '10m' })) {
    expect((await api.call(`/v1/schedules/${id}`, sending({ ...often, catchUpWindow }, 'PUT'))).status).toBe(201);
  }
  const get = async (id: string) => (await api.call(`/v1/schedules/${id}`)).body as unknown as Schedule;
  await until('both have fired', async () => (await get('short')).taken > 0 && (await get('long')).taken > 0);

  await own.kill();
  const awayAt = Date.now();
  await until('more than the window has passed', () => Date.now() > awayAt + 17_000);
  await own.start();
  const backAt = Date.now();

  await until(
    'the short one has fired again',
    async () => Date.parse((await get('short')).recent[0]!.nominalTime) > backAt,
  );
  await until(
    'the long one has fired again',
    async () => Date.parse((await get('long')).recent[0]!.nominalTime) > backAt,
  );
  const [short, long] = [await get('short'), await get('long')];
  expect(short.missed).toBeGreaterThanOrEqual(2);
  expect(short.missed).toBeLessThanOrEqual(6);
  expect(long.missed).toBe(0);
  expect(long.taken).toBeGreaterThanOrEqual(short.taken + short.missed - 1);
  const late = long.recent.filter(
    ({ nominalTime, startedAt }) => Date.parse(startedAt) - Date.parse(nominalTime) > 3_000,
  );
  expect(late.length).toBeGreaterThan(0);
});

test('Temporal frozen or gone: every call is refused in time, and a PUT sent again makes one schedule', async () => {
  await using own = await ownTemporal();
  const { api } = own;
  const nightly = { type: 'email-campaign', input, cron: '30 4 * * *' };
  const calls = () =>
    Promise.all(
      [
        api.call('/v1/schedules', sending(nightly)),
        api.call('/v1/schedules/nightly', sending(nightly, 'PUT')),
        api.call('/v1/schedules/nightly?dryRun=true', sending(nightly, 'PUT')),
        api.call('/v1/schedules'),
        api.call('/v1/schedules/nightly'),
        api.call('/v1/schedules/nightly/next'),
        api.call('/v1/schedules/next', sending({ cron: '0 1 * * *' })),
        api.call('/v1/schedules/nightly', { method: 'DELETE' }),
        ...['pause', 'resume', 'trigger'].map((act) => api.call(`/v1/schedules/nightly/${act}`, { method: 'POST' })),
        api.call(
          '/v1/schedules/nightly/backfill',
          sending({ from: '2026-07-01T00:00:00Z', to: '2026-07-02T00:00:00Z' }),
        ),
      ].map(async (asking) => {
        const startedAt = Date.now();
        const { status, body, headers } = await asking;
        expect({ status, code: body.code, retry: headers.get('Retry-After') }).toEqual({
          ...{ status: 503, code: 'temporal-unavailable', retry: expect.stringMatching(/^\d+$/) },
        });
        expect(Date.now() - startedAt).toBeLessThan(5_000);
      }),
    );

  await calls(); // not there yet
  await own.start();
  own.server().kill('SIGSTOP');
  await calls();
  own.server().kill('SIGCONT');
  await until('it is ready', async () => (await api.call('/readyz')).status === 200);
  const again = await api.call('/v1/schedules/nightly', sending(nightly, 'PUT'));
  expect([200, 201]).toContain(again.status);
  await own.kill();
  await calls();
});
