import { exampleRun } from '../examples.js';
import { noBody } from '../json-body.js';
import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** POST /v1/runs/{workflowId}/cancel: asks the run to stop; it cleans up and then ends as cancelled. */
export const cancelRun = ({ runs, tenant }: Parts): Route => ({
  method: 'post',
  path: '/v1/runs/{workflowId}/cancel',
  before: noBody,
  async handle(req, res) {
    res.json(await runs.cancel(tenant, String(req.params['workflowId'])));
  },
  docs: {
    operationId: 'cancel-run',
    summary: 'Ask a run to stop. It cleans up first; what it has done stays done.',
    answers: {
      200: {
        description: 'The run, cancelling or cancelled.',
        schema: ref('Run'),
        example: { ...exampleRun, status: 'cancelling', stale: true },
      },
    },
    problems: [400, 404, 409, 413, 415, 503],
  },
});
