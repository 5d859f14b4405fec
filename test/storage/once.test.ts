import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteLedger } from '../../storage/ledger-sqlite.js';
import type { Ledger } from '../../storage/ledger.js';
import { once } from '../../storage/once.js';
import { holderOf } from './claims.js';

const effect = 'default/file/abc/thumbnail@1';

let dir: string;
let ledger: Ledger;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'once-'));
  ledger = await openSqliteLedger(join(dir, 'ledger.sqlite'));
});
afterEach(async () => {
  await ledger.close();
  await rm(dir, { recursive: true });
});

test('a result is made once and given back to retries and to other runs', async () => {
  let made = 0;
  const make = () => Promise.resolve({ made: ++made });
  expect(await once(ledger, effect, holderOf(), make)).toEqual({ made: 1 });
  expect(await once(ledger, effect, holderOf({ attempt: 2 }), make)).toEqual({ made: 1 });
  expect(await once(ledger, effect, holderOf({ workflowId: 'b', runId: 'b' }), make)).toEqual({ made: 1 });
});

test('a failure is not kept: its error comes through, and whoever comes next tries at once', async () => {
  const failing = () => Promise.reject(new Error('disk full'));
  await expect(once(ledger, effect, holderOf(), failing)).rejects.toThrow('disk full');
  await expect(once(ledger, effect, holderOf(), failing)).rejects.toThrow('disk full');
  expect(await once(ledger, effect, holderOf({ workflowId: 'b', runId: 'b' }), () => Promise.resolve(1))).toBe(1);
});

test('a stored result that is no longer good is made again, and then kept', async () => {
  const isStillGood = (result: number) => Promise.resolve(result > 1);
  expect(await once(ledger, effect, holderOf(), () => Promise.resolve(1))).toBe(1);
  expect(await once(ledger, effect, holderOf(), () => Promise.resolve(2), { isStillGood })).toBe(2);
  expect(await once(ledger, effect, holderOf(), () => Promise.resolve(3), { isStillGood })).toBe(2);
});

test('while another live run makes it, whoever asks is told to come again, however long it takes', async () => {
  const slow = holderOf({ heartbeatMs: 100 });
  const other = holderOf({ workflowId: 'b', runId: 'b' });
  let finish = (_: string) => undefined as void;
  const first = once(ledger, effect, slow, () => new Promise<string>((resolve) => (finish = resolve)));
  const began = Date.now();
  const ask = () => once(ledger, effect, other, () => Promise.resolve('other'));
  while (Date.now() - began < 500) {
    await expect(ask()).rejects.toThrow(/being made by another run/); // more than two heartbeats long
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  finish('first');
  expect(await first).toBe('first');
  expect(await ask()).toBe('first');
});
