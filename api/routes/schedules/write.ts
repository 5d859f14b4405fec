/** Schedules created, changed and deleted. */
import { z } from 'zod';
import { subjects } from '../../../storage/acts.js';
import { onRecord } from '../../acts.js';
import { keyHeader, keyOf } from '../../idempotency-key.js';
import { jsonBody, optionalBody, parsedBody } from '../../json-body.js';
import { jsonSchema } from '../../openapi.js';
import type { Parts } from '../../parts.js';
import { queryOf, type Route } from '../../route.js';
import { scheduleBody, whoBody } from '../../schedule-schemas.js';
import { ref } from '../../schemas.js';
import { exampleSchedule, exampleScheduleBody } from './example.js';

const bodyOf = ({ jobs }: Parts) => {
  const schema = jsonSchema(scheduleBody(jobs.map(({ type }) => type)), 'input');
  return { required: true, content: { 'application/json': { schema, example: exampleScheduleBody } } };
};

export const createSchedule = (parts: Parts): Route => ({
  method: 'post',
  path: '/v1/schedules',
  before: jsonBody,
  async handle(req, res) {
    const { schedule, replayed } = await parts.schedules.create(parts.tenant, req.body, keyOf(req));
    if (replayed) res.set('Idempotency-Replayed', 'true');
    res
      .status(replayed ? 200 : 201)
      .location(schedule.links.self)
      .json(schedule);
  },
  docs: {
    operationId: 'create-schedule',
    summary: 'Start runs of a job type again and again.',
    description: 'Gets an id of ours. With an id of your own: PUT /v1/schedules/{id}.',
    headers: keyHeader('The same key with the same body makes one schedule, however often it is sent.'),
    body: bodyOf(parts),
    answers: {
      201: {
        description: 'The schedule.',
        schema: ref('Schedule'),
        example: exampleSchedule,
        headers: { Location: 'The schedule.' },
      },
      200: {
        description: 'This Idempotency-Key was sent before with the same body: the schedule that it made.',
        schema: ref('Schedule'),
        example: exampleSchedule,
        headers: { Location: 'The schedule.', 'Idempotency-Replayed': 'true' },
      },
    },
    problems: [400, 413, 415, 503],
  },
});

export const putSchedule = (parts: Parts): Route => {
  const query = z.strictObject({
    dryRun: z
      .enum(['true', 'false'])
      .default('false')
      .describe('Changes nothing: tells what would be changed, or refuses as the call would.'),
  });
  return {
    method: 'put',
    path: '/v1/schedules/{id}',
    query,
    before: jsonBody,
    async handle(req, res) {
      const id = String(req.params['id']);
      if (queryOf(query, res).dryRun === 'true') {
        return void res.json(await parts.schedules.compare(parts.tenant, id, req.body));
      }
      const { schedule, change } = await parts.schedules.put(parts.tenant, id, req.body);
      res
        .status(change === 'create' ? 201 : 200)
        .location(schedule.links.self)
        .json(schedule);
    },
    docs: {
      operationId: 'put-schedule',
      summary: 'Make a schedule with an id of your own, or make it what the body says.',
      description:
        'The same body again changes nothing. A schedule that somebody paused stays paused. Of two at once the later one counts.',
      body: bodyOf(parts),
      answers: {
        200: {
          description: 'The schedule, which was there. With dryRun: what would be changed.',
          content: {
            'application/json': {
              schema: { anyOf: [ref('Schedule'), ref('ScheduleChange')] },
              example: exampleSchedule,
            },
          },
          headers: { Location: 'The schedule.' },
        },
        201: {
          description: 'The schedule, which is new.',
          schema: ref('Schedule'),
          example: exampleSchedule,
          headers: { Location: 'The schedule.' },
        },
      },
      problems: [400, 409, 413, 415, 503],
    },
  };
};

export const deleteSchedule = ({ schedules, ledger, tenant }: Parts): Route => {
  const schema = whoBody();
  return {
    method: 'delete',
    path: '/v1/schedules/{id}',
    before: optionalBody,
    async handle(req, res) {
      const id = String(req.params['id']);
      const person = parsedBody(schema, req.body);
      await onRecord(ledger, res, { subject: subjects.schedule(id), act: 'delete', ...person }, () =>
        schedules.remove(tenant, id),
      );
      res.status(204).end();
    },
    docs: {
      operationId: 'delete-schedule',
      summary: 'Delete a schedule. The runs that it started go on.',
      body: {
        required: false,
        content: {
          'application/json': { schema: jsonSchema(schema, 'input'), example: { reason: 'moved to the data team' } },
        },
      },
      answers: { 204: { description: 'It is gone.' } },
      problems: [400, 404, 413, 415, 503],
    },
  };
};
