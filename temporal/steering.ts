/** What can be asked of an open run, as workflow updates: their names and arguments. Pure: the workflow sandbox reads it too. */
export const steering = {
  pause: 'pause',
  resume: 'resume',
  reschedule: 'reschedule',
  runNow: 'runNow',
} as const;

/** Whoever asks, for the record. */
export interface Asked {
  readonly by: string;
  readonly reason?: string;
}

export interface AskedToReschedule extends Asked {
  /** ISO 8601 */
  readonly runAt: string;
}

/** A job type is paused: what a step that must not begin fails with, `details: [TypePause]`. */
export const typePausedCode = 'job-type-paused';

export interface TypePause {
  /** Counts up. */
  readonly number: number;
  readonly by: string;
  /** ISO 8601 */
  readonly at: string;
  readonly reason?: string;
}

/** The signal that ends the wait: its argument is the number of the pause that is over, and all before it are too. */
export const typeResumedSignal = 'typeResumed';

/** What a step fails with that was picked up after the run's `expiresAt`. */
export const expiredCode = 'expired';
