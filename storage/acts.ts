/** What people did: with whom, when and why. Kept before it is done, so that no act goes unrecorded. */

export const actNames = [
  'cancel',
  'terminate',
  'pause',
  'resume',
  'reschedule',
  'run-now',
  'redrive',
  'discard',
  'trigger',
  'backfill',
  'delete',
] as const;
export type ActName = (typeof actNames)[number];

export interface Act {
  /** What it was done to: a workflow ID, or what `subjects` makes. */
  readonly subject: string;
  readonly act: ActName;
  /** As told by the caller, or the key that was used; for people. */
  readonly by: string;
  readonly reason: string | null;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The subjects that are no runs. */
export const subjects = {
  jobType: (type: string) => `job-type/${type}`,
  schedule: (id: string) => `schedule/${id}`,
};

export interface Acts {
  /** Durable once it resolves. @returns its number, for `forgetAct` */
  keepAct(act: Act): Promise<number>;
  /** For an act that was refused: it never happened. */
  forgetAct(number: number): Promise<void>;
  /** The latest first. */
  actsOf(subject: string, limit: number): Promise<Act[]>;
}
