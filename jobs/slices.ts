/**
 * A long list is worked through in slices: one step handles some hundred rows, because a Temporal step costs
 * milliseconds of server CPU. These are the words that the workflow and the steps share; they know nothing of mail.
 */
import type { RetryPolicyName } from './retry-policies.js';

/** Rows `from` to `to` (exclusive) of a stored list, in one round. */
export interface Slice {
  readonly fileId: string;
  readonly from: number;
  readonly to: number;
  /** 0 is the first pass; later rounds take only the rows that were refused for now. */
  readonly round: number;
  /** In the last round, what is refused for now fails for good. */
  readonly isLastRound: boolean;
}

/** How the rows of a slice ended. Rows that the slice did not get to are counted nowhere. */
export interface SliceOutcome {
  readonly sent: number;
  readonly failed: number;
  /** Rows whose effect another row of the same list stands for. */
  readonly duplicate: number;
  /** Handed over, but nobody knows whether they arrived; not repeated, since the run said `onAmbiguous: "hold"`. */
  readonly unknown: number;
  /** Refused for now: for a later round. */
  readonly retry: number;
  /** Where the slice stopped; null at its end. */
  readonly next: number | null;
}

/** The numbers of a sliced job. */
export interface SlicePlan {
  /** The step that handles a slice: what the dead letters of its rows name. */
  readonly step: string;
  /** Rows a slice handles at most. */
  readonly rows: number;
  /** Slices in flight per run; at most half of a worker's slots, so that other runs find some free. */
  readonly window: number;
  /** How long a slice goes on taking rows: pause, cancel and SIGTERM wait no longer than this. */
  readonly sliceMs: number;
  /** Continue as new once the history is this large, long before Temporal's own suggestion. */
  readonly historyBytes: number;
  /** When the rows refused for now are tried again. */
  readonly rounds: RetryPolicyName;
}
