import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** GET /v1/runs/{workflowId}/why: one sentence of truth. */
export const runWhy = ({ why, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/why',
  async handle(req, res) {
    res.set('Cache-Control', 'no-store').json(await why(tenant, String(req.params['workflowId'])));
  },
  docs: {
    operationId: 'why-run',
    summary: 'What a run waits for, since when, and what comes next, in one sentence.',
    answers: {
      200: {
        description: 'Why.',
        schema: ref('Why'),
        example: {
          workflowId: 'email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc',
          status: 'running',
          why: 'Step sendSlice is tried again at 2026-07-01T12:00:42.000Z, its attempt 6: the mail server can’t be reached: connect ECONNREFUSED.',
          next: '2026-07-01T12:00:42.000Z',
          step: 'sendSlice',
          attempt: 6,
          lastError: 'The mail server can’t be reached: connect ECONNREFUSED',
        },
      },
    },
    problems: [404, 503],
  },
});
