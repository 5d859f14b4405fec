/** What the routes are made of. */
import type { Logger } from 'pino';
import type { Job } from '../jobs/define-job.js';
import type { Blobs } from '../storage/blobs.js';
import type { Ledger } from '../storage/ledger.js';
import type { LiveRuns } from './live/live-runs.js';
import type { orderReader } from './orders.js';
import type { Readiness } from './readiness.js';
import type { Runs } from './runs.js';
import type { Schedules } from './schedules.js';
import type { Steering } from './steering.js';

export interface Parts {
  readonly jobs: readonly Job[];
  readonly runs: Runs;
  readonly steering: Steering;
  readonly live: LiveRuns;
  readonly schedules: Schedules;
  readonly readOrder: ReturnType<typeof orderReader>;
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  readonly readiness: Readiness;
  /** Until keys name one, everybody is the same. */
  readonly tenant: string;
  readonly apiKeys: readonly string[];
  readonly log: Logger;
  /** Aborts when the process is told to stop: whoever waits is answered at once. */
  readonly closing: AbortSignal;
}
