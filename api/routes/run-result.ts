import { z } from 'zod';
import { exampleRun } from '../examples.js';
import type { Parts } from '../parts.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';
import { wholeNumber } from '../whole-number.js';

const query = z.strictObject({
  wait: wholeNumber(0, 60, 0).describe('Seconds to wait for the end, 0 to 60.'),
});

/** GET /v1/runs/{workflowId}/result?wait=N: 200 once the run has ended, whatever the end; else 202 with the run. */
export const runResult = ({ runs, tenant, closing }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/result',
  query,
  async handle(req, res) {
    const workflowId = String(req.params['workflowId']);
    const gone = new AbortController();
    res.once('close', () => gone.abort()); // also when the client gives up
    const { wait } = queryOf(query, res);
    const ending = await runs.waitForEnd(tenant, workflowId, wait * 1_000, AbortSignal.any([gone.signal, closing]));
    if (gone.signal.aborted) return;
    if (ending !== undefined) return void res.json(ending);
    res
      .status(202)
      .set('Retry-After', '1')
      .json(await runs.get(tenant, workflowId));
  },
  docs: {
    operationId: 'get-run-result',
    summary: 'How a run ended; waits for the end if asked to.',
    answers: {
      200: {
        description: 'The run has ended, well or not.',
        schema: ref('RunResult'),
        example: {
          status: 'completed',
          result: {
            recipients: 500,
            sent: 498,
            failed: 1,
            duplicate: 1,
            unknown: 0,
            failures: { href: '/v1/runs/email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc/failures' },
          },
        },
      },
      202: {
        description: 'Still open: the run.',
        schema: ref('Run'),
        example: exampleRun,
        headers: { 'Retry-After': 'Seconds until another look pays.' },
      },
    },
    problems: [404, 503],
  },
});
