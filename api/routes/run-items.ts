import { z } from 'zod';
import { houseJobs } from '../../jobs/index.js';
import { runEffect, runEffects } from '../../storage/run-effects.js';
import type { Outcome } from '../../storage/ledger.js';
import { limitOf } from '../paging.js';
import type { Parts } from '../parts.js';
import { Problem } from '../problems.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';
import { optionalNumber } from '../whole-number.js';

const query = z.strictObject({
  limit: limitOf(50),
  cursor: optionalNumber(0, 999_999).describe('`nextCursor` of the answer before.'),
});

/** GET /v1/runs/{workflowId}/items: of a batch or a bulk act, what became of each of its runs, in order. */
export const runItems = ({ runs, ledger, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/items',
  query,
  async handle(req, res) {
    const { limit, cursor } = queryOf(query, res);
    const { workflowId, type } = await runs.find(tenant, String(req.params['workflowId']));
    if (!houseJobs.some((job) => job.type === type)) {
      throw new Problem(404, 'not-found', `${workflowId} is of type ${type}: only a batch or a bulk act has items.`);
    }
    const prefix = runEffects(tenant, workflowId);
    const after = cursor === undefined ? '' : runEffect(tenant, workflowId, cursor);
    const found = await ledger.outcomes(prefix, { after, limit: limit + 1 });
    const page = found.slice(0, limit).map(shown);
    res.json({ items: page, nextCursor: found.length > limit ? String(page.at(-1)!.index) : null });
  },
  docs: {
    operationId: 'list-run-items',
    summary: 'What became of each run of a batch or of a bulk act.',
    description: 'Those that it has not come to are not there yet.',
    answers: {
      200: {
        description: 'A page of them, in the order in which they were given.',
        schema: ref('ItemList'),
        example: {
          items: [{ index: 0, workflowId: 'email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc', outcome: 'accepted' }],
          nextCursor: null,
        },
      },
    },
    problems: [404, 409, 503],
  },
});

function shown({ effect, about, state, code, message, result }: Outcome) {
  const told = result as { outcome: string; workflowId: string; message?: string } | undefined;
  const words = told?.message ?? message ?? undefined;
  return {
    index: Number(effect.slice(effect.lastIndexOf('/') + 1)),
    workflowId: told?.workflowId ?? about,
    outcome: told?.outcome ?? (state === 'failed' ? 'failed' : 'pending'),
    ...(code !== null && { code }),
    ...(words !== undefined && { message: words }),
  };
}
