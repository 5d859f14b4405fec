/**
 * What failed for good and waits for a person: a whole run, or rows of one that has otherwise ended well. A run has one
 * letter at most; the rows behind it are its receipts in `failed` and `unknown`.
 */

export type DeadLetterStatus = 'failed' | 'timedOut' | 'terminated' | 'completed';

/** What is told of a run when it has failed. */
export interface NewDeadLetter {
  readonly workflowId: string;
  /** The first execution of the run's chain: a redriven run is another one. */
  readonly chain: string;
  readonly tenant: string;
  readonly type: string;
  /** `completed`: only rows of it failed. */
  readonly status: DeadLetterStatus;
  readonly code: string;
  readonly step: string | null;
  readonly message: string;
  readonly attempts: number | null;
  readonly tags: readonly string[];
  /** Unix milliseconds. */
  readonly failedAt: number;
}

/** `redriving`: a redrive is being started just now. */
export type DeadLetterState = 'open' | 'redriving' | 'redriven' | 'discarded';

/** One letter as people see it: of a run, or of one row. */
export interface DeadLetter extends Omit<NewDeadLetter, 'tenant'> {
  /** The row; null for a whole run. */
  readonly item: number | null;
  /** Whom the row is about. */
  readonly about: string | null;
}

export interface DeadLetterFilter {
  readonly tenant: string;
  readonly workflowId?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly tag?: string | undefined;
  /** Failed at or after, and before, in Unix milliseconds. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** One row of a run. */
  readonly item?: number | undefined;
}

/** Where the page before ended. */
export interface DeadLetterPlace {
  readonly failedAt: number;
  readonly workflowId: string;
  /** -1 for a whole run. */
  readonly item: number;
}

export interface DeadLetterGroup {
  readonly type: string;
  readonly step: string | null;
  readonly code: string;
  /** Letters. */
  readonly count: number;
  readonly runs: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** One of their messages. */
  readonly message: string;
}

export interface DeadLetters {
  /** Told of the same run again, it changes nothing; of a redriven run that failed too, the letter is open again. */
  keepDeadLetter(letter: NewDeadLetter): Promise<void>;
  /** Open ones, the latest first. */
  deadLetters(filter: DeadLetterFilter, page: { after: DeadLetterPlace | null; limit: number }): Promise<DeadLetter[]>;
  /** Open ones by their cause, the most first. */
  deadLetterGroups(filter: DeadLetterFilter): Promise<DeadLetterGroup[]>;
  /** The runs with an open letter, after `after` by name. */
  deadRuns(filter: DeadLetterFilter, page: { after: string; limit: number }): Promise<string[]>;
  /** How many runs have an open letter. */
  countDeadRuns(filter: DeadLetterFilter): Promise<number>;
  /** @returns the state of a run's letter; undefined if it has none */
  deadLetterState(workflowId: string): Promise<{ state: DeadLetterState; chain: string } | undefined>;
  /**
   * Of any number that want to redrive a run at once, one gets true. Who got it says how that ended; one that never does
   * loses it after a minute.
   */
  beginRedrive(workflowId: string, at: number): Promise<boolean>;
  endRedrive(workflowId: string, started: boolean): Promise<void>;
  /** Redrives whose process never said how they ended. Whoever can ask Temporal ends them: they are in no list meanwhile. */
  lostRedrives(at: number, limit: number): Promise<{ workflowId: string; chain: string }[]>;
  /**
   * A run that is redriven with another input: rows that failed in its earlier chain, and that the new one has not taken,
   * are none of it any more.
   */
  forgetFailures(workflowId: string, chain: string): Promise<void>;
  /**
   * Open letters that the filter fits are done with: nothing redrives them any more. Of a run of which only rows fit,
   * only those. The act is kept for each of the runs.
   * @returns how many letters
   */
  discardDeadLetters(filter: DeadLetterFilter, act: { by: string; reason: string; at: number }): Promise<number>;
}
