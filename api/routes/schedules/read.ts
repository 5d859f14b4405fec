/** Schedules looked at, and when they fire. */
import { z } from 'zod';
import { subjects } from '../../../storage/acts.js';
import { actsOn } from '../../acts.js';
import { jsonBody, parsedBody } from '../../json-body.js';
import { jsonSchema } from '../../openapi.js';
import type { Parts } from '../../parts.js';
import { queryOf, type Route } from '../../route.js';
import { timingBody } from '../../schedule-schemas.js';
import { ref } from '../../schemas.js';
import { wholeNumber } from '../../whole-number.js';
import { exampleFirings, exampleSchedule } from './example.js';

export const listSchedules = ({ schedules, tenant }: Parts): Route => {
  const query = z.strictObject({
    // Each is asked for by itself: fifty at once take Temporal some 0.4 s.
    limit: wholeNumber(1, 100, 50).describe('1 to 100; 50 unless given.'),
    cursor: z.base64url().min(1).max(1_000).optional().describe('`nextCursor` of the answer before.'),
  });
  return {
    method: 'get',
    path: '/v1/schedules',
    query,
    async handle(_req, res) {
      const { limit, cursor } = queryOf(query, res);
      res.json(await schedules.list(tenant, { limit, cursor }));
    },
    docs: {
      operationId: 'list-schedules',
      summary: 'The schedules there are.',
      description: 'A new one may be missing for some seconds. What each holds is of this moment.',
      answers: {
        200: {
          description: 'A page of schedules.',
          schema: ref('ScheduleList'),
          example: { schedules: [exampleSchedule], nextCursor: null },
        },
      },
      problems: [503],
    },
  };
};

export const getSchedule = ({ schedules, ledger, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/schedules/{id}',
  async handle(req, res) {
    const id = String(req.params['id']);
    const schedule = await schedules.get(tenant, id);
    res.json({ ...schedule, acts: await actsOn(ledger, subjects.schedule(id)) });
  },
  docs: {
    operationId: 'get-schedule',
    summary: 'One schedule: what it does, when it fires next, what it started and what it left out.',
    answers: { 200: { description: 'The schedule.', schema: ref('Schedule'), example: exampleSchedule } },
    problems: [404, 503],
  },
});

const counted = () => z.strictObject({ count: wholeNumber(1, 100, 10).describe('1 to 100; 10 unless given.') });

const firings = {
  200: {
    description: 'The next firings; fewer than asked for if there are no more.',
    schema: ref('FiringList'),
    example: { next: exampleFirings },
  },
};

export const nextOfSchedule = ({ schedules, tenant }: Parts): Route => {
  const query = counted();
  return {
    method: 'get',
    path: '/v1/schedules/{id}/next',
    query,
    async handle(req, res) {
      res.json({ next: await schedules.next(tenant, String(req.params['id']), queryOf(query, res).count) });
    },
    docs: {
      operationId: 'next-of-schedule',
      summary: 'When a schedule fires next, as if it were not paused.',
      answers: firings,
      problems: [404, 503],
    },
  };
};

export const nextOfTiming = ({ schedules, tenant }: Parts): Route => {
  const query = counted();
  const schema = timingBody();
  return {
    method: 'post',
    path: '/v1/schedules/next',
    query,
    before: jsonBody,
    async handle(req, res) {
      const timing = parsedBody(schema, req.body);
      res.json({ next: await schedules.preview(tenant, timing, queryOf(query, res).count) });
    },
    docs: {
      operationId: 'next-of-timing',
      summary: 'When a schedule would fire that is not saved.',
      body: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchema(schema, 'input'),
            example: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' },
          },
        },
      },
      answers: firings,
      problems: [400, 413, 415, 503],
    },
  };
};
