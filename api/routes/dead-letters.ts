import { z } from 'zod';
import type { DeadLetterFilter } from '../../storage/dead-letters.js';
import { callerOf } from '../access.js';
import { who } from '../acts.js';
import { maxBulk } from '../bulk-acts.js';
import { filterOf, letterFilter } from '../dead-letter-filter.js';
import { cursorAfter, placeIn, shownGroup, shownLetter } from '../dead-letter-view.js';
import { exampleLetter, exampleRun } from '../examples.js';
import { jsonBody, parsedBody } from '../json-body.js';
import { jsonSchema } from '../openapi.js';
import { limitOf } from '../paging.js';
import type { Parts } from '../parts.js';
import { invalid, Problem } from '../problems.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';

const sampleSize = 10;

/** GET /v1/dead-letters: what failed for good and waits for a person, grouped by cause and one by one. */
export const listDeadLetters = ({ runTypes, ledger, tenant }: Parts): Route => {
  const query = z.strictObject({
    ...letterFilter(runTypes),
    limit: limitOf(50),
    cursor: z.base64url().min(1).max(2_000).optional().describe('`nextCursor` of the answer before.'),
  });
  return {
    method: 'get',
    path: '/v1/dead-letters',
    query,
    async handle(_req, res) {
      const { limit, cursor, ...given } = queryOf(query, res);
      const filter = filterOf(tenant, given);
      const after = cursor === undefined ? null : placeIn(cursor);
      const [groups, found] = await Promise.all([
        ledger.deadLetterGroups(filter),
        ledger.deadLetters(filter, { after, limit: limit + 1 }),
      ]);
      const page = found.slice(0, limit);
      res.json({
        groups: groups.map(shownGroup),
        deadLetters: page.map(shownLetter),
        nextCursor: found.length > limit ? cursorAfter(page.at(-1)!) : null,
      });
    },
    docs: {
      operationId: 'list-dead-letters',
      summary: 'What failed for good and waits for a person: whole runs, and single rows of runs that completed.',
      description: 'The groups are of all that the filter fits; the letters come in pages, the latest failure first.',
      answers: {
        200: {
          description: 'The groups, and a page of letters.',
          schema: ref('DeadLetterList'),
          example: {
            groups: [
              {
                ...{ type: 'email-campaign', step: 'sendSlice', code: 'mail-refused', count: 3, runs: 2 },
                firstAt: '2026-07-01T12:00:00.000Z',
                lastAt: '2026-07-01T13:00:00.000Z',
                message: '550 no such user',
              },
            ],
            deadLetters: [exampleLetter],
            nextCursor: null,
          },
        },
      },
      problems: [503],
    },
  };
};

/** POST /v1/dead-letters/redrive: runs all again that the filter fits. */
export const redriveDeadLetters = ({ runTypes, ledger, bulkActs, tenant }: Parts): Route => {
  const schema = z
    .strictObject({
      ...letterFilter(runTypes),
      ...who,
      all: z.literal(true).optional().describe('Needed without a filter: every dead letter is redriven.'),
      dryRun: z.boolean().default(false).describe('Only count, and show some.'),
    })
    .meta({
      // told here, checked below: JSON Schema can say it, Zod only as a refinement
      anyOf: [
        ...[...Object.keys(letterFilter(runTypes)), 'all'].map((field) => ({ required: [field] })),
        { required: ['dryRun'], properties: { dryRun: { const: true } } },
      ],
    });
  return {
    method: 'post',
    path: '/v1/dead-letters/redrive',
    before: jsonBody,
    async handle(req, res) {
      const { dryRun, all, by = callerOf(res), reason, ...given } = parsedBody(schema, req.body);
      if (!dryRun && all === undefined && Object.keys(given).length === 0) {
        throw invalid([
          { path: 'all', message: 'must be true, or a filter given: nobody redrives everything by mistake' },
        ]);
      }
      const filter = filterOf(tenant, given);
      const found = await summaryOf(ledger, filter);
      if (dryRun || found.count === 0) return void res.json(found);
      const workflowIds = pagesOf((after) => ledger.deadRuns(filter, { after, limit: 1_000 }));
      const bulk = await bulkActs.start({ tenant, verb: 'redrive', workflowIds, by, reason });
      if (bulk) res.location(bulk.links.self);
      res.status(bulk ? 202 : 200).json({ ...found, ...(bulk && { bulk }) });
    },
    docs: {
      operationId: 'redrive-dead-letters',
      summary: 'Run again what failed, by filter. What succeeded is not repeated.',
      description: `Runs that the filter fits are redriven whole, some at a time, by a run of type \`bulk\`: at most ${maxBulk.toLocaleString('en')} per call.`,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchema(schema, 'input'),
            example: { type: 'email-campaign', code: 'mail-refused', dryRun: true },
          },
        },
      },
      answers: {
        202: {
          description: 'It has begun.',
          schema: ref('DeadLetterSummary'),
          example: { count: 3, runs: 2, sample: [exampleLetter], bulk: { ...exampleRun, type: 'bulk' } },
          headers: { Location: 'The bulk run: its progress, and its items.' },
        },
        200: {
          description: 'What would be redriven; or there is nothing to redrive.',
          schema: ref('DeadLetterSummary'),
          example: { count: 3, runs: 2, sample: [exampleLetter] },
        },
      },
      problems: [400, 413, 415, 503],
    },
  };
};

/** POST /v1/dead-letters/discard: a person has decided that they are done with. */
export const discardDeadLetters = ({ runTypes, ledger, tenant }: Parts): Route => {
  const schema = z
    .strictObject({
      ...letterFilter(runTypes),
      index: z.int().min(0).optional().describe('One row of the run that `workflowId` names.'),
      by: who.by,
      reason: who.reason.unwrap(),
      dryRun: z.boolean().default(false).describe('Only count, and show some.'),
    })
    .meta({
      anyOf: Object.keys(letterFilter(runTypes)).map((filter) => ({ required: [filter] })),
      dependentRequired: { index: ['workflowId'] },
    });
  return {
    method: 'post',
    path: '/v1/dead-letters/discard',
    before: jsonBody,
    async handle(req, res) {
      const { dryRun, by = callerOf(res), reason, index, ...given } = parsedBody(schema, req.body);
      const filter = { ...filterOf(tenant, given), item: index };
      if (index !== undefined && filter.workflowId === undefined) {
        throw invalid([{ path: 'workflowId', message: 'is required with index: it names the run of the row' }]);
      }
      if (Object.keys(given).length === 0) {
        throw invalid([{ path: 'type', message: 'or another filter is required: all at once is not discarded' }]);
      }
      const found = await summaryOf(ledger, filter);
      if (found.count === 0 && filter.workflowId !== undefined) {
        throw new Problem(
          409,
          'nothing-to-discard',
          `${filter.workflowId} has no such dead letter. Rows of a run become dead letters when it has ended.`,
        );
      }
      if (!dryRun) await ledger.discardDeadLetters(filter, { by, reason, at: Date.now() });
      res.json(found);
    },
    docs: {
      operationId: 'discard-dead-letters',
      summary: 'Be done with dead letters, by filter: they are kept on record, and nothing redrives them.',
      body: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchema(schema, 'input'),
            example: { code: 'mail-refused', reason: 'mailboxes are gone: ticket 4711' },
          },
        },
      },
      answers: {
        200: {
          description: 'What was discarded, or would be.',
          schema: ref('DeadLetterSummary'),
          example: { count: 3, runs: 2, sample: [exampleLetter] },
        },
      },
      problems: [400, 409, 413, 415, 503],
    },
  };
};

async function summaryOf(ledger: Parts['ledger'], filter: DeadLetterFilter) {
  const [groups, sample, runs] = await Promise.all([
    ledger.deadLetterGroups(filter),
    ledger.deadLetters(filter, { after: null, limit: sampleSize }),
    ledger.countDeadRuns(filter),
  ]);
  return { count: groups.reduce((sum, { count }) => sum + count, 0), runs, sample: sample.map(shownLetter) };
}

async function* pagesOf(page: (after: string) => Promise<string[]>): AsyncGenerator<string> {
  let last = '';
  for (;;) {
    const found = await page(last);
    yield* found;
    if (found.length === 0) return;
    last = found.at(-1)!;
  }
}
