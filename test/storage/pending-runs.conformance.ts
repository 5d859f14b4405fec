import { describe, expect, test } from 'vitest';
import type { Opened } from './claims.js';

const pending = (workflowId: string) => ({
  ...{ workflowId, type: 'email-campaign', tenant: 'default', batch: 'batch:a', tags: ['a', 'é"'] },
  ...{ createdAt: 1_000, dueAt: null },
});

export function pendingRunsConformance(at: Opened): void {
  describe('runs of a batch that are not yet started', () => {
    test('are told as they were accepted; accepted again they stay as they are', async () => {
      const due = { ...pending('b'), dueAt: 5_000 };
      await at.ledger.keepPending([pending('a'), due]);
      expect(await at.ledger.pendingRun('a')).toMatchObject({ ...pending('a'), cancelledAt: null });
      expect(await at.ledger.pendingRun('b')).toMatchObject({ ...due, cancelledAt: null });
      expect(await at.ledger.pendingRun('c')).toBeUndefined();
      await at.ledger.keepPending([{ ...pending('a'), batch: 'batch:b', tags: [] }, pending('c')]);
      expect(await at.ledger.pendingRun('a')).toMatchObject(pending('a'));
      expect(await at.ledger.pendingRun('c')).toMatchObject(pending('c'));
      await at.ledger.keepPending([]);
    });

    test('a thousand are kept in one call', async () => {
      const ids = Array.from({ length: 1_000 }, (_, n) => `run ${n}`);
      await at.ledger.keepPending(ids.map(pending));
      expect(await at.ledger.pendingRun('run 999')).toMatchObject(pending('run 999'));
    });

    test('cancelled, one is never begun, and keeps the time of the first cancel', async () => {
      await at.ledger.keepPending([pending('a')]);
      expect(await at.ledger.cancelPending('a', 2_000)).toBe(true);
      expect(await at.ledger.cancelPending('a', 3_000)).toBe(true);
      expect(await at.ledger.beginPending('a', 4_000)).toBe(false);
      expect(await at.ledger.pendingRun('a')).toMatchObject({ cancelledAt: 2_000 });
    });

    test('begun, one is not cancelled here any more, and may be begun again by a repeated step', async () => {
      await at.ledger.keepPending([pending('a')]);
      expect(await at.ledger.beginPending('a', 2_000)).toBe(true);
      expect(await at.ledger.cancelPending('a', 3_000)).toBe(false);
      expect(await at.ledger.beginPending('a', 4_000)).toBe(true);
      expect(await at.ledger.pendingRun('a')).toMatchObject({ cancelledAt: null });
    });

    test('one that was never kept can begin, and not be cancelled', async () => {
      expect(await at.ledger.beginPending('a', 1)).toBe(true);
      expect(await at.ledger.cancelPending('a', 1)).toBe(false);
    });

    test('of a cancel and a start at once, from two processes, exactly one wins', async () => {
      const other = await at.open();
      try {
        const ids = Array.from({ length: 40 }, (_, n) => `run ${n}`);
        await at.ledger.keepPending(ids.map(pending));
        const won = { cancel: 0, begin: 0 };
        for (const [n, id] of ids.entries()) {
          // In turn, or the first to be called would always win.
          const calls = [() => at.ledger.cancelPending(id, 2), () => other.beginPending(id, 2)];
          const both = n % 2 === 0 ? [calls[0]!(), calls[1]!()] : [calls[1]!(), calls[0]!()].reverse();
          const [isCancelled, isBegun] = await Promise.all(both);
          expect(isCancelled).toBe(!isBegun);
          expect((await at.ledger.pendingRun(id))!.cancelledAt).toBe(isCancelled ? 2 : null);
          won[isCancelled ? 'cancel' : 'begin'] += 1;
        }
        expect(Math.min(won.cancel, won.begin)).toBeGreaterThan(0);
      } finally {
        await other.close();
      }
    });
  });
}
