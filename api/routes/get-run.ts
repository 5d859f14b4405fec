import { isClosed } from '../../temporal/run.js';
import { exampleRun } from '../examples.js';
import { sendJson } from '../etag.js';
import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** GET /v1/runs/{workflowId}, or 304 when nothing has changed. */
export const getRun = ({ runs, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}',
  async handle(req, res) {
    const run = await runs.get(tenant, String(req.params['workflowId']));
    if (!isClosed(run.status)) res.set('Retry-After', '1');
    sendJson(req, res.set('Cache-Control', 'no-cache'), run);
  },
  docs: {
    operationId: 'get-run',
    summary: 'One run: its status, progress, result or error.',
    headers: {
      'If-None-Match': {
        description: 'The ETag of an earlier answer: 304 if nothing has changed.',
        schema: { type: 'string' },
      },
    },
    answers: {
      200: {
        description: 'The run.',
        schema: ref('Run'),
        example: exampleRun,
        headers: {
          ETag: 'Changes with the run.',
          'Retry-After': 'While the run is open: seconds until another look pays.',
        },
      },
      304: { description: 'Nothing has changed since the answer with this ETag.' },
    },
    problems: [404, 503],
  },
});
