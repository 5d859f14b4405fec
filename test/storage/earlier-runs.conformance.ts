import { describe, expect, test } from 'vitest';
import { hold, holderOf, mails, receiptsOf, resend, settleOne, statesOf, type Opened } from './claims.js';

/** What a run finds of earlier ones under its workflow ID: a redrive goes on from it, a run under a reused key forgets it. */
export function earlierRunsConformance(at: Opened): void {
  const next = holderOf({ runId: 'run-2' });
  const forget = { ...resend, forgetEarlierRuns: true };
  const discard = { by: 'ada@ops', reason: 'done with', at: 9_000 };
  const states = async (
    from: number,
    to: number,
    holder = next,
    options: Parameters<typeof at.ledger.claim>[2] = resend,
  ) => statesOf(await at.ledger.claim(mails(from, to), holder, options));
  const letterOf = (chain: string, failedAt = 1_000) => ({
    ...{
      workflowId: 'email-campaign:a',
      chain,
      tenant: 'default',
      type: 'email-campaign',
      status: 'completed' as const,
    },
    ...{ code: 'rows', step: null, message: '', attempts: null, tags: [], failedAt },
  });

  describe('a redriven run', () => {
    test('has failed rows and those of the earlier run that were refused for now; done ones stay done', async () => {
      for (const [item, state] of (['done', 'failed', 'retry'] as const).entries())
        await settleOne(at.ledger, item, state, holderOf(), 3);
      expect(await states(0, 4)).toEqual(['done', 'ours', 'ours', 'ours']);
    });

    test('unknown rows of the earlier run are its own with resend, and stay unknown with hold', async () => {
      await settleOne(at.ledger, 0, 'unknown');
      expect(await states(0, 1, next, hold)).toEqual(['unknown']);
      expect(await states(0, 1, holderOf({ activityId: '2' }), resend)).toEqual(['unknown']); // the same run does not decide
      expect(await states(0, 1, next, resend)).toEqual(['ours']);
    });

    test('what was handed over when the earlier run was cut off is sent again with resend, and unknown with hold', async () => {
      const receipts = receiptsOf(await at.ledger.claim(mails(0, 2), holderOf(), resend));
      await at.ledger.markSending(receipts, holderOf());
      expect(await states(0, 2)).toEqual(['held', 'held']); // as long as it may still be at it
      await at.ledger.endLease(holderOf());
      expect(await states(0, 1, next, hold)).toEqual(['unknown']);
      expect(await states(1, 2, next, resend)).toEqual(['ours']);
    });

    test('rows that a person discarded stay failed or unknown, run after run', async () => {
      await settleOne(at.ledger, 0, 'failed');
      await settleOne(at.ledger, 1, 'unknown');
      await settleOne(at.ledger, 2, 'failed');
      await at.ledger.keepDeadLetter(letterOf('run-1'));
      for (const item of [0, 1]) await at.ledger.discardDeadLetters({ tenant: 'default', item }, discard);
      expect(await states(0, 3)).toEqual(['failed', 'unknown', 'ours']);
      expect(await states(0, 3, holderOf({ runId: 'run-3' }), hold)).toEqual(['failed', 'unknown', 'held']);
    });

    test('with a corrected list: what is to be sent is sent, wherever it stands now, and an address twice in it once', async () => {
      for (const [item, state] of (['failed', 'done', 'failed', 'retry'] as const).entries())
        await settleOne(at.ledger, item, state);
      const corrected = [2, 0, 1, 3, 0].map((old, item) => ({ ...mails(old, old + 1)[0]!, item }));
      expect(statesOf(await at.ledger.claim(corrected, next, resend))).toEqual([
        ...['ours', 'ours', 'duplicate', 'ours', 'duplicate'], // row 2 was sent: it is not sent again
      ]);
      await at.ledger.settle(
        [{ receipt: receiptsOf(await at.ledger.claim(corrected, next, resend))[0]!, state: 'failed' }],
        next,
      );
      expect(await at.ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toMatchObject([
        { item: 0, about: 'user2@example.com', attempts: 2 },
      ]);
    });

    test('with a corrected list and hold: what was cut off is unknown in one row, its second row a duplicate', async () => {
      await at.ledger.markSending(receiptsOf(await at.ledger.claim(mails(0, 1), holderOf(), hold)), holderOf());
      await at.ledger.endLease(holderOf());
      const twice = [3, 0].map((item) => ({ ...mails(0, 1)[0]!, item }));
      expect(statesOf(await at.ledger.claim(twice.slice(0, 1), next, hold))).toEqual(['unknown']);
      expect(statesOf(await at.ledger.claim(twice.slice(1), next, hold))).toEqual(['duplicate']);
      expect(await at.ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toMatchObject([{ item: 3 }]);
    });
  });

  describe('a run under a key that has outlived its run', () => {
    test('does everything anew, whatever the earlier one left, and counts its attempts from none', async () => {
      const left = ['done', 'failed', 'retry', 'unknown'] as const;
      for (const [item, state] of left.entries()) await settleOne(at.ledger, item, state);
      await at.ledger.claim(mails(4, 5), holderOf(), resend);
      await at.ledger.markSending(receiptsOf(await at.ledger.claim(mails(5, 6), holderOf(), resend)), holderOf());
      await at.ledger.endLease(holderOf());
      for (const onAmbiguous of ['hold', 'resend'] as const) {
        const claimed = await at.ledger.claim(mails(0, 6), next, { ...forget, onAmbiguous });
        expect(claimed.map((one) => [one.state, 'attempts' in one && one.attempts])).toEqual(
          Array(6).fill(['ours', 0]),
        );
      }
      await settleOne(at.ledger, 1, 'failed', next);
      expect(await at.ledger.failures('email-campaign:a', { after: -1, limit: 9 })).toMatchObject([
        { item: 1, attempts: 1 },
      ]);
    });

    test('also what a person had discarded, and rows that stand elsewhere in its list; an address twice in it once', async () => {
      await settleOne(at.ledger, 0, 'failed');
      await settleOne(at.ledger, 1, 'done');
      await at.ledger.keepDeadLetter(letterOf('run-1'));
      await at.ledger.discardDeadLetters({ tenant: 'default' }, discard);
      const list = [1, 0, 1].map((old, item) => ({ ...mails(old, old + 1)[0]!, item }));
      expect(statesOf(await at.ledger.claim(list, next, forget))).toEqual(['ours', 'ours', 'duplicate']);
    });

    test('its own receipts it does not forget, nor, once it is redriven, those of its first run', async () => {
      await settleOne(at.ledger, 0, 'done', next);
      expect(await states(0, 1, holderOf({ runId: 'run-2b', chain: 'run-2', activityId: '7' }), forget)).toEqual([
        'done',
      ]);
      expect(await states(0, 1, holderOf({ runId: 'run-3' }), resend)).toEqual(['done']);
    });

    test('receipts of another workflow ID count as ever', async () => {
      await settleOne(at.ledger, 0, 'done');
      const other = holderOf({ workflowId: 'email-campaign:b', runId: 'run-b' });
      expect(await states(0, 1, other, forget)).toEqual(['done']);
    });

    test('what a live step of the earlier run is at is left to it; what it has settled is not', async () => {
      await settleOne(at.ledger, 0, 'done');
      await at.ledger.claim(mails(1, 2), holderOf(), resend);
      expect(await states(0, 2, next, forget)).toEqual(['ours', 'held']);
    });
  });
}
