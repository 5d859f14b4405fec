/** Schedules as code: the real command against a real API process. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Longhaul } from '../../client/index.js';
import { plainEnv, repository } from '../support/process.js';
import { startStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';

const apiKey = 'a-key-of-sixteen-or-more';
let stack: TestStack;
let client: Longhaul;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longhaul-schedules-'));
  stack = await startStack({ workers: 0, env: { API_KEYS: apiKey } });
  ({ client } = stack);
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  const { schedules } = await client.schedules.list();
  for (const { id } of schedules) await client.schedules.delete(id);
  await until('nothing is listed', async () => (await client.schedules.list()).schedules.length === 0);
});

const input = { template: 'welcome', recipients: [{ email: 'ada@example.com' }] } as const;
const nightly = {
  id: 'nightly',
  type: 'email-campaign',
  input,
  cron: '30 4 * * *',
  timeZone: 'Europe/Berlin',
} as const;
const hourly = { id: 'hourly', type: 'email-campaign', input, interval: '1h' } as const;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** @param args before `--url` and `--file` */
function command(args: string[], declared?: readonly object[], env: Record<string, string> = {}): Promise<Ended> {
  const file = join(folder, `declared-${Math.random()}.mjs`);
  if (declared !== undefined) writeFileSync(file, `export const schedules = ${JSON.stringify(declared)};`);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(repository, 'dist/bin/schedules.js'), ...args, ...(declared === undefined ? [] : ['--file', file])],
      { env: { ...plainEnv(), API_KEYS: apiKey, PORT: new URL(stack.url).port, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('--check shows a line for each difference and exits 1; --apply makes it so; then nothing differs', async () => {
  await client.schedules.put('by-hand', { ...withoutId(hourly), note: 'mine' });

  expect(await command(['--check'], [nightly, hourly])).toEqual({
    code: 1,
    stdout: 'create nightly: email-campaign\ncreate hourly: email-campaign\n',
    stderr: '',
  });
  await expect(client.schedules.get('nightly')).rejects.toMatchObject({ status: 404 });
  expect(await command(['--apply'], [nightly, hourly])).toMatchObject({ code: 0, stderr: '' });
  expect(await command(['--check'], [nightly, hourly])).toEqual({
    code: 0,
    stdout: 'nothing differs: 2 declared\n',
    stderr: '',
  });
  const applied = await client.schedules.get('nightly');
  expect(applied).toMatchObject({ cron: '30 4 * * *', managedBy: 'schedules.ts' });

  await until('both are listed', async () => (await client.schedules.list()).schedules.length === 3);
  const changed = [{ ...nightly, cron: '30 5 * * *', overlap: 'bufferOne' }];
  const shown = await command(['--check'], changed);
  expect(shown).toEqual({
    code: 1,
    stdout: 'update nightly: cron, overlap\ndelete hourly: email-campaign\n',
    stderr: '',
  });
  expect((await command(['--apply'], changed)).stdout).toBe(shown.stdout);
  await expect(client.schedules.get('hourly')).rejects.toMatchObject({ status: 404 });
  expect(await client.schedules.get('nightly')).toMatchObject({ cron: '30 5 * * *', overlap: 'bufferOne' });
  expect(await client.schedules.get('by-hand')).toMatchObject({ note: 'mine' });
});

test('what somebody paused stays paused through an apply', async () => {
  await command(['--apply'], [nightly]);
  await client.schedules.pause('nightly', { by: 'ada', reason: 'not now' });
  expect((await command(['--check'], [nightly])).code).toBe(0);
  await command(['--apply'], [{ ...nightly, cron: '0 5 * * *' }]);
  expect(await client.schedules.get('nightly')).toMatchObject({ cron: '0 5 * * *', paused: true, note: 'not now' });
});

test('an id that is somebody else’s is an error in words, and nothing at all is touched', async () => {
  await client.schedules.put('nightly', { ...withoutId(nightly), note: 'mine' });
  for (const mode of ['--check', '--apply']) {
    const { code, stdout, stderr } = await command([mode], [hourly, nightly]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^nightly: The schedule nightly is managed by nobody/);
  }
  await expect(client.schedules.get('hourly')).rejects.toMatchObject({ status: 404 });
  expect(await client.schedules.get('nightly')).toMatchObject({ note: 'mine' });
});

test('all faults are told at once, and nothing is touched', async () => {
  const { code, stdout, stderr } = await command(
    ['--apply'],
    [nightly, { ...hourly, id: 'bad', interval: '10ms' }, { ...hourly, id: 'worse', input: {} }, hourly, hourly],
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.trim().split('\n')).toEqual([
    'hourly: is declared twice. Give each its own id.',
    'bad: interval must be at least 1s.',
    'worse: input.template must be one of welcome, trial-ending.',
  ]);
  await expect(client.schedules.get('nightly')).rejects.toMatchObject({ status: 404 });
});

test('four applies at once make no duplicate and no error', async () => {
  const declared = Array.from({ length: 5 }, (_, index) => ({ ...nightly, id: `at-once-${index}` }));
  const ends = await Promise.all([1, 2, 3, 4].map(() => command(['--apply'], declared)));
  expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ends.map(() => ({ code: 0, stderr: '' })));
  for (const { id } of declared) expect((await client.schedules.get(id)).updatedAt).toBeUndefined();
  await until('all are listed', async () => (await client.schedules.list()).schedules.length === 5);

  const gone = await Promise.all([1, 2, 3].map(() => command(['--apply'], [])));
  expect(gone.map(({ code, stderr }) => ({ code, stderr }))).toEqual(gone.map(() => ({ code: 0, stderr: '' })));
  await until('none is listed', async () => (await client.schedules.list()).schedules.length === 0);
});

test('by default it is schedules.ts that counts, which declares none', async () => {
  expect(await command(['--check'])).toEqual({ code: 0, stdout: 'nothing differs: 0 declared\n', stderr: '' });
});

test('what it can’t do, it says', async () => {
  expect(await command(['--check'], [], { PORT: '1' })).toMatchObject({
    code: 1,
    stderr: 'No API answers at http://127.0.0.1:1. Start it, or give --url.\n',
  });
  expect(await command(['--check'], [], { API_KEYS: 'another-key-of-sixteen' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('API_KEYS'),
  });
  expect(await command(['--check', '--file', '/nowhere.mjs'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--file must be a module'),
  });
  for (const args of [[], ['--check', '--apply'], ['--sync']]) {
    const { code, stderr } = await command(args);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: npm run schedules');
  }
});

test('the client has them all: create, next, trigger, backfill, resume', async () => {
  const body = withoutId(nightly);
  const made = await client.schedules.create(body, { idempotencyKey: 'by-client' });
  expect((await client.schedules.create(body, { idempotencyKey: 'by-client' })).id).toBe(made.id);
  expect(await client.schedules.next(made.id, 2)).toEqual(made.next.slice(0, 2));
  expect(await client.schedules.next({ cron: '30 4 * * *', timeZone: 'Europe/Berlin' }, 2)).toEqual(
    made.next.slice(0, 2),
  );
  expect((await client.schedules.trigger(made.id, { reason: 'now' })).recent).toHaveLength(1);
  const range = { from: '2026-07-01T00:00:00Z', to: '2026-07-03T00:00:00Z' };
  expect(await client.schedules.backfill(made.id, { ...range, dryRun: true })).toMatchObject({ count: 2 });
  await client.schedules.pause(made.id);
  expect((await client.schedules.resume(made.id)).acts!.map(({ act }) => act)).toEqual(['resume', 'pause', 'trigger']);
});

function withoutId<Declaration extends { id: string }>({ id: _, ...rest }: Declaration): Omit<Declaration, 'id'> {
  return rest;
}
