/** How long an Idempotency-Key lives, and what the ledger keeps of a run: as long as Temporal has it, RETENTION after its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import { caller } from '../support/caller.js';
import { startStack, type TestStack } from '../support/stack.js';
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

/** How many rows the ledger has of these subjects, by table. */
function tracesOf(stack: TestStack, ids: readonly string[]): Record<string, number> {
  const db = new Database(join(stack.dataDir, 'ledger.sqlite'), { readonly: true });
  try {
    const tables = ['receipts', 'holders', 'dead_letters', 'pending_runs'].map((table) => [table, 'workflow_id']);
    return Object.fromEntries(
      [...tables, ['acts', 'subject']].map(([table, column]) => {
        const count = db.prepare(
          `SELECT count(*) AS n FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`,
        );
        return [table!, (count.all(JSON.stringify(ids))[0] as { n: number }).n];
      }),
    );
  } finally {
    db.close();
  }
}

test('what the ledger keeps of runs goes after RETENTION, once Temporal has them no more; of an open run nothing goes, however old', async () => {
  await using stack = await startStack({
    workers: 2, // both sweep
    env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}`, RETENTION: '4s', MAIL_RATE: '30' },
    mail: { atRecipient: (to) => (to.startsWith('bad') ? { code: 550, text: 'no such user' } : undefined) },
  });
  const api = caller(stack);
  const recipients = ['ada', 'bad', 'bob'].map((name) => ({ email: `${name}@example.com` }));
  const input = { template: 'welcome', recipients };

  // Open: paused after it has sent some, so it has receipts, a holder and an act.
  const many = Array.from({ length: 300 }, (_, n) => ({ email: `user${n}@example.com` }));
  const { body: open } = await api.post('/v1/jobs/email-campaign', {
    input: { template: 'welcome', recipients: many },
  });
  await until('it has sent something', () => tracesOf(stack, [open.workflowId])['receipts']! > 0);
  await api.post(`/v1/runs/${open.workflowId}/pause`, { by: 'ada@ops' });

  const { body: campaign } = await api.post('/v1/jobs/email-campaign', { input });
  const { body: batch } = await api.post('/v1/jobs/email-campaign/batch', { runs: [{ input }, { input }] });
  const started = batch as unknown as { batch: { workflowId: string }; items: { workflowId: string }[] };
  const ended = [campaign, started.batch, ...started.items].map(({ workflowId }) => workflowId);
  for (const id of ended) await stack.client.result(id, { waitSeconds: 60 });
  await api.post('/v1/dead-letters/discard', { workflowId: campaign.workflowId, index: 1, by: 'ada', reason: 'known' });
  const kept = tracesOf(stack, ended);
  expect(Object.entries(kept).filter(([, rows]) => rows === 0)).toEqual([]);

  const isGone = async () =>
    (await Promise.all(ended.map((id) => api.get(`/v1/runs/${id}`)))).every(({ status }) => status === 404);
  await until('the runs are gone', isGone, { withinMs: 60_000 });
  const none = { receipts: 0, holders: 0, dead_letters: 0, pending_runs: 0, acts: 0 };
  await until(
    'the ledger has forgotten them',
    () => Object.values(tracesOf(stack, ended)).every((rows) => rows === 0),
    { withinMs: 30_000 },
  );
  expect(tracesOf(stack, ended)).toEqual(none);

  // By now the open run's are as old.
  expect(tracesOf(stack, [open.workflowId])['acts']).toBe(1);
  expect(tracesOf(stack, [open.workflowId])['receipts']).toBeGreaterThan(0);
  await api.post(`/v1/runs/${open.workflowId}/resume`, {});
  const { result } = await stack.client.result(open.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ sent: 300 });
  expect(new Set(stack.mailbox.deliveries.map(({ to }) => to)).size).toBe(302);
  expect(stack.mailbox.deliveries.filter(({ to }) => to.startsWith('user'))).toHaveLength(300);
});
