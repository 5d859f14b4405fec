import { z } from 'zod';
import { limitOf } from '../paging.js';
import type { Parts } from '../parts.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';

const query = z.strictObject({
  limit: limitOf(50),
  cursor: z
    .string()
    .regex(/^[\w-]{1,20}$/)
    .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
    .refine((after) => Number.isSafeInteger(after) && after >= 0, 'must be the nextCursor of an earlier answer')
    .optional()
    .describe('`nextCursor` of the answer before.'),
});

/** GET /v1/runs/{workflowId}/failures: the recipients that failed for good, or of whom nobody knows; told by the ledger. */
export const runFailures = ({ runs, ledger, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/failures',
  query,
  async handle(req, res) {
    const { limit, cursor: after = -1 } = queryOf(query, res);
    const { workflowId } = await runs.find(tenant, String(req.params['workflowId']));
    const found = await ledger.failures(workflowId, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    res.json({
      failures: page.map(({ item, about, state, code, message, attempts }) => ({
        index: item,
        email: about,
        status: state,
        code,
        message,
        attempts,
      })),
      nextCursor: found.length > limit && last ? Buffer.from(String(last.item)).toString('base64url') : null,
    });
  },
  docs: {
    operationId: 'list-run-failures',
    summary: 'What failed for good within a run, by row.',
    answers: {
      200: {
        description: 'A page of failures.',
        schema: ref('FailureList'),
        example: {
          failures: [
            {
              index: 17,
              email: 'ada@example.com',
              status: 'failed',
              code: 'refused',
              message: '550 no such user',
              attempts: 1,
            },
          ],
          nextCursor: null,
        },
      },
    },
    problems: [404, 503],
  },
});
