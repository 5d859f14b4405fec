/** What every ledger promises, whatever it is kept in. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LedgerUnavailable, type Holder, type Ledger, type SettledState } from '../../storage/ledger.js';
import { actsConformance } from './acts.conformance.js';
import { hold, holderOf, mails, receiptsOf, resend, settleOne as settleOneOf, statesOf } from './claims.js';
import { deadLettersConformance } from './dead-letters.conformance.js';
import { earlierRunsConformance } from './earlier-runs.conformance.js';
import { outcomesConformance } from './outcomes.conformance.js';
import { pausesConformance } from './pauses.conformance.js';
import { pendingRunsConformance } from './pending-runs.conformance.js';
import { retentionConformance } from './retention.conformance.js';

export interface LedgerSite {
  /** Opens the one ledger of this site, as another process would; it begins empty. */
  open(): Promise<Ledger>;
  remove(): Promise<void>;
}

export function ledgerConformance(name: string, newSite: () => Promise<LedgerSite>): void {
  describe(name, () => {
    let site: LedgerSite;
    let ledger: Ledger;
    beforeEach(async () => {
      site = await newSite();
      ledger = await site.open();
    });
    afterEach(async () => {
      await ledger.close();
      await site.remove();
    });

    const settleOne = (item: number, state: SettledState, holder: Holder, round = 0) =>
      settleOneOf(ledger, item, state, holder, round);

    const opened = {
      get ledger() {
        return ledger;
      },
      open: () => site.open(),
    };
    actsConformance(opened);
    pausesConformance(opened);
    deadLettersConformance(opened);
    pendingRunsConformance(opened);
    outcomesConformance(opened);
    earlierRunsConformance(opened);
    retentionConformance(opened);

    describe('claiming', () => {
      test('new effects are ours, each with a receipt of its own, in the order of the claims', async () => {
        const holder = holderOf();
        const claimed = await ledger.claim(mails(0, 64), holder, resend);
        expect(statesOf(claimed)).toEqual(Array(64).fill('ours'));
        const receipts = receiptsOf(claimed);
        await ledger.settle([{ receipt: receipts[17]!, state: 'done', result: { of: 17 } }], holder);

        const again = await ledger.claim(mails(0, 64).reverse(), holder, resend);
        expect(receiptsOf(again)).toEqual(receipts.toReversed());
        expect(again[63 - 17]).toEqual({ state: 'done', receipt: receipts[17], round: 0, result: { of: 17 } });
        expect(statesOf(again).filter((state) => state === 'ours')).toHaveLength(63);
      });

      test('an effect is done once: whoever claims it later gets its result', async () => {
        const receipt = await settleOne(3, 'done', holderOf());
        const later = holderOf({ runId: 'run-2', activityId: '9' });
        expect(await ledger.claim(mails(3, 4), later, resend)).toEqual([{ state: 'done', receipt, round: 0 }]);
      });

      test('a done receipt is ours again on redo, and only then', async () => {
        const receipt = await settleOne(3, 'done', holderOf());
        const [again] = await ledger.claim(mails(3, 4), holderOf(), { ...resend, redo: true });
        expect(again).toEqual({ state: 'ours', receipt, attempts: 0 });
        await ledger.settle([{ receipt, state: 'done', result: 'second' }], holderOf());
        expect(await ledger.claim(mails(3, 4), holderOf(), resend)).toMatchObject([
          { state: 'done', result: 'second' },
        ]);
      });

      test('the same effect under another row is a duplicate, in one call and later, done or not', async () => {
        const holder = holderOf();
        const twice = [...mails(0, 2), { ...mails(0, 1)[0]!, item: 7 }];
        const first = await ledger.claim(twice, holder, resend);
        expect(statesOf(first)).toEqual(['ours', 'ours', 'duplicate']);
        expect(statesOf(await ledger.claim(twice.slice(2), holder, resend))).toEqual(['duplicate']);
        await ledger.settle([{ receipt: receiptsOf(first)[0]!, state: 'done' }], holder);
        const redriven = holderOf({ runId: 'run-2' });
        expect(statesOf(await ledger.claim(twice.slice(2), redriven, resend))).toEqual(['duplicate']);
      });

      test('effects that runs share are no duplicates: another row of another run gets the result', async () => {
        await settleOne(3, 'done', holderOf());
        const other = holderOf({ workflowId: 'email-campaign:b', runId: 'run-b' });
        const shared = [{ ...mails(3, 4)[0]!, item: 0 }];
        expect(statesOf(await ledger.claim(shared, other, resend))).toEqual(['done']);
      });

      test('two that claim the same at once share it out: nothing is given twice, nothing is left', async () => {
        const other = await site.open();
        try {
          const claims = mails(0, 64);
          const [a, b] = await Promise.all([
            ledger.claim(claims, holderOf({ activityId: 'a' }), resend),
            other.claim(claims, holderOf({ activityId: 'b' }), resend),
          ]);
          for (const at of claims.keys()) expect([a[at]!.state, b[at]!.state].toSorted()).toEqual(['held', 'ours']);
        } finally {
          await other.close();
        }
      });

      test('at most 64 at once, and none is no error', async () => {
        await expect(ledger.claim(mails(0, 65), holderOf(), resend)).rejects.toThrow(RangeError);
        expect(await ledger.claim([], holderOf(), resend)).toEqual([]);
      });
    });

    describe('leases', () => {
      const other = holderOf({ activityId: '2', process: 'host:2:b' });

      test('what a live attempt holds is held for others, until its lease ends', async () => {
        const [claimed, sending] = receiptsOf(await ledger.claim(mails(0, 2), holderOf(), resend));
        await ledger.markSending([sending!], holderOf());
        expect(statesOf(await ledger.claim(mails(0, 2), other, resend))).toEqual(['held', 'held']);

        await ledger.endLease(holderOf());
        expect(await ledger.markSending([claimed!], holderOf())).toEqual([]); // free, though nobody took it yet
        expect(statesOf(await ledger.claim(mails(0, 2), other, resend))).toEqual(['ours', 'ours']);
      });

      test('a silent attempt loses what it holds after two heartbeats, and a sign of life keeps it', async () => {
        const silent = holderOf({ heartbeatMs: 100 });
        const alive = holderOf({ heartbeatMs: 100, activityId: '3' });
        await ledger.claim(mails(0, 1), silent, resend);
        await ledger.claim(mails(1, 2), alive, resend);
        expect(statesOf(await ledger.claim(mails(0, 2), other, resend))).toEqual(['held', 'held']);
        const claims = async () => {
          await ledger.renew(alive);
          return statesOf(await ledger.claim(mails(0, 2), other, resend));
        };
        await expect.poll(claims, { timeout: 5_000, interval: 20 }).toEqual(['ours', 'held']);
      });

      test('a later attempt takes over at once, and the earlier one can do nothing more with it', async () => {
        const second = holderOf({ attempt: 2, process: 'host:2:b' });
        const [claimed, sending] = receiptsOf(await ledger.claim(mails(0, 2), holderOf(), resend));
        await ledger.markSending([sending!], holderOf());

        expect(receiptsOf(await ledger.claim(mails(0, 2), second, resend))).toEqual([claimed, sending]);
        expect(await ledger.markSending([claimed!], holderOf())).toEqual([]);
        await ledger.settle([{ receipt: sending!, state: 'failed' }], holderOf());
        expect(await ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toEqual([]);
        expect(statesOf(await ledger.claim(mails(0, 9), holderOf(), resend))).toEqual(Array(9).fill('held'));
        expect(await ledger.markSending([claimed!, sending!], second)).toEqual([claimed, sending]);
      });

      test("a later attempt's first sign of life is enough to stop the earlier one", async () => {
        const [receipt] = receiptsOf(await ledger.claim(mails(0, 1), holderOf(), resend));
        await ledger.renew(holderOf({ attempt: 2 }));
        expect(await ledger.markSending([receipt!], holderOf())).toEqual([]);
        await ledger.renew(holderOf()); // does not bring it back
        expect(await ledger.markSending([receipt!], holderOf())).toEqual([]);
      });

      test('the leases of a process are found by its prefix, until they end', async () => {
        await ledger.renew(holderOf({ process: 'host:1:a' }));
        await ledger.claim(mails(0, 1), holderOf({ activityId: '2', process: 'host:1:b' }), resend);
        await ledger.claim(mails(1, 2), holderOf({ activityId: '3', process: 'host:12:c' }), resend);
        const ids = async () => (await ledger.leasesOf('host:1:')).map(({ activityId }) => activityId).toSorted();
        expect(await ids()).toEqual(['1', '2']);
        expect(await ledger.leasesOf('host:12:')).toEqual([
          { workflowId: 'email-campaign:a', runId: 'run-1', activityId: '3', attempt: 1, process: 'host:12:c' },
        ]);
        await ledger.endLease(holderOf({ activityId: '2', process: 'host:1:b' }));
        await ledger.renew(holderOf({ activityId: '2', process: 'host:1:b' })); // a late sign of life of an ended attempt
        expect(await ids()).toEqual(['1']);
      });
    });

    describe('what a crash leaves', () => {
      const second = holderOf({ attempt: 2 });

      test('claimed and never handed over: sent by the next, also with hold', async () => {
        await ledger.claim(mails(0, 1), holderOf(), hold);
        expect(statesOf(await ledger.claim(mails(0, 1), second, hold))).toEqual(['ours']);
      });

      test('handed over and not recorded: sent again with resend', async () => {
        await ledger.markSending(receiptsOf(await ledger.claim(mails(0, 1), holderOf(), resend)), holderOf());
        expect(await ledger.claim(mails(0, 1), second, resend)).toMatchObject([{ state: 'ours', attempts: 0 }]);
      });

      test('handed over and not recorded: unknown with hold, and so it stays, whoever asks', async () => {
        const receipts = receiptsOf(await ledger.claim(mails(0, 1), holderOf(), hold));
        await ledger.markSending(receipts, holderOf());
        expect(await ledger.claim(mails(0, 1), second, hold)).toEqual([
          { state: 'unknown', receipt: receipts[0], round: 0 },
        ]);
        for (const onAmbiguous of ['hold', 'resend'] as const) {
          expect(statesOf(await ledger.claim(mails(0, 1), second, { onAmbiguous, round: 5 }))).toEqual(['unknown']);
        }
        expect(await ledger.markSending(receipts, second)).toEqual([]);
        expect(await ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toMatchObject([
          { item: 0, about: 'user0@example.com', state: 'unknown', code: 'ambiguous', attempts: 1 },
        ]);
      });

      test('certainly not handed over: unmarked, it is claimed as before, at no cost of an attempt', async () => {
        const receipts = receiptsOf(await ledger.claim(mails(0, 1), holderOf(), hold));
        await ledger.markSending(receipts, holderOf());
        await ledger.unmark(receipts, holderOf());
        expect(await ledger.claim(mails(0, 1), second, hold)).toMatchObject([{ state: 'ours', attempts: 0 }]);
      });
    });

    describe('what was refused', () => {
      test('for now: a later round takes it, the same one does not, and attempts are counted', async () => {
        const receipt = await settleOne(0, 'retry', holderOf());
        const next = holderOf({ activityId: '2' });
        expect(await ledger.claim(mails(0, 1), next, resend)).toEqual([{ state: 'retry', receipt, round: 0 }]);
        expect(await ledger.claim(mails(0, 1), next, { ...resend, round: 1 })).toEqual([
          { state: 'ours', receipt, attempts: 1 },
        ]);
        await ledger.settle([{ receipt, state: 'retry' }], next);
        expect(statesOf(await ledger.claim(mails(0, 1), next, { ...resend, round: 1 }))).toEqual(['retry']);
        expect(await ledger.claim(mails(0, 1), next, { ...resend, round: 2 })).toMatchObject([{ attempts: 2 }]);
      });

      test('for good: settled for its run; a redriven run tries it again', async () => {
        const receipt = await settleOne(0, 'failed', holderOf());
        const continued = holderOf({ runId: 'run-1b', chain: 'run-1' });
        expect(statesOf(await ledger.claim(mails(0, 1), continued, { ...resend, round: 3 }))).toEqual(['failed']);
        const redriven = holderOf({ runId: 'run-2' });
        expect(await ledger.claim(mails(0, 1), redriven, resend)).toEqual([{ state: 'ours', receipt, attempts: 1 }]);
      });

      test("an earlier run's retry is taken by a redriven run's first pass", async () => {
        await settleOne(0, 'retry', holderOf(), 4);
        expect(statesOf(await ledger.claim(mails(0, 1), holderOf({ runId: 'run-2' }), resend))).toEqual(['ours']);
      });

      test('rows of a later round: left in retry by an earlier one, or taken by itself; within the range, ascending, as many as asked for', async () => {
        for (const item of [9, 2, 5, 7, 11]) await settleOne(item, 'retry', holderOf());
        await settleOne(6, 'done', holderOf(), 1); // a repeated step of round 1 must count it again
        await settleOne(3, 'failed', holderOf());
        await settleOne(4, 'done', holderOf());
        await settleOne(8, 'retry', holderOf({ runId: 'run-0' }));
        const query = { workflowId: 'email-campaign:a', chain: 'run-1', round: 1, from: 2, to: 11, limit: 10 };
        expect(await ledger.itemsToRetry(query)).toEqual([2, 5, 6, 7, 9]);
        expect(await ledger.itemsToRetry({ ...query, round: 2, limit: 3 })).toEqual([2, 5, 7]);
        expect(await ledger.itemsToRetry({ ...query, round: 0 })).toEqual([]);
        expect(await ledger.itemsToRetry({ ...query, workflowId: 'email-campaign:b' })).toEqual([]);
      });

      test('failures are listed by row, a page at a time, with whom they are about and what was said', async () => {
        for (const item of [4, 1, 3]) await settleOne(item, 'failed', holderOf());
        await settleOne(2, 'unknown', holderOf());
        await settleOne(0, 'done', holderOf());
        await settleOne(5, 'retry', holderOf());
        const page = await ledger.failures('email-campaign:a', { after: -1, limit: 3 });
        expect(page.map(({ item, state, attempts }) => [item, state, attempts])).toEqual([
          [1, 'failed', 1],
          [2, 'unknown', 1],
          [3, 'failed', 1],
        ]);
        expect(await ledger.failures('email-campaign:a', { after: 3, limit: 3 })).toEqual([
          {
            item: 4,
            about: 'user4@example.com',
            state: 'failed',
            code: 'smtp',
            message: '550 no such user',
            attempts: 1,
          },
        ]);
        expect(await ledger.failures('email-campaign:b', { after: -1, limit: 3 })).toEqual([]);
      });

      test('what succeeds in the end is no failure any more', async () => {
        const receipt = await settleOne(0, 'failed', holderOf());
        const redriven = holderOf({ runId: 'run-2' });
        await ledger.claim(mails(0, 1), redriven, resend);
        await ledger.settle([{ receipt, state: 'done' }], redriven);
        expect(await ledger.failures('email-campaign:a', { after: -1, limit: 3 })).toEqual([]);
      });
    });

    test('a settled receipt stays as it is, and a result over 64 KiB is refused', async () => {
      const receipt = await settleOne(0, 'done', holderOf());
      await ledger.settle([{ receipt, state: 'failed' }], holderOf());
      expect(statesOf(await ledger.claim(mails(0, 1), holderOf(), resend))).toEqual(['done']);
      const large = { receipt, state: 'done', result: 'x'.repeat(65_536) } as const;
      await expect(ledger.settle([large], holderOf())).rejects.toThrow(RangeError);
    });

    test('a file keeps the first name it was given', async () => {
      const file = { fileId: `default.${'0'.repeat(64)}`, name: null, mediaType: 'text/csv', bytes: 12 };
      expect(await ledger.file(file.fileId)).toBeUndefined();
      await ledger.saveFile(file);
      expect(await ledger.file(file.fileId)).toEqual(file);
      await ledger.saveFile({ ...file, name: 'list.csv' });
      await ledger.saveFile({ ...file, name: 'other.csv' });
      expect(await ledger.file(file.fileId)).toEqual({ ...file, name: 'list.csv' });
    });

    test('what one wrote, another that opens it finds; closed, it is unavailable', async () => {
      await settleOne(0, 'done', holderOf());
      await ledger.check();
      await ledger.close();
      await expect(ledger.claim(mails(0, 1), holderOf(), resend)).rejects.toThrow(LedgerUnavailable);
      await expect(ledger.check()).rejects.toThrow(LedgerUnavailable);
      ledger = await site.open();
      expect(statesOf(await ledger.claim(mails(0, 1), holderOf(), resend))).toEqual(['done']);
    });
  });
}
