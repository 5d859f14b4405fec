/**
 * The ledger: which effects were done, by whom, and how they ended. It is what makes a repeated step harmless, and the
 * only answer to "was this mail sent". Several processes use one ledger at once.
 *
 * A receipt goes `claimed` → `sending` → `done | failed | retry`. `unknown` is a `sending` whose holder is gone and
 * whose run asked not to repeat it.
 *
 * A holder's lease is its sign of life. While the lease of another activity is live, what it holds is not touched; a
 * later attempt of the same activity takes over at once.
 */

import type { Acts } from './acts.js';
import type { DeadLetters } from './dead-letters.js';
import type { Pauses } from './pauses.js';
import type { PendingRuns } from './pending-runs.js';
import type { Retention } from './retention.js';

export type SettledState = 'done' | 'failed' | 'retry' | 'unknown';
export type ReceiptState = 'claimed' | 'sending' | SettledState;

/** One attempt of one activity. */
export interface Holder {
  readonly workflowId: string;
  /** Of the execution at hand, to address the activity. */
  readonly runId: string;
  /** The first execution of a continued-as-new chain: receipts of another chain are an earlier run's. */
  readonly chain: string;
  readonly activityId: string;
  readonly attempt: number;
  /** `<host>:<pid>:<random>`: the process that the attempt runs in. */
  readonly process: string;
  /** Without a sign of life for twice this, the holder counts as gone. */
  readonly heartbeatMs: number;
}

export interface Claim {
  /** The effect key: `<tenant>/email/<workflowId>/<sha256(address)>`. Unique in the ledger. */
  readonly effect: string;
  /** The row of the list; 0 for an effect of its own. The same effect under another row is a duplicate. */
  readonly item: number;
  /** Whom or what it is about, for people to read in a list of failures. */
  readonly about?: string;
}

export interface ClaimOptions {
  readonly onAmbiguous: 'resend' | 'hold';
  /** Rounds from 0: a receipt in `retry` is taken only by a later round than the one that left it so. */
  readonly round: number;
  /** Takes a `done` receipt too: its stored result is no longer good, such as a blob that is gone. */
  readonly redo?: boolean;
  /**
   * Takes whatever an earlier chain of the same workflow ID has left: it is over, and what runs now is no redrive of it.
   * Receipts of other workflow IDs count as ever.
   */
  readonly forgetEarlierRuns?: boolean;
}

/** In the order of the claims. */
export type Claimed =
  /** Ours to do. `attempts` counts how often it was refused so far. */
  | { readonly state: 'ours'; readonly receipt: number; readonly attempts: number }
  /** Settled before. `round` is the one that settled it. */
  | { readonly state: SettledState; readonly receipt: number; readonly round: number; readonly result?: unknown }
  /** Another row of the same list has this effect. */
  | { readonly state: 'duplicate' }
  /** A live attempt of another activity has it. */
  | { readonly state: 'held' };

export interface Settlement {
  readonly receipt: number;
  readonly state: 'done' | 'failed' | 'retry' | 'unknown';
  /** Stable, for programs. */
  readonly code?: string;
  /** For people: what the other side said. */
  readonly message?: string;
  /** What a later claim of the same effect gets back; JSON, at most 64 KiB. */
  readonly result?: unknown;
}

export interface Failure {
  readonly item: number;
  readonly about: string;
  readonly state: 'failed' | 'unknown';
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
}

export interface Outcome {
  readonly effect: string;
  readonly item: number;
  readonly about: string;
  readonly state: ReceiptState;
  readonly code: string | null;
  readonly message: string | null;
  readonly result?: unknown;
}

export interface Lease {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
  readonly attempt: number;
  readonly process: string;
}

export interface StoredFile {
  readonly fileId: string;
  readonly name: string | null;
  readonly mediaType: string;
  readonly bytes: number;
}

export interface Ledger extends Acts, DeadLetters, Pauses, PendingRuns, Retention {
  /**
   * Claims effects before they are done, in one durable transaction that also renews the holder's lease.
   * Within one call and between calls, one effect is ours for one holder only.
   *
   * - `failed` of an earlier chain counts as `retry`: a redriven run tries it again, under whatever row its list now has
   *   it; but not what a person discarded.
   * - `unknown` of an earlier chain is ours for `resend`: who redrives with it has decided so.
   * - `claimed` of a holder that is gone was never handed over: it becomes ours.
   * - `sending` of a holder that is gone: ours for `resend`, settled as `unknown` for `hold`.
   * @param claims at most 64; more throws RangeError
   * @throws LedgerUnavailable nothing was claimed; safe to try again
   */
  claim(claims: readonly Claim[], holder: Holder, options: ClaimOptions): Promise<Claimed[]>;
  /**
   * Marks claimed receipts as about to be handed over; durable (fsync) once it resolves.
   * @returns those marked; a missing one has been taken over by another attempt: leave it and stop
   */
  markSending(receipts: readonly number[], holder: Holder): Promise<number[]>;
  /**
   * Records how effects ended. Not fsynced: a lost `done` means the effect once more, never a lost one. What another
   * attempt has taken over is left alone. `failed` and `retry` count an attempt.
   */
  settle(settlements: readonly Settlement[], holder: Holder): Promise<void>;
  /** Puts marked receipts that were certainly not handed over back to `claimed`, at no cost of an attempt. */
  unmark(receipts: readonly number[], holder: Holder): Promise<void>;
  /** A sign of life, at most every heartbeat. */
  renew(holder: Holder): Promise<void>;
  /** The attempt has ended: what it claimed and did not mark is free at once. */
  endLease(holder: Lease): Promise<void>;
  /** The leases whose `process` begins with this prefix, to find those of dead processes. */
  leasesOf(processPrefix: string): Promise<Lease[]>;
  /**
   * The rows of a round after the first, ascending, from `from` to `to` (exclusive): those in `retry` that an earlier
   * round left so, and those that this round has taken already (a repeated step must count them too).
   */
  itemsToRetry(query: {
    workflowId: string;
    chain: string;
    round: number;
    from: number;
    to: number;
    limit: number;
  }): Promise<number[]>;
  /** A run's items that failed or are unknown, by row, after `after` (exclusive; -1 for all). */
  failures(workflowId: string, page: { after: number; limit: number }): Promise<Failure[]>;
  /** Receipts whose effect begins with this, in the order of their effects, after `after` (an effect; '' for all). */
  outcomes(effectPrefix: string, page: { after: string; limit: number }): Promise<Outcome[]>;
  /** How many `done` receipts there are whose effect begins with this, by the `outcome` of their results. */
  countOutcomes(effectPrefix: string): Promise<Record<string, number>>;
  /** How far something that is done now and then has come, in Unix milliseconds. */
  mark(name: string): Promise<number | undefined>;
  setMark(name: string, at: number): Promise<void>;
  /** Keeps what is told of a file; the first name of a content stays. */
  saveFile(file: StoredFile): Promise<void>;
  file(fileId: string): Promise<StoredFile | undefined>;
  /** Reads and writes. @throws LedgerUnavailable */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The ledger can't be reached or used now: nothing was changed, and the same call is safe again. */
export class LedgerUnavailable extends Error {
  constructor(cause: unknown) {
    super(
      `The ledger can't be used now: ${cause instanceof Error ? cause.message : String(cause)}. It is tried again.`,
      { cause },
    );
    this.name = 'LedgerUnavailable';
  }
}
