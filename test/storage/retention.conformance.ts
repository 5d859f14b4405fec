import { beforeEach, describe, expect, test } from 'vitest';
import { subjects } from '../../storage/acts.js';
import { traceKinds, type Trace, type TraceKind } from '../../storage/retention.js';
import { holderOf, mails, resend, settleOne, statesOf, type Opened } from './claims.js';

export function retentionConformance(at: Opened): void {
  const run = 'email-campaign:a';
  const later = () => Date.now() + 1_000; // by then all that a test has written is old
  const old = async (kind: TraceKind, before = later(), limit = 100) =>
    (await at.ledger.oldTraces(kind, { after: 0, before, limit })).old;
  const pending = (workflowId: string, createdAt = 1_000) => ({
    ...{ workflowId, type: 'email-campaign', tenant: 'default', batch: 'batch:a', tags: [], createdAt, dueAt: null },
  });
  const letter = (failedAt: number, chain = 'run-1') => ({
    ...{ workflowId: run, chain, tenant: 'default', type: 'email-campaign', status: 'failed' as const, code: 'x' },
    ...{ step: null, message: '', attempts: 1, tags: [], failedAt },
  });
  const act = (subject: string, time: number) => ({
    subject,
    act: 'pause' as const,
    by: 'ada',
    reason: null,
    at: time,
  });

  describe('what is old', () => {
    async function leaveTraces() {
      await settleOne(at.ledger, 0, 'done');
      await at.ledger.endLease(holderOf());
      await at.ledger.keepDeadLetter(letter(Date.now()));
      await at.ledger.keepPending([pending(run, Date.now())]);
      const { number } = await at.ledger.pauseType({ type: 'email-campaign', by: 'ada', reason: null, at: 1 });
      await at.ledger.keepWaiting({ workflowId: run, pause: number });
      await at.ledger.keepAct(act('email-campaign:b', Date.now()));
    }

    test('of each kind: told with its run, forgotten, and then not there; what is younger is not told', async () => {
      await leaveTraces();
      for (const kind of traceKinds) {
        expect([kind, await old(kind, Date.now() - 60_000)]).toEqual([kind, []]);
        const traces = await old(kind);
        const subject = kind === 'acts' ? 'email-campaign:b' : run;
        const runs = kind === 'pendingRuns' ? [run, 'batch:a'] : [subject];
        expect(traces).toEqual([{ number: traces[0]!.number, subject, runs }]);
        expect(await at.ledger.forgetTraces(kind, traces, Date.now() - 60_000)).toBe(0); // too young after all
        expect(await at.ledger.forgetTraces(kind, traces, later())).toBe(1);
        expect(await at.ledger.forgetTraces(kind, traces, later())).toBe(0);
        expect(await old(kind)).toEqual([]);
      }
      expect(statesOf(await at.ledger.claim(mails(0, 1), holderOf({ runId: 'run-2' }), resend))).toEqual(['ours']);
      expect(await at.ledger.deadLetterState(run)).toBeUndefined();
      expect(await at.ledger.pendingRun(run)).toBeUndefined();
      expect(await at.ledger.actsOf('email-campaign:b', 9)).toEqual([]);
      await at.ledger.resumeType('email-campaign', 2);
      expect(await at.ledger.toWake(9)).toEqual([]);
    });

    test('a walk sees each once, in pages, and is told where it ends', async () => {
      for (let item = 0; item < 10; item++) await settleOne(at.ledger, item, 'done');
      const seen: number[] = [];
      let after: number | null = 0;
      while (after !== null) {
        const page: { old: Trace[]; last: number | null } = await at.ledger.oldTraces('receipts', {
          ...{ after, before: later(), limit: 4 },
        });
        await at.ledger.forgetTraces('receipts', page.old.slice(0, 2), later()); // what goes does not shift the rest
        seen.push(...page.old.map(({ number }) => number));
        after = page.last;
      }
      expect(new Set(seen).size).toBe(10);
      expect(await old('receipts')).toHaveLength(4);
    });
  });

  describe('what has changed since it was told', () => {
    test('stays: a receipt that was claimed again, a letter of another run, a run that waits anew', async () => {
      await settleOne(at.ledger, 0, 'failed');
      await at.ledger.keepDeadLetter(letter(1_000));
      const { number } = await at.ledger.pauseType({ type: 'email-campaign', by: 'ada', reason: null, at: 1 });
      await at.ledger.keepWaiting({ workflowId: run, pause: number });
      const kinds = ['receipts', 'deadLetters', 'waiting'] as const;
      const start = Date.now();
      await expect.poll(() => Date.now() > start).toBe(true);
      const before = Date.now();
      const told = await Promise.all(kinds.map((kind) => old(kind, before)));
      expect(told.map((traces) => traces.length)).toEqual([1, 1, 1]);

      await expect.poll(() => Date.now() > before).toBe(true);
      await at.ledger.claim(mails(0, 1), holderOf({ runId: 'run-2' }), resend);
      await at.ledger.keepDeadLetter(letter(Date.now(), 'run-2'));
      await at.ledger.keepWaiting({ workflowId: run, pause: number });
      for (const [n, kind] of kinds.entries())
        expect([kind, await at.ledger.forgetTraces(kind, told[n]!, before)]).toEqual([kind, 0]);
    });

    test('stays: a holder that gives a sign of life', async () => {
      await at.ledger.renew(holderOf());
      const start = Date.now();
      await expect.poll(() => Date.now() > start).toBe(true);
      const before = Date.now();
      const told = await old('holders', before);
      expect(told).toHaveLength(1);
      await expect.poll(() => Date.now() > before).toBe(true);
      await at.ledger.renew(holderOf());
      expect(await at.ledger.forgetTraces('holders', told, before)).toBe(0);
    });
  });

  test('a receipt whose holder is forgotten is an earlier run’s: settled as it was, free if it was not', async () => {
    for (const [item, state] of (['done', 'failed'] as const).entries()) await settleOne(at.ledger, item, state);
    await at.ledger.claim(mails(2, 3), holderOf(), resend);
    await at.ledger.forgetTraces('holders', await old('holders'), later());
    const next = holderOf({ runId: 'run-2' });
    expect(statesOf(await at.ledger.claim(mails(0, 4), next, resend))).toEqual(['done', 'ours', 'ours', 'ours']);
  });

  describe('acts', () => {
    beforeEach(async () => {
      for (let n = 1; n <= 60; n++) await at.ledger.keepAct(act(subjects.schedule('nightly'), n));
      for (let n = 1; n <= 3; n++) await at.ledger.keepAct(act(subjects.jobType('email-campaign'), n));
    });

    test('on a schedule or a job type go by age alone, but the latest 50 of each stay', async () => {
      const traces = await old('acts');
      expect(traces.map(({ subject, runs }) => [subject, runs])).toEqual(Array(10).fill(['schedule/nightly', []]));
      expect(await old('acts', 5)).toHaveLength(4); // younger ones stay, however many
      expect(await at.ledger.forgetTraces('acts', traces, later())).toBe(10);
      expect((await at.ledger.actsOf('schedule/nightly', 99)).map((one) => one.at)).toEqual(
        Array.from({ length: 50 }, (_, n) => 60 - n),
      );
      expect(await old('acts')).toEqual([]);
    });

    test('on a run of a batch stay as long as it is kept as pending', async () => {
      await at.ledger.keepPending([pending('waits')]);
      await at.ledger.keepAct(act('waits', 1));
      expect((await old('acts')).map(({ subject }) => subject)).not.toContain('waits');
      await at.ledger.forgetTraces('pendingRuns', await old('pendingRuns'), later());
      expect((await old('acts')).map(({ subject }) => subject)).toContain('waits');
    });
  });
}
