import { z } from 'zod';
import { subjects } from '../../storage/acts.js';
import { onRecord, who } from '../acts.js';
import { optionalBody, parsedBody } from '../json-body.js';
import { jobNamed } from '../job-named.js';
import { jsonSchema } from '../openapi.js';
import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { ref } from '../schemas.js';
import { shownPause } from './job-types.js';

const asked = z.strictObject(who);
const body = {
  required: false,
  content: {
    'application/json': {
      schema: jsonSchema(asked, 'input'),
      example: { by: 'ada@ops', reason: 'the mail provider has an incident' },
    },
  },
};
const problems = [400, 404, 413, 415, 503];

/** POST /v1/job-types/{type}/pause: no step of the type begins any more, of no run; new runs are accepted and wait. */
export const pauseJobType = ({ jobs, ledger, steering }: Parts): Route => ({
  method: 'post',
  path: '/v1/job-types/{type}/pause',
  before: [(req, _res, next) => (jobNamed(jobs, req.params['type']), next()), ...optionalBody],
  async handle(req, res) {
    const job = jobNamed(jobs, req.params['type']);
    const person = parsedBody(asked, req.body);
    const subject = subjects.jobType(job.type);
    const paused = await onRecord(ledger, res, { subject, act: 'pause', ...person }, ({ by, reason }) =>
      steering.pauseType(job, by, reason),
    );
    res.json({ type: job.type, paused: shownPause(paused) });
  },
  docs: {
    operationId: 'pause-job-type',
    summary:
      'Stop all of a job type: its runs finish the steps that run, and begin no other. New runs are accepted and wait.',
    description: 'Holds until it is resumed. Pausing a paused type changes nothing.',
    body,
    answers: {
      200: {
        description: 'It is paused.',
        schema: ref('JobTypePause'),
        example: {
          type: 'email-campaign',
          paused: { by: 'ada@ops', at: '2026-07-01T12:00:00.000Z', reason: 'the mail provider has an incident' },
        },
      },
    },
    problems,
  },
});

/** POST /v1/job-types/{type}/resume: those that wait go on within a second or two. */
export const resumeJobType = ({ jobs, ledger, steering }: Parts): Route => ({
  method: 'post',
  path: '/v1/job-types/{type}/resume',
  before: [(req, _res, next) => (jobNamed(jobs, req.params['type']), next()), ...optionalBody],
  async handle(req, res) {
    const job = jobNamed(jobs, req.params['type']);
    const person = parsedBody(asked, req.body);
    await onRecord(ledger, res, { subject: subjects.jobType(job.type), act: 'resume', ...person }, () =>
      steering.resumeType(job),
    );
    res.json({ type: job.type });
  },
  docs: {
    operationId: 'resume-job-type',
    summary: 'Let a paused job type go on. Resuming one that is not paused changes nothing.',
    body,
    answers: {
      200: { description: 'It is not paused.', schema: ref('JobTypePause'), example: { type: 'email-campaign' } },
    },
    problems,
  },
});
