/** Holders, claims and what they came to, for tests of the ledger. */
import type { Claimed, Holder, Ledger } from '../../storage/ledger.js';

/** The ledger of the test at hand, and how another process opens the same one. */
export interface Opened {
  readonly ledger: Ledger;
  open(): Promise<Ledger>;
}

export const resend = { onAmbiguous: 'resend', round: 0 } as const;
export const hold = { onAmbiguous: 'hold', round: 0 } as const;

export const holderOf = (parts: Partial<Holder> = {}): Holder => ({
  workflowId: 'email-campaign:a',
  runId: 'run-1',
  chain: parts.runId ?? 'run-1',
  activityId: '1',
  attempt: 1,
  process: 'host:1:a',
  heartbeatMs: 60_000,
  ...parts,
});

export const mails = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({
    effect: `default/email/email-campaign:a/${from + at}`,
    item: from + at,
    about: `user${from + at}@example.com`,
  }));

export const receiptsOf = (claimed: Claimed[]) => claimed.map((one) => ('receipt' in one ? one.receipt : -1));
export const statesOf = (claimed: Claimed[]) => claimed.map(({ state }) => state);

/** Claims, marks and settles one row as `state`. @returns its receipt */
export async function settleOne(
  ledger: Ledger,
  item: number,
  state: 'done' | 'failed' | 'retry' | 'unknown',
  holder: Holder = holderOf(),
  round = 0,
): Promise<number> {
  const claims = mails(item, item + 1).map((mail) => ({
    ...mail,
    effect: mail.effect.replace('email-campaign:a', holder.workflowId),
  }));
  const [receipt] = receiptsOf(await ledger.claim(claims, holder, { ...resend, round }));
  if (!(await ledger.markSending([receipt!], holder)).includes(receipt!)) throw new Error(`Row ${item} is not ours.`);
  await ledger.settle([{ receipt: receipt!, state, code: 'smtp', message: '550 no such user' }], holder);
  return receipt!;
}
