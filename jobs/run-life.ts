/** The steps that the house itself adds to a run. */
import { step } from './define-job.js';

export interface DeadLetterNote {
  readonly code: string;
  /** The step that failed for good. */
  readonly step?: string;
  readonly message: string;
  /** How often the step was tried. */
  readonly attempts?: number;
  /** Set when only so many rows of the run failed. */
  readonly rows?: number;
  readonly tags: readonly string[];
}

export const runLife = {
  steps: { keepDeadLetter: step<DeadLetterNote, void>({ startToClose: '10s', retry: 'quick' }) },
};
