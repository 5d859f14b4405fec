/**
 * Writes receipts in few transactions: what asks within the same moment shares one. `sending` is durable before the
 * effect (one fsync for all that became free together); how effects ended is gathered for some milliseconds.
 */
import type { Holder, Ledger, Settlement } from '../../storage/ledger.js';

/** Mails confirmed within this are recorded together; so many may be repeated after a kill, beside those on the way. */
const settleGatherMs = 10;

export class ReceiptWriter {
  readonly #ledger: Ledger;
  readonly #holder: Holder;
  #toMark: { receipt: number; resolve: (marked: boolean) => void; reject: (error: unknown) => void }[] = [];
  #isMarking = false;
  #toSettle: Settlement[] = [];
  #settleTimer: NodeJS.Timeout | undefined;
  #settling: Promise<void> = Promise.resolve();

  constructor(ledger: Ledger, holder: Holder) {
    this.#ledger = ledger;
    this.#holder = holder;
  }

  /** @returns false if another attempt has taken it over */
  markSending(receipt: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#toMark.push({ receipt, resolve, reject });
      if (this.#isMarking || this.#toMark.length > 1) return; // goes along with those before it
      setImmediate(() => void this.#flushMarks());
    });
  }

  settle(settlement: Settlement): void {
    this.#toSettle.push(settlement);
    this.#settleTimer ??= setTimeout(() => void this.#flushSettlements(), settleGatherMs);
  }

  /** Resolves once all is recorded. @throws what the ledger threw */
  async finish(): Promise<void> {
    this.#flushSettlements();
    await this.#settling;
  }

  /** While one transaction is synced, the next ones gather. */
  async #flushMarks(): Promise<void> {
    this.#isMarking = true;
    while (this.#toMark.length > 0) {
      const marks = this.#toMark;
      this.#toMark = [];
      const receipts = marks.map(({ receipt }) => receipt);
      try {
        const marked = new Set(await this.#ledger.markSending(receipts, this.#holder));
        for (const { receipt, resolve } of marks) resolve(marked.has(receipt));
      } catch (error) {
        for (const { reject } of marks) reject(error);
      }
    }
    this.#isMarking = false;
  }

  #flushSettlements(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    const settlements = this.#toSettle;
    this.#toSettle = [];
    if (settlements.length === 0) return;
    this.#settling = this.#settling.then(() => this.#ledger.settle(settlements, this.#holder));
    this.#settling.catch(() => undefined); // thrown by finish()
  }
}
