import { batch } from './batch.js';
import { bulk } from './bulk.js';
import type { Job } from './define-job.js';
import { emailCampaign } from './email-campaign.js';
import { filePipeline } from './file-pipeline.js';

/** Every job type there is. The API's routes, OpenAPI, the workers and GET /v1/job-types follow from this list. */
export const jobs = [
  emailCampaign,
  filePipeline,
  // Yours below: upstream changes nothing here.
] as const;

/** The house's own: no POST /v1/jobs/{type} starts them, but they run like any other. */
export const houseJobs = [batch, bulk] as const;

export type AnyJob = (typeof jobs)[number];
export type JobType = AnyJob['type'];

const byType = new Map<string, Job>([...jobs, ...houseJobs].map((job) => [job.type, job]));

export const jobOfType = (type: string): Job | undefined => byType.get(type);
