/** How long an Idempotency-Key lives: as long as Temporal keeps its run, RETENTION after its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import { caller } from '../support/caller.js';
import { startStack } from '../support/stack.js';
import { until } from '../support/until.js';

let server: ReturnType<typeof spawn>;
let port: number;

/** A server of its own: by its own default Temporal takes no retention under an hour. */
beforeAll(async () => {
  port = await freePort('127.0.0.1');
  const uiPort = await freePort('127.0.0.1');
  const settings = ['system.namespaceMinRetentionLocal="1s"', 'history.retentionTimerJitterDuration="1s"'];
  const args = [
    ...temporalArgs({ port, uiPort }, 'default', undefined),
    ...settings.flatMap((setting) => ['--dynamic-config-value', setting]),
  ];
  server = spawn(inject('temporal').cli, args, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${uiPort}/api/v1/namespaces/default`;
  await until('Temporal serves', async () => (await fetch(url)).ok);
});
afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
});

test('within RETENTION a key is a replay; after it the run is gone, and the key starts a new one that does all its work', async () => {
  await using stack = await startStack({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}`, RETENTION: '5s' } });
  const api = caller(stack);
  const start = () =>
    api.post(
      '/v1/jobs/email-campaign',
      { input: { template: 'welcome', recipients: [{ email: 'ada@example.com' }] } },
      { 'Idempotency-Key': 'signup-1' },
    );

  const first = await start();
  await stack.client.result(first.body.workflowId, { waitSeconds: 30 });
  expect([first.status, (await start()).status]).toEqual([202, 200]);
  expect(stack.mailbox.deliveries).toHaveLength(1);

  const isGone = async () => (await api.get(first.body.links.self)).status === 404;
  await until('the run is gone', isGone, { withinMs: 60_000 });
  const second = await start();
  expect([second.status, second.body.workflowId]).toEqual([202, first.body.workflowId]);
  const { result } = await stack.client.result(second.body.workflowId, { waitSeconds: 30 });
  expect(result).toMatchObject({ sent: 1 });
  expect(stack.mailbox.deliveries).toHaveLength(2);
});
