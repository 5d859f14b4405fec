import { describe, expect, test } from 'vitest';
import { subjects, type Act } from '../../storage/acts.js';
import type { Opened } from './claims.js';

const act = (parts: Partial<Act> = {}): Act => ({
  ...{ subject: 'email-campaign:a', act: 'pause', by: 'ada@ops', reason: null, at: 1_000 },
  ...parts,
});

export function actsConformance(at: Opened): void {
  describe('acts', () => {
    test('are told by what they were done to, the latest kept first, as many as asked for', async () => {
      const kept = [act(), act({ act: 'resume', at: 900, reason: 'mended' }), act({ act: 'cancel', at: 1_000 })];
      for (const one of kept) await at.ledger.keepAct(one);
      await at.ledger.keepAct(act({ subject: subjects.jobType('email-campaign') }));
      await at.ledger.keepAct(act({ subject: 'email-campaign:ab' }));
      await at.ledger.keepAct(act({ subject: 'EMAIL-CAMPAIGN:A' }));
      expect(await at.ledger.actsOf('email-campaign:a', 50)).toEqual(kept.toReversed());
      expect(await at.ledger.actsOf('email-campaign:a', 2)).toEqual(kept.toReversed().slice(0, 2));
      expect(await at.ledger.actsOf('email-campaign:_', 50)).toEqual([]);
    });

    test('a refused one never happened, and takes no other with it', async () => {
      await at.ledger.keepAct(act());
      const refused = await at.ledger.keepAct(act({ act: 'redrive' }));
      await at.ledger.forgetAct(refused);
      await at.ledger.forgetAct(refused);
      await at.ledger.keepAct(act({ act: 'discard' })); // gets no number that was given before
      await at.ledger.forgetAct(refused);
      const left = await at.ledger.actsOf('email-campaign:a', 50);
      expect(left.map((one) => one.act)).toEqual(['discard', 'pause']);
    });

    test('what one process keeps, another is told at once', async () => {
      const other = await at.open();
      await other.keepAct(act());
      await other.close();
      expect(await at.ledger.actsOf('email-campaign:a', 50)).toEqual([act()]);
    });
  });
}
