/** What people do with a schedule, each on the record. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { subjects, type ActName } from '../../../storage/acts.js';
import { actsOn, onRecord, type Person } from '../../acts.js';
import { keyHeader, keyOf } from '../../idempotency-key.js';
import { jsonBody, optionalBody, parsedBody } from '../../json-body.js';
import { jsonSchema } from '../../openapi.js';
import type { Parts } from '../../parts.js';
import type { Route } from '../../route.js';
import { backfillBody, triggerBody, whoBody } from '../../schedule-schemas.js';
import { ref } from '../../schemas.js';
import type { Schedule } from '../../schedule-view.js';
import { exampleFirings, exampleSchedule } from './example.js';

export const pauseSchedule = (parts: Parts): Route =>
  steering(parts, {
    act: 'pause',
    schema: whoBody(),
    example: { by: 'ada@ops', reason: 'the mail server moves' },
    summary: 'Start no more runs until it is resumed. Firings meanwhile are not made up for.',
    status: 200,
    problems: [],
    work: (id, { by, reason }) => parts.schedules.pause(parts.tenant, id, reason ?? `Paused by ${by}`),
  });

export const resumeSchedule = (parts: Parts): Route =>
  steering(parts, {
    act: 'resume',
    schema: whoBody(),
    example: { by: 'ada@ops', reason: 'the mail server is back' },
    summary: 'Start runs again, from the next firing on.',
    status: 200,
    problems: [],
    work: (id, { by, reason }) => parts.schedules.resume(parts.tenant, id, reason ?? `Resumed by ${by}`),
  });

export const triggerSchedule = (parts: Parts): Route =>
  steering(parts, {
    act: 'trigger',
    schema: triggerBody(),
    example: { reason: 'the report was wrong' },
    summary: 'Start a run now, besides those of the plan; also while it is paused.',
    description: 'Once per second at most: the second is part of the workflow ID.',
    status: 202,
    problems: [409],
    keyed: true,
    work: (id, _person, body, key) => parts.schedules.trigger(parts.tenant, id, body.overlap, key),
  });

interface Steering<Body extends Person> {
  readonly act: ActName;
  readonly schema: z.ZodType<Body>;
  readonly example: object;
  readonly summary: string;
  readonly description?: string;
  readonly status: 200 | 202;
  readonly problems: readonly number[];
  readonly keyed?: true;
  work(
    id: string,
    person: { by: string; reason: string | undefined },
    body: Body,
    key: string | undefined,
  ): Promise<Schedule>;
}

function steering<Body extends Person>({ ledger }: Parts, steering: Steering<Body>): Route {
  const { act, schema, example, summary, description, status, problems, keyed, work } = steering;
  return {
    method: 'post',
    path: `/v1/schedules/{id}/${act}`,
    before: optionalBody,
    async handle(req, res) {
      const id = String(req.params['id']);
      const subject = subjects.schedule(id);
      const key = keyed && keyOf(req);
      const body = parsedBody(schema, req.body);
      const schedule = await onRecord(ledger, res, { subject, act, by: body.by, reason: body.reason }, (person) =>
        work(id, person, body, key),
      );
      res.status(status).json({ ...schedule, acts: await actsOn(ledger, subject) });
    },
    docs: {
      operationId: `${act}-schedule`,
      summary,
      ...(description !== undefined && { description }),
      ...(keyed && { headers: keyHeader('The same key takes effect once.') }),
      body: {
        required: false,
        content: { 'application/json': { schema: jsonSchema(schema, 'input'), example } },
      },
      answers: { [status]: { description: 'The schedule.', schema: ref('Schedule'), example: exampleSchedule } },
      problems: [400, 404, 413, 415, 503, ...problems],
    },
  };
}

export const backfillSchedule = ({ schedules, ledger, tenant }: Parts): Route => {
  const schema = backfillBody();
  return {
    method: 'post',
    path: '/v1/schedules/{id}/backfill',
    before: jsonBody,
    async handle(req: Request, res: Response) {
      const id = String(req.params['id']);
      const key = keyOf(req);
      const { from, to, overlap, dryRun, by, reason } = parsedBody(schema, req.body);
      const order = { from: new Date(from), to: new Date(to), overlap, dryRun };
      const work = () => schedules.backfill(tenant, id, order, key);
      if (dryRun) return void res.json(await work());
      const act = { subject: subjects.schedule(id), act: 'backfill' as const, by, reason };
      res.status(202).json(await onRecord(ledger, res, act, work));
    },
    docs: {
      operationId: 'backfill-schedule',
      summary: 'Start the runs of a time that is past, as if it passed now.',
      description:
        'At most 1,000 firings per call. A firing that had its run before gets another one, under the same workflow ID, unless the earlier one goes on.',
      headers: keyHeader('The same key takes effect once.'),
      body: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchema(schema, 'input'),
            example: { from: '2026-07-01T00:00:00Z', to: '2026-07-07T23:59:59Z', dryRun: true },
          },
        },
      },
      answers: {
        200: {
          description: 'The firings that a backfill without dryRun would start.',
          schema: ref('Backfill'),
          example: { count: 7, sample: exampleFirings, dryRun: true },
        },
        202: {
          description: 'The firings whose runs are about to start.',
          schema: ref('Backfill'),
          example: { count: 7, sample: exampleFirings, dryRun: false },
        },
      },
      problems: [400, 404, 413, 415, 503],
    },
  };
};
