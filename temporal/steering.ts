/** What can be asked of an open run, as workflow updates: their names and arguments. Pure: the workflow sandbox reads it too. */
export const steering = {
  pause: 'pause',
  resume: 'resume',
  reschedule: 'reschedule',
  runNow: 'runNow',
} as const;

/** What `reschedule` takes; the others take nothing. Who asks, and why, is in the ledger: no name stands in a history. */
export interface NewTime {
  /** ISO 8601 */
  readonly runAt: string;
}

/** A job type is paused: what a step that must not begin fails with; `details` holds the pause's number, which counts up. */
export const typePausedCode = 'job-type-paused';

/** The signal that ends the wait: its argument is the number of the pause that is over, and all before it are too. */
export const typeResumedSignal = 'typeResumed';

/** What a step fails with that was picked up after the run's `expiresAt`. */
export const expiredCode = 'expired';
