import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** GET /v1/runs/{workflowId}/input: what it was started with, lists by reference. */
export const runInputRoute = ({ runs, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/input',
  async handle(req, res) {
    res.json({ input: (await runs.input(tenant, String(req.params['workflowId']))) ?? null });
  },
  docs: {
    operationId: 'get-run-input',
    summary: 'What a run was started with. A list is told as the file that holds it, one JSON row per line.',
    answers: {
      200: {
        description: 'The input.',
        schema: ref('RunInput'),
        example: {
          input: {
            template: 'welcome',
            recipients: { fileId: `default.${'0a1b2c3d'.repeat(8)}`, format: 'list', count: 500 },
          },
        },
      },
    },
    problems: [404, 409, 503],
  },
});
