import { beforeEach, describe, expect, test } from 'vitest';
import type { DeadLetter, DeadLetterFilter, DeadLetterPlace, NewDeadLetter } from '../../storage/dead-letters.js';
import { holderOf, mails, resend, settleOne, statesOf, type Opened } from './claims.js';

const letter = (parts: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  ...{ workflowId: 'file-pipeline:a', chain: 'run-1', tenant: 'default', type: 'file-pipeline', status: 'failed' },
  ...{ code: 'unsupported-file', step: 'inspectFile', message: 'It is no picture.', attempts: 1, tags: [] },
  failedAt: 1_000,
  ...parts,
});

/** Of which rows failed. */
const completed = (parts: Partial<NewDeadLetter> = {}) =>
  letter({
    ...{ workflowId: 'email-campaign:a', type: 'email-campaign', status: 'completed', code: 'rows', step: 'sendSlice' },
    ...{ message: '3 rows failed', attempts: null },
    ...parts,
  });

const all: DeadLetterFilter = { tenant: 'default' };
const discard = { by: 'ada@ops', reason: 'test data', at: 9_000 };

export function deadLettersConformance(at: Opened): void {
  describe('dead letters', () => {
    const found = async (filter: Partial<DeadLetterFilter> = {}) =>
      (await at.ledger.deadLetters({ ...all, ...filter }, { after: null, limit: 100 })).map(({ workflowId, item }) =>
        item === null ? workflowId : `${workflowId} ${item}`,
      );

    describe('of a whole run', () => {
      test('are told with all that was kept', async () => {
        await at.ledger.keepDeadLetter(letter({ tags: ['a', 'é"'] }));
        const { tenant, ...shown } = letter({ tags: ['a', 'é"'] });
        const page = await at.ledger.deadLetters({ tenant }, { after: null, limit: 10 });
        expect(page).toEqual([{ ...shown, item: null, about: null }]);
        expect(await at.ledger.deadLetterState('file-pipeline:a')).toEqual({ state: 'open', chain: 'run-1' });
        expect(await at.ledger.deadLetterState('file-pipeline:b')).toBeUndefined();
      });

      test('told of the same run again, nothing changes, whatever became of the letter', async () => {
        await at.ledger.keepDeadLetter(letter());
        await at.ledger.keepDeadLetter(letter({ code: 'other', failedAt: 5_000 }));
        const [kept] = await at.ledger.deadLetters(all, { after: null, limit: 10 });
        expect(kept).toMatchObject({ code: 'unsupported-file', failedAt: 1_000 });
        await at.ledger.discardDeadLetters(all, discard);
        await at.ledger.keepDeadLetter(letter({ failedAt: 5_000 }));
        expect(await found()).toEqual([]);
        expect((await at.ledger.deadLetterState('file-pipeline:a'))!.state).toBe('discarded');
      });

      test('of a redriven run that failed too, the letter is open again and tells of that run', async () => {
        await at.ledger.keepDeadLetter(letter({ tags: ['first'] }));
        await at.ledger.beginRedrive('file-pipeline:a', 2_000);
        await at.ledger.endRedrive('file-pipeline:a', true);
        expect(await found()).toEqual([]);
        const second = letter({ chain: 'run-2', code: 'too-large', step: null, failedAt: 3_000, tags: ['second'] });
        await at.ledger.keepDeadLetter(second);
        const { tenant, ...shown } = second;
        expect(await at.ledger.deadLetters({ tenant }, { after: null, limit: 10 })).toMatchObject([shown]);
      });

      test('one that failed before its redrive was recorded as started stays open', async () => {
        await at.ledger.keepDeadLetter(letter());
        await at.ledger.beginRedrive('file-pipeline:a', 2_000);
        await at.ledger.keepDeadLetter(letter({ chain: 'run-2', failedAt: 2_001 }));
        await at.ledger.endRedrive('file-pipeline:a', true);
        expect(await at.ledger.deadLetterState('file-pipeline:a')).toEqual({ state: 'open', chain: 'run-2' });
      });

      test('told late of an older run, the letter of the newer one stays, also while that is redriven', async () => {
        await at.ledger.keepDeadLetter(letter({ chain: 'run-2', failedAt: 3_000 }));
        await at.ledger.keepDeadLetter(letter());
        expect(await at.ledger.deadLetterState('file-pipeline:a')).toEqual({ state: 'open', chain: 'run-2' });
        await at.ledger.beginRedrive('file-pipeline:a', 4_000);
        await at.ledger.endRedrive('file-pipeline:a', true);
        await at.ledger.keepDeadLetter(letter());
        expect(await at.ledger.deadLetterState('file-pipeline:a')).toEqual({ state: 'redriven', chain: 'run-2' });
      });
    });

    describe('of rows of a completed run', () => {
      const campaign = holderOf();
      beforeEach(async () => {
        await settleOne(at.ledger, 4, 'failed');
        await settleOne(at.ledger, 2, 'unknown');
        await settleOne(at.ledger, 3, 'done');
        await settleOne(at.ledger, 5, 'retry');
        await at.ledger.keepDeadLetter(completed({ tags: ['spring'] }));
      });

      test('are its receipts that failed or are unknown, each with its own cause and whom it is about', async () => {
        const page = await at.ledger.deadLetters(all, { after: null, limit: 10 });
        const common = {
          ...{ workflowId: 'email-campaign:a', chain: 'run-1', type: 'email-campaign', status: 'completed' },
          ...{ tags: ['spring'], failedAt: 1_000, step: 'sendSlice', code: 'smtp', message: '550 no such user' },
        };
        expect(page).toEqual([
          { ...common, item: 2, about: 'user2@example.com', attempts: 1 },
          { ...common, item: 4, about: 'user4@example.com', attempts: 1 },
        ]);
      });

      test('are none of a run that failed as a whole: it is one letter', async () => {
        await at.ledger.keepDeadLetter(completed({ status: 'failed', chain: 'run-2', failedAt: 2_000 }));
        expect(await found()).toEqual(['email-campaign:a']);
      });

      test('one is discarded, for a reason; the others stay, and it is not redriven', async () => {
        expect(await at.ledger.discardDeadLetters({ ...all, workflowId: 'email-campaign:a', item: 4 }, discard)).toBe(
          1,
        );
        expect(await found()).toEqual(['email-campaign:a 2']);
        expect((await at.ledger.deadLetterState('email-campaign:a'))!.state).toBe('open');
        expect(await at.ledger.actsOf('email-campaign:a', 9)).toEqual([
          { subject: 'email-campaign:a', act: 'discard', ...discard },
        ]);
        const redriven = holderOf({ runId: 'run-2' });
        expect(statesOf(await at.ledger.claim(mails(2, 6), redriven, resend))).toEqual([
          'ours',
          'done',
          'failed',
          'ours',
        ]);
        expect(await at.ledger.discardDeadLetters({ ...all, item: 4 }, discard)).toBe(0);
        expect(await at.ledger.actsOf('email-campaign:a', 9)).toHaveLength(1);
      });

      test('by code only those that fit are discarded; with the last one the run is done with', async () => {
        const [receipt] = (await at.ledger.claim(mails(6, 7), campaign, resend)).map(
          (one) => 'receipt' in one && one.receipt,
        );
        await at.ledger.settle(
          [{ receipt: receipt as number, state: 'failed', code: 'bounced', message: 'no' }],
          campaign,
        );
        expect(await at.ledger.discardDeadLetters({ ...all, code: 'smtp' }, discard)).toBe(2);
        expect(await found()).toEqual(['email-campaign:a 6']);
        expect(await at.ledger.discardDeadLetters(all, discard)).toBe(1);
        expect([await at.ledger.countDeadRuns(all), await at.ledger.deadRuns(all, { after: '', limit: 9 })]).toEqual([
          0,
          [],
        ]);
        expect(await at.ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toHaveLength(3); // on record
      });

      test('one that succeeds in a redrive is a letter no more', async () => {
        const redriven = holderOf({ runId: 'run-2' });
        await settleOne(at.ledger, 4, 'done', redriven);
        await at.ledger.keepDeadLetter(completed({ chain: 'run-2', failedAt: 2_000 }));
        expect(await found()).toEqual(['email-campaign:a 2']);
      });
    });

    describe('filters', () => {
      beforeEach(async () => {
        await settleOne(at.ledger, 0, 'failed');
        await settleOne(at.ledger, 1, 'failed');
        for (const one of [
          completed({ tags: ['spring', 'a%'], failedAt: 3_000 }),
          letter({ workflowId: 'p1', tags: ['spring'], failedAt: 1_000 }),
          letter({ workflowId: 'p2', code: 'smtp', failedAt: 2_000 }),
          letter({ workflowId: 'p3', code: 'deadline', status: 'timedOut', step: null, failedAt: 4_000 }),
          letter({ workflowId: 'other', tenant: 'other', tags: ['spring'] }),
        ])
          await at.ledger.keepDeadLetter(one);
      });

      const rows = ['email-campaign:a 0', 'email-campaign:a 1'];
      const cases: [string, Partial<DeadLetterFilter>, string[]][] = [
        ['none', {}, ['p3', ...rows, 'p2', 'p1']],
        ['another tenant', { tenant: 'other' }, ['other']],
        ['type', { type: 'file-pipeline' }, ['p3', 'p2', 'p1']],
        ['code, of runs and of rows', { code: 'smtp' }, [...rows, 'p2']],
        ['the code of a completed run itself is none of its rows', { code: 'rows' }, []],
        ['tag', { tag: 'spring' }, [...rows, 'p1']],
        ['a tag is no pattern', { tag: 'a%' }, rows],
        ['a tag is whole', { tag: 'spr' }, []],
        ['after, inclusive', { after: 3_000 }, ['p3', ...rows]],
        ['before, exclusive', { before: 3_000 }, ['p2', 'p1']],
        ['workflowId', { workflowId: 'p1' }, ['p1']],
        ['item', { item: 1 }, [rows[1]!]],
        [
          'all at once',
          { type: 'email-campaign', code: 'smtp', tag: 'spring', after: 1, before: 9_000, item: 0 },
          [rows[0]!],
        ],
        ['what fits none', { type: 'file-pipeline', item: 0 }, []],
      ];
      test.each(cases)('%s: the list, the runs and their number agree', async (_, filter, expected) => {
        expect(await found(filter)).toEqual(expected);
        const runs = [...new Set(expected.map((one) => one.split(' ')[0]!))].toSorted();
        expect(await at.ledger.deadRuns({ ...all, ...filter }, { after: '', limit: 99 })).toEqual(runs);
        expect(await at.ledger.countDeadRuns({ ...all, ...filter })).toBe(runs.length);
        const groups = await at.ledger.deadLetterGroups({ ...all, ...filter });
        expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length);
      });

      test.each(cases)('%s: just those are discarded, and each run is told of it once', async (_, filter, expected) => {
        const before = [...(await found()), ...(await found({ tenant: 'other' }))];
        expect(await at.ledger.discardDeadLetters({ ...all, ...filter }, discard)).toBe(expected.length);
        const after = [...(await found()), ...(await found({ tenant: 'other' }))];
        expect(after).toEqual(before.filter((one) => !expected.includes(one)));
        for (const run of ['email-campaign:a', 'p1', 'p2', 'p3', 'other']) {
          const acts = await at.ledger.actsOf(run, 9);
          const isHit = expected.some((one) => one.split(' ')[0] === run);
          expect([run, acts.length]).toEqual([run, isHit ? 1 : 0]);
        }
      });

      test('groups are by type, step and code, the most first, with how many runs and when', async () => {
        const file = { type: 'file-pipeline', count: 1, runs: 1, message: 'It is no picture.' };
        const groups = await at.ledger.deadLetterGroups(all);
        expect(groups[0]).toEqual({
          ...{ type: 'email-campaign', step: 'sendSlice', code: 'smtp', count: 2, runs: 1 },
          ...{ firstAt: 3_000, lastAt: 3_000, message: '550 no such user' },
        });
        expect(groups.slice(1)).toEqual([
          { ...file, step: null, code: 'deadline', firstAt: 4_000, lastAt: 4_000 },
          { ...file, step: 'inspectFile', code: 'smtp', firstAt: 2_000, lastAt: 2_000 },
          { ...file, step: 'inspectFile', code: 'unsupported-file', firstAt: 1_000, lastAt: 1_000 },
        ]);
      });

      test('runs are paged by their names', async () => {
        const first = await at.ledger.deadRuns(all, { after: '', limit: 2 });
        expect([first, await at.ledger.deadRuns(all, { after: first.at(-1)!, limit: 2 })]).toEqual([
          ['email-campaign:a', 'p1'],
          ['p2', 'p3'],
        ]);
      });
    });

    test('pages hold each letter once, also over equal times, runs and rows among each other', async () => {
      for (const run of ['b', 'd']) {
        for (let item = 0; item < 4; item++) {
          await settleOne(at.ledger, item, 'failed', holderOf({ workflowId: run }));
        }
        await at.ledger.keepDeadLetter(completed({ workflowId: run, failedAt: run === 'b' ? 1_000 : 2_000 }));
      }
      for (const run of ['a', 'c', 'e', 'f', 'g'])
        await at.ledger.keepDeadLetter(letter({ workflowId: run, failedAt: run === 'g' ? 2_000 : 1_000 }));
      const whole = await at.ledger.deadLetters(all, { after: null, limit: 100 });
      expect(whole).toHaveLength(13);
      for (const limit of [1, 2, 3, 5]) {
        const pages: DeadLetter[] = [];
        let after: DeadLetterPlace | null = null;
        for (;;) {
          const page: DeadLetter[] = await at.ledger.deadLetters(all, { after, limit });
          if (page.length === 0) break;
          pages.push(...page);
          const { failedAt, workflowId, item } = page.at(-1)!;
          after = { failedAt, workflowId, item: item ?? -1 };
        }
        expect(pages).toEqual(whole);
      }
    });

    describe('redrives', () => {
      beforeEach(() => at.ledger.keepDeadLetter(letter()));

      test('of ten at once, from two processes, one begins', async () => {
        const other = await at.open();
        try {
          const tries = Array.from({ length: 10 }, (_, n) =>
            (n % 2 === 0 ? at.ledger : other).beginRedrive('file-pipeline:a', 1_000 + n),
          );
          expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
          expect((await other.deadLetterState('file-pipeline:a'))!.state).toBe('redriving');
          expect(await found()).toEqual([]);
        } finally {
          await other.close();
        }
      });

      test('refused, it is open again; started, it is not', async () => {
        await at.ledger.beginRedrive('file-pipeline:a', 1_000);
        await at.ledger.endRedrive('file-pipeline:a', false);
        expect(await found()).toEqual(['file-pipeline:a']);
        expect(await at.ledger.beginRedrive('file-pipeline:a', 1_001)).toBe(true);
        await at.ledger.endRedrive('file-pipeline:a', true);
        await at.ledger.endRedrive('file-pipeline:a', false); // of somebody who comes late
        expect(await at.ledger.deadLetterState('file-pipeline:a')).toEqual({ state: 'redriven', chain: 'run-1' });
        expect(await at.ledger.beginRedrive('file-pipeline:a', 999_999)).toBe(false);
      });

      test('lost with its process, it is told after a minute, and free', async () => {
        await at.ledger.beginRedrive('file-pipeline:a', 1_000);
        expect(await at.ledger.beginRedrive('file-pipeline:a', 60_999)).toBe(false);
        expect(await at.ledger.lostRedrives(60_999, 10)).toEqual([]);
        expect(await at.ledger.lostRedrives(61_001, 10)).toEqual([{ workflowId: 'file-pipeline:a', chain: 'run-1' }]);
        const tries = [1, 2].map(() => at.ledger.beginRedrive('file-pipeline:a', 61_001));
        expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
        expect(await at.ledger.lostRedrives(61_001, 10)).toEqual([]);
      });

      test('what has no letter, or a discarded one, can not be', async () => {
        expect(await at.ledger.beginRedrive('file-pipeline:b', 1_000)).toBe(false);
        await at.ledger.discardDeadLetters(all, discard);
        expect(await at.ledger.beginRedrive('file-pipeline:a', 1_000)).toBe(false);
      });
    });
  });
}
