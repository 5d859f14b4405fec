import type { Job } from '../../jobs/define-job.js';
import { exampleRun } from '../examples.js';
import { keyHeader, keyOf } from '../idempotency-key.js';
import { jsonBody } from '../json-body.js';
import { jsonSchema } from '../openapi.js';
import { orderFor } from '../orders.js';
import type { Parts } from '../parts.js';
import { jobNamed } from '../job-named.js';
import type { OperationDoc, Route } from '../route.js';
import { ref } from '../schemas.js';

/** POST /v1/jobs/{type} answers before the run begins: 202, or 200 for a key seen before. */
export const startRun = ({ jobs, runs, readOrder, tenant }: Parts): Route => ({
  method: 'post',
  path: '/v1/jobs/{type}',
  before: [(req, _res, next) => (jobNamed(jobs, req.params['type']), next()), ...jsonBody],
  async handle(req, res) {
    const job = jobNamed(jobs, req.params['type']);
    const key = keyOf(req);
    const order = await readOrder(job, tenant, req.body);
    const { run, replayed } = await runs.start({ tenant, job, order, body: req.body, key });

    if (replayed) res.set('Idempotency-Replayed', 'true');
    res
      .status(replayed ? 200 : 202)
      .location(run.links.self)
      .json(run);
  },
  docs: () => Object.fromEntries(jobs.map((job) => [`/v1/jobs/${job.type}`, docsOf(job)])),
});

const docsOf = (job: Job): OperationDoc => {
  const example = {
    ...exampleRun,
    workflowId: exampleRun.workflowId.replace('email-campaign', job.type),
    type: job.type,
  };
  return {
    operationId: `start-${job.type}`,
    summary: job.summary,
    description: 'Answers at once; the run goes on through crashes and deploys. See it at `Location`.',
    headers: keyHeader('The same key with the same body starts one run, however often it is sent.'),
    body: {
      required: true,
      content: {
        'application/json': { schema: jsonSchema(orderFor(job), 'input'), example: { input: job.example } },
      },
    },
    answers: {
      202: {
        description: 'Accepted: the run is never lost.',
        schema: ref('Run'),
        example,
        headers: { Location: 'The run.' },
      },
      200: {
        description: 'This Idempotency-Key was sent before with the same body: the run that it started.',
        schema: ref('Run'),
        example,
        headers: { Location: 'The run.', 'Idempotency-Replayed': 'true' },
      },
    },
    problems: [400, 404, 413, 415, 503],
  };
};
