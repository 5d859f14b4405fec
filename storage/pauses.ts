/** Job types that are paused, and the runs that wait because of it. */

export interface TypePause {
  /** Counts up, whatever the type. */
  readonly number: number;
  readonly type: string;
  readonly by: string;
  readonly reason: string | null;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface Waiting {
  readonly workflowId: string;
  /** Of the pause that it met. */
  readonly pause: number;
}

export interface Pauses {
  /** Paused already, it stays as it is. @returns the pause that holds */
  pauseType(pause: Omit<TypePause, 'number'>): Promise<TypePause>;
  /** @returns the pause that this has ended; undefined if there was none */
  resumeType(type: string, at: number): Promise<TypePause | undefined>;
  pauseOf(type: string): Promise<TypePause | undefined>;
  pausedTypes(): Promise<TypePause[]>;
  /** A run has met a pause, and waits to be told of its end. */
  keepWaiting(waiting: Waiting): Promise<void>;
  /** Runs that wait although their pause is over. */
  toWake(limit: number): Promise<Waiting[]>;
  forgetWaiting(waiting: Waiting): Promise<void>;
}
