import { z } from 'zod';
import { onRecord, who } from '../acts.js';
import { exampleRun } from '../examples.js';
import { optionalBody, parsedBody, jsonBody } from '../json-body.js';
import { jobNamed } from '../job-named.js';
import { jsonSchema } from '../openapi.js';
import type { Parts } from '../parts.js';
import { invalid } from '../problems.js';
import type { Route } from '../route.js';
import type { Run } from '../run.js';
import { ref } from '../schemas.js';
import { dueTime, duration } from '../times.js';
import type { ActName } from '../../storage/acts.js';

interface Verb<Body extends z.ZodObject> {
  readonly act: ActName;
  readonly summary: string;
  readonly description?: string;
  readonly body: Body;
  /** A body must be there. */
  readonly needsBody?: true;
  readonly example: { readonly body: z.input<Body>; readonly status: Run['status'] };
  perform(workflowId: string, body: z.output<Body>): Promise<Run>;
}

const asked = z.strictObject(who);

/** POST /v1/runs/{workflowId}/<verb>: 200 with the run, or 409 with the reason why not. */
const verb =
  <Body extends z.ZodObject>(verbOf: (parts: Parts) => Verb<Body>) =>
  (parts: Parts): Route => {
    const { act, summary, description, body: schema, needsBody, example, perform } = verbOf(parts);
    return {
      method: 'post',
      path: `/v1/runs/{workflowId}/${act}`,
      before: needsBody ? jsonBody : optionalBody,
      async handle(req, res) {
        const subject = String(req.params['workflowId']);
        const body = parsedBody(schema, req.body);
        const { by, reason } = body as z.output<typeof asked>;
        await parts.runs.get(parts.tenant, subject); // no act is recorded of what is no run
        const run = await onRecord(parts.ledger, res, { subject, act, by, reason }, () => perform(subject, body));
        res.json(run);
      },
      docs: {
        operationId: `${act}-run`,
        summary,
        ...(description !== undefined && { description }),
        body: {
          required: needsBody ?? false,
          content: { 'application/json': { schema: jsonSchema(schema, 'input'), example: example.body } },
        },
        answers: {
          200: { description: 'The run.', schema: ref('Run'), example: { ...exampleRun, status: example.status } },
        },
        problems: [400, 404, 409, 413, 415, 503],
      },
    };
  };

export const cancelRun = verb(({ steering, tenant }) => ({
  act: 'cancel',
  summary: 'Ask a run to stop. It cleans up first; what it has done stays done.',
  body: asked,
  example: { body: { reason: 'the template has a typo' }, status: 'cancelling' },
  perform: (workflowId) => steering.cancel(tenant, workflowId),
}));

const reasoned = z.strictObject({ by: who.by, reason: who.reason.unwrap() });

export const terminateRun = verb<typeof reasoned>(({ steering, tenant }) => ({
  act: 'terminate',
  summary: 'End a run at once, without cleaning up. It leaves a dead letter.',
  description: 'For a run that cancel does not reach. Steps that run are told to stop with their next heartbeat.',
  body: reasoned,
  needsBody: true,
  example: { body: { reason: 'it hangs: ticket 4711' }, status: 'terminated' },
  perform: (workflowId, { reason }) => steering.terminate(tenant, workflowId, reason),
}));

export const pauseRun = verb(({ steering, tenant }) => ({
  act: 'pause',
  summary: 'Let a run finish the steps that run, and begin no other until it is resumed.',
  description: 'A slice of a campaign takes two seconds at most. Pausing a paused run changes nothing.',
  body: asked,
  example: { body: { by: 'ada@ops', reason: 'the mail provider has an incident' }, status: 'paused' },
  perform: (workflowId) => steering.pause(tenant, workflowId),
}));

export const resumeRun = verb(({ steering, tenant }) => ({
  act: 'resume',
  summary: 'Let a paused run go on.',
  description: 'Resuming a run that is not paused changes nothing.',
  body: asked,
  example: { body: {}, status: 'running' },
  perform: (workflowId) => steering.resume(tenant, workflowId),
}));

export const runNow = verb(({ steering, tenant }) => ({
  act: 'run-now',
  summary: 'Begin a delayed run now.',
  body: asked,
  example: { body: {}, status: 'running' },
  perform: (workflowId) => steering.runNow(tenant, workflowId),
}));

const moved = z
  .strictObject({
    ...who,
    runAt: dueTime().optional().describe('When to begin; a time that is past begins at once.'),
    delay: duration({ fromMs: 0 }).optional().describe('How long from now to begin.'),
  })
  .meta({ oneOf: [{ required: ['runAt'] }, { required: ['delay'] }] });

export const rescheduleRun = verb<typeof moved>(({ steering, tenant }) => ({
  act: 'reschedule',
  summary: 'Move a delayed run that has not begun to another time.',
  description: 'What it was given as `expiresIn` counts from the new time.',
  body: moved,
  needsBody: true,
  example: { body: { runAt: '2027-01-31T08:00:00Z' }, status: 'scheduled' },
  async perform(workflowId, { runAt, delay }) {
    if ((runAt === undefined) === (delay === undefined)) {
      throw invalid([{ path: 'runAt', message: 'or delay is required, and only one of the two' }]);
    }
    return steering.reschedule(tenant, workflowId, runAt ?? new Date(Date.now() + delay!));
  },
}));

const redriven = z.strictObject({
  ...who,
  input: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('In place of what it was started with, as POST /v1/jobs/{type} takes it.'),
  onAmbiguous: z
    .enum(['resend', 'hold'])
    .optional()
    .describe('`resend` also does again what is `unknown`; as before unless given.'),
});

export const redriveRun = verb<typeof redriven>(({ steering, runs, jobs, readOrder, tenant }) => ({
  act: 'redrive',
  summary: 'Run again what failed for good. What succeeded is not repeated.',
  description: 'The same workflow ID, a new execution. Of several at once one runs, the others are 409.',
  body: redriven,
  example: { body: { by: 'ada@ops', reason: 'the mailbox exists now' }, status: 'running' },
  async perform(workflowId, { input, onAmbiguous }) {
    if (input === undefined) return steering.redrive(tenant, workflowId, { onAmbiguous });
    const { type } = await runs.find(tenant, workflowId);
    const order = await readOrder(jobNamed(jobs, type), tenant, { input });
    return steering.redrive(tenant, workflowId, { onAmbiguous, input: order.input });
  },
}));
