import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'libsql';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteLedger } from '../../storage/ledger-sqlite.js';
import { LedgerUnavailable, type Holder, type Ledger } from '../../storage/ledger.js';
import { openThreadedLedger } from '../../storage/ledger-thread.js';
import { holderOf, mails } from './claims.js';
import { ledgerConformance } from './ledger.conformance.js';

ledgerConformance('the SQLite ledger', () => inTemporaryDirectory(openSqliteLedger));
ledgerConformance('the SQLite ledger on its thread', () => inTemporaryDirectory(openThreadedLedger));

/** A ledger that is ready and empty. */
const empty = (async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'ledger-empty-')), 'ledger.sqlite');
  await (await openSqliteLedger(path)).close(); // the last to close it leaves one file
  return path;
})();
afterAll(async () => rm(dirname(await empty), { recursive: true }));

async function inTemporaryDirectory(open: (path: string) => Promise<Ledger>) {
  const dir = await mkdtemp(join(tmpdir(), 'ledger-'));
  await copyFile(await empty, join(dir, 'ledger.sqlite')); // migrating takes longer than most of the tests
  return { open: () => open(join(dir, 'ledger.sqlite')), remove: () => rm(dir, { recursive: true }) };
}

test('a ledger on its thread that cannot be opened says so as one here does', async () => {
  await expect(openThreadedLedger('/nowhere/ledger.sqlite')).rejects.toThrow(LedgerUnavailable);
});

describe('several processes on one file', () => {
  let dir: string;
  let path: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ledger-'));
    path = join(dir, 'ledger.sqlite');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(dir, { recursive: true });
  });

  function start(what: 'open' | 'share' | 'hang', holder: Holder): ChildProcess {
    const child = fork(new URL('ledger-process.mjs', import.meta.url), [path, what, JSON.stringify(holder)]);
    children.push(child);
    return child;
  }

  test('of four that open a new one at once, all can use it', async () => {
    const exits = [1, 2, 3, 4].map((id) => once(start('open', holderOf({ process: `host:${id}:x` })), 'exit'));
    expect((await Promise.all(exits)).map(([code]) => code as number)).toEqual([0, 0, 0, 0]);
  });

  test('of 640 effects that four processes claim at once, each is given once and none is lost', async () => {
    const sharers = ['1', '2', '3', '4'].map((activityId) =>
      start('share', holderOf({ activityId, process: `host:${activityId}:x` })),
    );
    await Promise.all(sharers.map((child) => once(child, 'message')));
    const results = sharers.map((child) => once(child, 'message'));
    for (const child of sharers) child.send('go');
    const given = (await Promise.all(results)).map(([items]) => items as number[]);
    expect(given.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 640 }, (_, item) => item));
    expect(given.filter((items) => items.length > 0).length).toBeGreaterThan(1); // or they were not at it at once
  });

  describe('one killed between handing over and recording', () => {
    const dead = holderOf({ heartbeatMs: 60_000, process: 'host:dead:x' });
    beforeEach(async () => {
      const child = start('hang', dead);
      expect(await once(child, 'message')).toEqual(['hangs', undefined]);
      child.kill('SIGKILL');
      await once(child, 'exit');
    });

    test.each([
      ['resend', ['done', 'ours', 'ours', 'ours']],
      ['hold', ['done', 'unknown', 'unknown', 'ours']],
    ] as const)('%s: the next attempt finds what it left', async (onAmbiguous, states) => {
      const ledger = await openSqliteLedger(path);
      expect((await ledger.leasesOf('host:dead:')).map(({ activityId }) => activityId)).toEqual(['1']);
      const claimed = await ledger.claim(mails(0, 4), { ...dead, attempt: 2 }, { onAmbiguous, round: 0 });
      expect(claimed.map(({ state }) => state)).toEqual(states);
      await ledger.close();
    });

    test('another activity waits, since nobody knows yet that it is dead', async () => {
      const ledger = await openSqliteLedger(path);
      const other = holderOf({ activityId: '2' });
      const claimed = await ledger.claim(mails(0, 4), other, { onAmbiguous: 'resend', round: 0 });
      expect(claimed.map(({ state }) => state)).toEqual(['done', 'held', 'held', 'held']);
      await ledger.close();
    });
  });

  test('a file that another process keeps locked is unavailable after five seconds, and usable once it is free', async () => {
    const ledger = await openSqliteLedger(path);
    const locker = new Database(path);
    locker.exec('BEGIN IMMEDIATE');
    const began = Date.now();
    await expect(ledger.claim(mails(0, 1), holderOf(), { onAmbiguous: 'resend', round: 0 })).rejects.toThrow(
      LedgerUnavailable,
    );
    expect(Date.now() - began).toBeGreaterThan(4_500);
    locker.exec('ROLLBACK');
    const claimed = await ledger.claim(mails(0, 1), holderOf(), { onAmbiguous: 'resend', round: 0 });
    expect(claimed).toMatchObject([{ state: 'ours' }]);
    locker.close();
    await ledger.close();
  });

  test('what can not be opened is unavailable, and the error says so', async () => {
    await expect(openSqliteLedger(join(dir, 'missing', 'ledger.sqlite'))).rejects.toThrow(LedgerUnavailable);
    await mkdir(join(dir, 'is-a-directory'));
    await expect(openSqliteLedger(join(dir, 'is-a-directory'))).rejects.toThrow(LedgerUnavailable);
    await writeFile(join(dir, 'other'), 'no database, but some text of a length that could be one. '.repeat(100));
    await expect(openSqliteLedger(join(dir, 'other'))).rejects.toThrow(/ledger can't be used now: .*not a database/);
  });

  test('a success of the first pass is in no listing index, so that it pays for none', async () => {
    const ledger = await openSqliteLedger(path);
    await ledger.close();
    const db = new Database(path);
    const indexes = db.prepare(`SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'receipts'`);
    const listed = (indexes.pluck().all() as (string | null)[]).filter((sql) => sql !== null);
    expect(listed.length).toBeGreaterThan(0);
    for (const sql of listed) expect(sql).toMatch(/where .*(state|"round" > 0)/i);
    db.close();
  });
});
