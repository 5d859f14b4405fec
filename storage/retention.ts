/**
 * What the ledger forgets: all that it keeps of a run goes some time after the run's end. It does not know which runs
 * there are, so it names what is old, and whoever can ask Temporal says which of it may go.
 */

/** In this order: while a receipt is there, so is the letter that tells of it. */
export const traceKinds = ['receipts', 'holders', 'deadLetters', 'pendingRuns', 'waiting', 'acts'] as const;
export type TraceKind = (typeof traceKinds)[number];

export interface Trace {
  /** Its place among those of its kind, which were made in about this order. */
  readonly number: number;
  /** A workflow ID, or what an act was done to. */
  readonly subject: string;
  /** It may go once none of these runs is there any more. None: by age alone. */
  readonly runs: readonly string[];
}

export interface Retention {
  /**
   * Looks at the next `limit` traces of a kind, after the place `after` (0 for all).
   * @returns of these the ones that last changed before `before`; `last` is null where there are no more
   */
  oldTraces(
    kind: TraceKind,
    page: { after: number; before: number; limit: number },
  ): Promise<{ old: Trace[]; last: number | null }>;
  /** Forgets them, but for those that have changed meanwhile, as when a run has begun again. @returns how many went */
  forgetTraces(kind: TraceKind, traces: readonly Trace[], before: number): Promise<number>;
}
