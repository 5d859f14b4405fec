import { scheduleToCloseOf, type Job } from '../../jobs/define-job.js';
import { retryPolicies } from '../../jobs/retry-policies.js';
import { subjects } from '../../storage/acts.js';
import type { TypePause } from '../../storage/pauses.js';
import { actsOn } from '../acts.js';
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

export const getJobType = ({ jobs, ledger }: Parts): Route => ({
  method: 'get',
  path: '/v1/job-types/{type}',
  async handle(req, res) {
    const job = jobNamed(jobs, req.params['type']);
    const [pause, acts] = await Promise.all([ledger.pauseOf(job.type), actsOn(ledger, subjects.jobType(job.type))]);
    res.json({ ...shown(job), ...(pause && { paused: shownPause(pause) }), acts });
  },
  docs: {
    operationId: 'get-job-type',
    summary: 'One job type; whether it is paused, and what people did to it.',
    answers: {
      200: {
        description: 'The job type.',
        schema: ref('JobType'),
        ...(jobs[0] && { example: { ...shown(jobs[0]), acts: [] } }),
      },
    },
    problems: [404, 503],
  },
});

export const shownPause = ({ by, reason, at }: TypePause) => ({
  by,
  at: new Date(at).toISOString(),
  ...(reason !== null && { reason }),
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
