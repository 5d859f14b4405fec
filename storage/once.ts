/**
 * An effect whose result is kept: made once, and given back to whoever asks again, a retry as well as a later run. For
 * effects that are harmless to repeat, such as a stored object: a crash between making and recording makes it again.
 */
import type { Holder, Ledger } from './ledger.js';

export interface OnceOptions<T> {
  /** A stored result that this refuses, because its blob is gone, is made again. */
  readonly isStillGood?: (result: T) => Promise<boolean>;
}

/**
 * Keeps results, never failures. Holds the holder's lease while it runs and ends it then, so a holder is for one `once`
 * at a time.
 * @param make gives JSON of at most 64 KiB; larger belongs into a blob
 * @throws what `make` throws; LedgerUnavailable; a plain Error, to be tried again, while another live attempt makes it
 */
export async function once<T>(
  ledger: Ledger,
  effect: string,
  holder: Holder,
  make: () => Promise<T>,
  { isStillGood = async () => true }: OnceOptions<T> = {},
): Promise<T> {
  const alive = setInterval(() => {
    // A missed sign of life costs nothing but the same work done twice, if two in a row are missed.
    ledger.renew(holder).catch(() => undefined);
  }, holder.heartbeatMs / 2);
  try {
    let claimed = await claimOne(false);
    if (claimed.state === 'done') {
      const result = claimed.result as T;
      if (await isStillGood(result)) return result;
      claimed = await claimOne(true);
    }
    if (claimed.state === 'held') {
      throw new Error(`${effect} is being made by another run that is still at work. It is tried again.`);
    }
    if (claimed.state !== 'ours') {
      throw new Error(
        `${effect} is "${claimed.state}" in the ledger: its key was used for something else than once().`,
      );
    }
    const result = await make();
    await ledger.settle([{ receipt: claimed.receipt, state: 'done', result }], holder);
    return result;
  } finally {
    clearInterval(alive);
    // What failed is free at once. If that can't be written now, the lease runs out by itself.
    await ledger.endLease(holder).catch(() => undefined);
  }

  async function claimOne(redo: boolean) {
    const [claimed] = await ledger.claim([{ effect, item: 0 }], holder, { onAmbiguous: 'resend', round: 0, redo });
    return claimed!;
  }
}
