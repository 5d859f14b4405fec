import type { Parts } from '../parts.js';
import { awayFor } from '../problems.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';

/** GET /healthz: the process is there. */
export const healthz = (): Route => ({
  method: 'get',
  path: '/healthz',
  open: true,
  handle: (_req, res) => void res.set('Cache-Control', 'no-store').json({ status: 'ok' }),
  docs: {
    operationId: 'health',
    summary: 'The process is there.',
    answers: { 200: { description: 'It is.', schema: ref('Health'), example: { status: 'ok' } } },
    problems: [],
  },
});

/** GET /readyz: work can be taken now. */
export const readyz = ({ readiness }: Parts): Route => ({
  method: 'get',
  path: '/readyz',
  open: true,
  async handle(_req, res) {
    res.set('Cache-Control', 'no-store');
    const away = await readiness();
    if (away.length === 0) return void res.json({ status: 'ready' });
    throw awayFor('not-ready', `Not ready: ${away.join('; ')}.`);
  },
  docs: {
    operationId: 'ready',
    summary: 'Temporal, the ledger and the files answer: work can be taken now.',
    answers: { 200: { description: 'Ready.', schema: ref('Ready'), example: { status: 'ready' } } },
    problems: [503],
  },
});
