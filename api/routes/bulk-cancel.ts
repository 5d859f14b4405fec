import { z } from 'zod';
import { openStatuses } from '../../temporal/run.js';
import { callerOf } from '../access.js';
import { who } from '../acts.js';
import { maxBulk } from '../bulk-acts.js';
import { exampleRun } from '../examples.js';
import { jsonBody, parsedBody } from '../json-body.js';
import { jsonSchema } from '../openapi.js';
import { tag } from '../orders.js';
import type { Parts } from '../parts.js';
import { invalid } from '../problems.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';
import { time } from '../times.js';

const sampleSize = 10;

/** POST /v1/runs/cancel: all open runs that the filter fits. */
export const bulkCancel = ({ jobs, runTypes, runs, ledger, bulkActs, tenant }: Parts): Route => {
  const schema = z
    .strictObject({
      type: z.enum(runTypes).optional(),
      status: z.enum(openStatuses).optional(),
      tag: tag().optional(),
      after: time().optional().describe('Created then or later.'),
      before: time().optional().describe('Created before.'),
      dryRun: z.boolean().default(false).describe('Only count, and show some.'),
      ...who,
    })
    .meta({ anyOf: ['type', 'status', 'tag', 'after', 'before'].map((filter) => ({ required: [filter] })) });
  return {
    method: 'post',
    path: '/v1/runs/cancel',
    before: jsonBody,
    async handle(req, res) {
      const { dryRun, by = callerOf(res), reason, type, ...rest } = parsedBody(schema, req.body);
      if (type === undefined && Object.values(rest).every((value) => value === undefined)) {
        throw invalid([
          { path: 'type', message: 'or another filter is required: nobody wants all cancelled by mistake' },
        ]);
      }
      const filter = { ...rest, types: type === undefined ? jobs.map((job) => job.type) : [type] };
      // Those that their batch has not started yet are in the ledger only, and are cancelled there.
      const { types, tag, after, before, status } = filter;
      const isWaiting = status === undefined || status === 'scheduled';
      const waiting = { tenant, types, tag, after: after?.getTime(), before: before?.getTime() };
      const [open, notStarted, sample] = await Promise.all([
        runs.countOpen(tenant, filter),
        isWaiting ? ledger.countPending(waiting) : 0,
        runs.listOpen(tenant, { ...filter, limit: sampleSize }),
      ]);
      const found = { count: open + notStarted, notStarted, sample };
      if (dryRun || found.count === 0) return void res.json(found);
      if (notStarted > 0) await ledger.cancelAllPending(waiting, { by, reason: reason ?? null, at: Date.now() });
      const workflowIds = runs.eachOpen(tenant, filter);
      const bulk = await bulkActs.start({ tenant, verb: 'cancel', workflowIds, by, reason });
      if (bulk) res.location(bulk.links.self);
      res.status(bulk ? 202 : 200).json({ ...found, ...(bulk && { bulk }) });
    },
    docs: {
      operationId: 'cancel-runs',
      summary: 'Ask all open runs to stop that the filter fits.',
      description: `Which they are is told by Temporal’s visibility, some seconds late: a run just started may be missed. At most ${maxBulk.toLocaleString('en')} per call, some at a time, by a run of type \`bulk\`.`,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchema(schema, 'input'),
            example: { type: 'email-campaign', tag: 'signup', dryRun: true },
          },
        },
      },
      answers: {
        202: {
          description: 'It has begun.',
          schema: ref('RunSummary'),
          example: {
            count: 1,
            notStarted: 0,
            sample: [{ ...exampleRun, stale: true }],
            bulk: { ...exampleRun, type: 'bulk' },
          },
          headers: { Location: 'The bulk run: its progress, and its items.' },
        },
        200: {
          description: 'What would be cancelled; or there is nothing to cancel.',
          schema: ref('RunSummary'),
          example: { count: 1, notStarted: 0, sample: [{ ...exampleRun, stale: true }] },
        },
      },
      problems: [400, 413, 415, 503],
    },
  };
};
