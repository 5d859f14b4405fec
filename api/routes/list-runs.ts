import { z } from 'zod';
import { runStatuses } from '../../temporal/run.js';
import type { Parts } from '../parts.js';
import { exampleRun } from '../examples.js';
import { tag } from '../orders.js';
import { limitOf } from '../paging.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';
import { time } from '../times.js';

/** GET /v1/runs: open ones first, then the latest closed. Some seconds late: Temporal's visibility store is. */
export const listRuns = ({ runTypes: types, runs, tenant }: Parts): Route => {
  const query = z.strictObject({
    type: z.enum(types).optional(),
    status: z.enum(runStatuses).optional(),
    tag: tag().optional(),
    after: time().optional().describe('Created then or later.'),
    before: time().optional().describe('Created before.'),
    limit: limitOf(50),
    cursor: z.base64url().min(1).max(10_000).optional().describe('`nextCursor` of the answer before.'),
  });
  return {
    method: 'get',
    path: '/v1/runs',
    query,
    async handle(_req, res) {
      const { type, ...filter } = queryOf(query, res);
      res.json(await runs.list(tenant, { types: type ? [type] : types, ...filter }));
    },
    docs: {
      operationId: 'list-runs',
      summary: 'Runs: open ones first, then the latest closed.',
      description:
        'May be some seconds late. The progress of open runs is the last that was heard of, marked as `stale`; that of closed ones is null unless somebody looked at the run.',
      answers: {
        200: {
          description: 'A page of runs.',
          schema: ref('RunList'),
          example: { runs: [{ ...exampleRun, stale: true }], nextCursor: null },
        },
      },
      problems: [503],
    },
  };
};
