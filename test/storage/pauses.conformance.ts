import { describe, expect, test } from 'vitest';
import type { Opened } from './claims.js';

const pause = { type: 'email-campaign', by: 'ada@ops', reason: 'typo', at: 1_000 };

export function pausesConformance(at: Opened): void {
  describe('pauses of a job type', () => {
    test('hold from one call to another, and for that type alone', async () => {
      expect(await at.ledger.pauseOf(pause.type)).toBeUndefined();
      const held = await at.ledger.pauseType(pause);
      expect(held).toEqual({ ...pause, number: held.number });
      expect(await at.ledger.pauseOf(pause.type)).toEqual(held);
      expect(await at.ledger.pauseOf('email')).toBeUndefined();
      expect(await at.ledger.pausedTypes()).toEqual([held]);

      expect(await at.ledger.resumeType(pause.type, 2_000)).toEqual(held);
      expect(await at.ledger.pauseOf(pause.type)).toBeUndefined();
      expect(await at.ledger.pausedTypes()).toEqual([]);
      expect(await at.ledger.resumeType(pause.type, 3_000)).toBeUndefined();
    });

    test('paused twice it stays as it was the first time; paused anew it is another pause', async () => {
      const first = await at.ledger.pauseType(pause);
      expect(await at.ledger.pauseType({ ...pause, by: 'bob@ops', reason: null, at: 1_500 })).toEqual(first);
      await at.ledger.resumeType(pause.type, 2_000);
      const second = await at.ledger.pauseType({ ...pause, by: 'bob@ops' });
      expect(second.number).toBeGreaterThan(first.number);
      expect(second.by).toBe('bob@ops');
    });

    test('of two processes that pause, or resume, at once, one does, and both are told of the same pause', async () => {
      const other = await at.open();
      try {
        for (let round = 0; round < 5; round++) {
          const both = await Promise.all(
            [at.ledger, other].map((ledger, n) => ledger.pauseType({ ...pause, by: `person ${n}`, at: round })),
          );
          expect(both[0]).toEqual(both[1]);
          expect(await at.ledger.pausedTypes()).toEqual([both[0]]);
          const ended = await Promise.all([at.ledger, other].map((ledger) => ledger.resumeType(pause.type, 9)));
          expect(ended.filter((one) => one !== undefined)).toEqual([both[0]]);
        }
      } finally {
        await other.close();
      }
    });

    test('runs that wait are to be woken once their pause is over, until they have been told', async () => {
      const { number } = await at.ledger.pauseType(pause);
      const other = await at.ledger.pauseType({ ...pause, type: 'file-pipeline' });
      for (const workflowId of ['a', 'b', 'b', 'c']) await at.ledger.keepWaiting({ workflowId, pause: number });
      await at.ledger.keepWaiting({ workflowId: 'd', pause: other.number });
      expect(await at.ledger.toWake(10)).toEqual([]);

      await at.ledger.resumeType(pause.type, 2_000);
      const waiting = await at.ledger.toWake(10);
      expect(waiting.toSorted((a, b) => a.workflowId.localeCompare(b.workflowId))).toEqual(
        ['a', 'b', 'c'].map((workflowId) => ({ workflowId, pause: number })),
      );
      expect(await at.ledger.toWake(2)).toHaveLength(2);
      await at.ledger.forgetWaiting({ workflowId: 'b', pause: number });
      await at.ledger.forgetWaiting({ workflowId: 'd', pause: number }); // of another pause
      expect((await at.ledger.toWake(10)).map(({ workflowId }) => workflowId).toSorted()).toEqual(['a', 'c']);
    });

    test('a run that had met the pause, but is told to wait only when it is over, is woken all the same', async () => {
      const { number } = await at.ledger.pauseType(pause);
      await at.ledger.resumeType(pause.type, 2_000);
      const again = await at.ledger.pauseType(pause);
      await at.ledger.keepWaiting({ workflowId: 'late', pause: number });
      await at.ledger.keepWaiting({ workflowId: 'new', pause: again.number });
      expect(await at.ledger.toWake(10)).toEqual([{ workflowId: 'late', pause: number }]);
    });
  });
}
