import { scheduleToCloseOf, type Job } from '../../jobs/define-job.js';
import { retryPolicies } from '../../jobs/retry-policies.js';
import { jobNamed } from '../job-named.js';
import { jsonSchema } from '../openapi.js';
import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** GET /v1/job-types: what can be asked for, with every number of the contracts. */
export const listJobTypes = ({ jobs }: Parts): Route => {
  const answer = { jobTypes: jobs.map(shown) };
  return {
    method: 'get',
    path: '/v1/job-types',
    handle: (_req, res) => void res.json(answer),
    docs: {
      operationId: 'list-job-types',
      summary: 'The job types there are, with their schemas, steps and retry policies.',
      answers: { 200: { description: 'All of them.', schema: ref('JobTypeList'), example: answer } },
      problems: [],
    },
  };
};

export const getJobType = ({ jobs }: Parts): Route => ({
  method: 'get',
  path: '/v1/job-types/{type}',
  handle: (req, res) => void res.json(shown(jobNamed(jobs, req.params['type']))),
  docs: {
    operationId: 'get-job-type',
    summary: 'One job type.',
    answers: {
      200: { description: 'The job type.', schema: ref('JobType'), ...(jobs[0] && { example: shown(jobs[0]) }) },
    },
    problems: [404],
  },
});

const shown = (job: Job) => ({
  type: job.type,
  summary: job.summary,
  taskQueue: job.taskQueue,
  deadline: job.deadline,
  input: jsonSchema(job.input(), 'input'),
  output: jsonSchema(job.output()),
  example: job.example,
  steps: Object.fromEntries(
    Object.entries(job.steps).map(([name, { startToClose, heartbeat, retry, ...rest }]) => [
      name,
      {
        startToClose,
        scheduleToClose: scheduleToCloseOf({ startToClose, retry, ...rest }),
        ...(heartbeat && { heartbeat }),
        retry: { name: retry, ...retryPolicies[retry] },
      },
    ]),
  ),
  links: { self: `/v1/job-types/${job.type}`, start: `/v1/jobs/${job.type}` },
});
