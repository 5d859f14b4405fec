import { describe, expect, test } from 'vitest';
import { runEffect, runEffects } from '../../storage/run-effects.js';
import { holderOf, receiptsOf, resend, type Opened } from './claims.js';

export function outcomesConformance(at: Opened): void {
  describe('outcomes by the beginning of their effects', () => {
    /** `outcome` undefined leaves it claimed. */
    async function keep(effect: string, item: number, outcome: string | undefined) {
      const holder = holderOf({ workflowId: effect, activityId: String(item) });
      const receipts = receiptsOf(await at.ledger.claim([{ effect, item, about: `about ${item}` }], holder, resend));
      if (outcome === undefined) return;
      const settled =
        outcome === 'failed'
          ? ({ state: 'failed', code: 'bad', message: 'no' } as const)
          : ({ state: 'done', result: { outcome } } as const);
      await at.ledger.settle([{ receipt: receipts[0]!, ...settled }], holder);
    }

    test('are told in the order of their effects, a page at a time, each with what it came to', async () => {
      const outcomes = ['accepted', undefined, 'failed', 'replayed'];
      for (const n of [3, 1, 0, 2]) await keep(runEffect('default', 'batch:a', n), n, outcomes[n]);
      const prefix = runEffects('default', 'batch:a');
      const all = await at.ledger.outcomes(prefix, { after: '', limit: 10 });
      expect(all).toEqual([
        {
          ...{ effect: `${prefix}000000`, item: 0, about: '', state: 'done', code: null, message: null },
          result: { outcome: 'accepted' },
        },
        { effect: `${prefix}000001`, item: 1, about: 'about 1', state: 'claimed', code: null, message: null },
        { effect: `${prefix}000002`, item: 2, about: 'about 2', state: 'failed', code: 'bad', message: 'no' },
        {
          ...{ effect: `${prefix}000003`, item: 3, about: '', state: 'done', code: null, message: null },
          result: { outcome: 'replayed' },
        },
      ]);
      const first = await at.ledger.outcomes(prefix, { after: '', limit: 2 });
      const second = await at.ledger.outcomes(prefix, { after: first.at(-1)!.effect, limit: 9 });
      expect([...first, ...second]).toEqual(all);
      expect(await at.ledger.countOutcomes(prefix)).toEqual({ accepted: 1, replayed: 1 });
    });

    test.each([
      ['a', 'ab'],
      ['a', 'a/b'],
      ['a/b', 'a%2Fb'],
      ['a', 'A'],
      ['%', 'a'],
      ['_', 'a'],
      ['*', 'a'],
      ['[a]', 'a'],
    ])('those of %j are not those of %j', async (one, other) => {
      await keep(runEffect('default', one, 0), 0, 'accepted');
      await keep(runEffect('default', other, 0), 0, 'conflict');
      await keep(runEffect('default', other, 1), 1, 'conflict');
      const outcomes = await at.ledger.outcomes(runEffects('default', one), { after: '', limit: 9 });
      expect(outcomes.map(({ result }) => result)).toEqual([{ outcome: 'accepted' }]);
      expect(await at.ledger.countOutcomes(runEffects('default', one))).toEqual({ accepted: 1 });
      expect(await at.ledger.countOutcomes(runEffects('default', other))).toEqual({ conflict: 2 });
      expect(await at.ledger.countOutcomes(runEffects('other', one))).toEqual({});
    });
  });

  describe('marks', () => {
    test('tell how far something has come, in each process, and never go back', async () => {
      expect(await at.ledger.mark('sweep')).toBeUndefined();
      await at.ledger.setMark('sweep', 5);
      const other = await at.open();
      await other.setMark('sweep', 3); // who began earlier and ended later
      expect(await other.mark('sweep')).toBe(5);
      await other.setMark('sweep', 8);
      await other.close();
      expect(await at.ledger.mark('sweep')).toBe(8);
      expect(await at.ledger.mark('swee')).toBeUndefined();
    });
  });
}
