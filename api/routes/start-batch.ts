import { z } from 'zod';
import { batch } from '../../jobs/batch.js';
import type { Job } from '../../jobs/define-job.js';
import { maxBatch } from '../batches.js';
import { exampleRun } from '../examples.js';
import { keyHeader, keyOf } from '../idempotency-key.js';
import { jobNamed } from '../job-named.js';
import { jsonBody, parsedBody } from '../json-body.js';
import { orderFor } from '../orders.js';
import type { Parts } from '../parts.js';
import type { OperationDoc, Route } from '../route.js';
import { ref } from '../schemas.js';

const body = z.strictObject({
  // What an item holds is checked one by one: a wrong one is refused, and the others are accepted.
  runs: z.array(z.record(z.string(), z.unknown())).min(1).max(maxBatch),
});

/** POST /v1/jobs/{type}/batch: each item is accepted or refused, in the time of one start. */
export const startBatch = ({ jobs, batches, tenant }: Parts): Route => ({
  method: 'post',
  path: '/v1/jobs/{type}/batch',
  before: [(req, _res, next) => (jobNamed(jobs, req.params['type']), next()), ...jsonBody],
  async handle(req, res) {
    const job = jobNamed(jobs, req.params['type']);
    const key = keyOf(req);
    const { runs: items } = parsedBody(body, req.body);
    const { run, replayed, items: outcomes } = await batches.start({ tenant, job, items, body: req.body, key });

    if (replayed) res.set('Idempotency-Replayed', 'true');
    if (run) res.location(run.links.self);
    res.status(run === undefined || replayed ? 200 : 202).json({ batch: run ?? null, items: outcomes });
  },
  docs: () => Object.fromEntries(jobs.map((job) => [`/v1/jobs/${job.type}/batch`, docsOf(job)])),
});

const docsOf = (job: Job): OperationDoc => ({
  operationId: `start-${job.type}-batch`,
  summary: `Many at once: ${job.summary}`,
  description:
    'One outcome per item, in order. Accepted items are started by a run of type `batch`, some at a time; until then they are `scheduled`. What became of each stands in /v1/runs/{batch}/items.',
  headers: keyHeader('Of the batch as a whole: the same key with the same body starts it once.'),
  body: {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['runs'],
          additionalProperties: false,
          properties: {
            runs: {
              type: 'array',
              minItems: 1,
              maxItems: maxBatch,
              items: {
                type: 'object',
                description: `As of POST /v1/jobs/${job.type}, with an \`idempotencyKey\` of its own if wanted: ${JSON.stringify(Object.keys(orderFor(job).shape))}.`,
              },
            },
          },
        },
        example: { runs: [{ input: job.example, idempotencyKey: 'order-1' }] },
      },
    },
  },
  answers: {
    202: {
      description: 'The batch, and what became of each item.',
      schema: ref('BatchAnswer'),
      example: {
        batch: { ...exampleRun, workflowId: `${batch.type}:06d3z8k1v5w9q2r7t4y0b6n3mc`, type: batch.type },
        items: [{ index: 0, outcome: 'accepted', workflowId: `${job.type}:06d3z8k1v5w9q2r7t4y0b6n3md` }],
      },
      headers: { Location: 'The batch.' },
    },
    200: {
      description: 'Sent before with the same key and body; or every item is refused, and there is no batch.',
      schema: ref('BatchAnswer'),
      example: {
        batch: null,
        items: [
          {
            ...{ index: 0, outcome: 'refused', code: 'invalid-request', detail: 'input is required.' },
            errors: [{ path: 'input', message: 'is required' }],
          },
        ],
      },
    },
  },
  problems: [400, 404, 413, 415, 503],
});
