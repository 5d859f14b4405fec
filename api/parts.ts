/** What the routes are made of, put together from what a process has opened. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Job } from '../jobs/define-job.js';
import { houseJobs } from '../jobs/index.js';
import type { Blobs } from '../storage/blobs.js';
import type { Ledger } from '../storage/ledger.js';
import { defaultTenant } from '../temporal/memo.js';
import { batches, type Batches } from './batches.js';
import { bulkActs, type BulkActs } from './bulk-acts.js';
import { liveRuns, type LiveOptions, type LiveRuns } from './live/live-runs.js';
import { orderChecker, orderReader, type ReadOrder } from './orders.js';
import { readiness, type Readiness } from './readiness.js';
import { temporalRuns, type Runs } from './runs.js';
import { schedulesOf, type Schedules } from './schedules.js';
import { temporalSteering, type Steering } from './steering.js';
import { whyOf, type Why } from './why.js';

export interface Parts {
  /** Those that POST /v1/jobs/{type} starts. */
  readonly jobs: readonly Job[];
  /** Every type that a run may have. */
  readonly runTypes: readonly string[];
  readonly runs: Runs;
  readonly batches: Batches;
  readonly bulkActs: BulkActs;
  readonly steering: Steering;
  readonly why: Why;
  readonly live: LiveRuns;
  readonly schedules: Schedules;
  readonly readOrder: ReadOrder;
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

export interface Opened {
  readonly client: Client;
  readonly jobs: readonly Job[];
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  /** Of the Temporal Web UI. */
  readonly uiUrl: string;
  /** Resolves once the namespace can take runs. */
  readonly namespaceReady: Promise<void>;
  readonly apiKeys: readonly string[];
  readonly log: Logger;
  readonly closing: AbortSignal;
  readonly live?: Partial<LiveOptions>;
}

export function partsOf(opened: Opened): Parts {
  const { client, jobs, ledger, blobs, apiKeys, log, closing, live } = opened;
  const known: readonly Job[] = [...jobs, ...(houseJobs as readonly unknown[] as readonly Job[])];
  const checkOrder = orderChecker(jobs, blobs);
  const readOrder = orderReader(checkOrder, blobs);
  const runs = temporalRuns({ ...opened, jobs: known });
  return {
    jobs,
    runTypes: known.map(({ type }) => type),
    runs,
    batches: batches({ runs, checkOrder, ledger, blobs }),
    bulkActs: bulkActs({ runs, jobs, blobs }),
    steering: temporalSteering({ client, runs, ledger, jobs: known }),
    why: whyOf({ client, runs, ledger }),
    live: liveRuns({ client, runs, log, closing, ...live }),
    schedules: schedulesOf({ ...opened, readOrder }),
    readOrder,
    ledger,
    blobs,
    readiness: readiness(opened),
    tenant: defaultTenant,
    apiKeys,
    log,
    closing,
  };
}
