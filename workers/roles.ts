/** The task queues a worker process can serve, and how much of each at once. */
import { cpus } from 'node:os';
import type { WorkerOptions } from '@temporalio/worker';
import type { TaskQueue } from '../jobs/define-job.js';

type Role = Pick<WorkerOptions, 'maxConcurrentActivityTaskExecutions' | 'maxConcurrentActivityTaskPolls'>;

/**
 * One for each partition that Temporal gives a task queue. The SDK's 10 hold as many slots while they wait, and no run's
 * first step could start eagerly; they also cost a fifth of a campaign's CPU.
 */
const maxConcurrentActivityTaskPolls = 4;

/** @param concurrency steps at once, per task queue: WORKER_CONCURRENCY */
export const roles = (concurrency: number): Record<TaskQueue, Role> => ({
  // Mail waits for the network; the SMTP connections bound it, whatever the number of slices.
  email: { maxConcurrentActivityTaskExecutions: concurrency, maxConcurrentActivityTaskPolls },
  // Pictures want a core each. Twice as many steps as cores: while one decodes, another fetches or stores.
  files: {
    maxConcurrentActivityTaskExecutions: Math.min(concurrency, 2 * cpus().length),
    maxConcurrentActivityTaskPolls,
  },
});

/** Longer than any slice (2 s) with its last mails; the server's stop must allow more than both. */
export const shutdown = { shutdownGraceTime: '20s', shutdownForceTime: '30s' } as const;
