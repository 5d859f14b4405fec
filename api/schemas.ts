/** What the API answers, as schemas: OpenAPI shows them, and the tests hold every answer to them. */
import { z } from 'zod';
import { batchOutcomes } from '../jobs/batch.js';
import { bulkOutcomes } from '../jobs/bulk.js';
import { actNames } from '../storage/acts.js';
import { runStatuses } from '../temporal/run.js';
import { scheduleAnswers } from './schedule-answers.js';

const time = () => z.iso.datetime().meta({ examples: ['2026-07-01T12:00:00.000Z'] });

const progress = z
  .strictObject({
    done: z.int().describe('Never goes back.'),
    total: z.int().nullable().describe('Null until it is known.'),
    unit: z.string().meta({ examples: ['mail'] }),
    message: z.string(),
  })
  .describe('How far the run is.');

const runError = z.strictObject({
  code: z.string().meta({ description: 'Stable, for programs.', examples: ['unsupported-file'] }),
  step: z.string().optional().describe('The step that failed for good.'),
  message: z.string().describe('For people.'),
  attempts: z.int().optional().describe('How often the step was tried.'),
});

const status = z.enum(runStatuses);

export const act = z
  .strictObject({
    act: z.enum(actNames),
    by: z.string().meta({ examples: ['ada@ops'] }),
    reason: z.string().optional(),
    at: time(),
  })
  .describe('What a person did.');

export const run = z.strictObject({
  workflowId: z.string().meta({ examples: ['email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc'] }),
  runId: z.string().describe('Of Temporal: a run that continues as new gets another one.'),
  type: z.string().meta({ examples: ['email-campaign'] }),
  status,
  progress: progress.nullable(),
  stale: z
    .literal(true)
    .optional()
    .describe('No worker told the progress just now: it is the last that was heard, or null.'),
  createdAt: time(),
  dueAt: time().optional(),
  startedAt: time().optional(),
  endedAt: time().optional(),
  tags: z.array(z.string()),
  error: runError.optional(),
  result: z.unknown().optional().describe('Once completed. Its shape is the output of the job type.'),
  acts: z.array(act).optional().describe('What people did to it, the latest first. Not in lists.'),
  links: z.strictObject({ self: z.string(), events: z.string(), temporalUi: z.string() }),
});

export const runEvent = z
  .strictObject({
    id: z.string().describe('What follows it is sent to whoever comes back with it.'),
    event: z.enum(['run', 'end']).describe('`end` is the last one.'),
    data: run,
  })
  .describe('A message of a WebSocket; of an event stream the fields.');

export const runList = z.strictObject({ runs: z.array(run), nextCursor: z.string().nullable() });

export const runResult = z.strictObject({ status, result: z.unknown().optional(), error: runError.optional() });

export const failureList = z.strictObject({
  failures: z.array(
    z.strictObject({
      index: z.int().describe('The row in the list, from 0.'),
      email: z.string(),
      status: z.enum(['failed', 'unknown']),
      code: z.string(),
      message: z.string().meta({ examples: ['550 no such user'] }),
      attempts: z.int(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

export const itemList = z.strictObject({
  items: z.array(
    z.strictObject({
      index: z.int().describe('Its place in the list, from 0.'),
      workflowId: z.string(),
      outcome: z
        .enum([...batchOutcomes, ...bulkOutcomes, 'failed', 'pending'])
        .describe(
          'Of a batch: accepted; replayed, its key had been sent before with the same body; conflict, with another body; cancelled before it was started. Of a bulk act: done; refused. Of both: failed; pending, being done.',
        ),
      code: z.string().optional(),
      message: z.string().optional(),
    }),
  ),
  nextCursor: z.string().nullable(),
});

const fault = z.strictObject({
  path: z.string().meta({ examples: ['input.recipients[17].email'] }),
  message: z.string(),
});

export const batchAnswer = z.strictObject({
  batch: run.nullable().describe('The run that starts them; null if every item is refused.'),
  items: z
    .array(
      z.union([
        z.strictObject({ index: z.int(), outcome: z.literal('accepted'), workflowId: z.string() }),
        z.strictObject({
          index: z.int(),
          outcome: z.literal('refused'),
          code: z.string(),
          detail: z.string(),
          errors: z.array(fault).optional(),
        }),
      ]),
    )
    .describe('One per item, in order.'),
});

export const deadLetter = z
  .strictObject({
    workflowId: z.string(),
    type: z.string(),
    runStatus: z
      .enum(['failed', 'timedOut', 'terminated', 'completed'])
      .describe('completed: only this row of it failed.'),
    item: z
      .strictObject({ index: z.int(), about: z.string() })
      .optional()
      .describe('The row; not there for a whole run.'),
    step: z.string().optional(),
    code: z.string(),
    message: z.string(),
    attempts: z.int().optional(),
    tags: z.array(z.string()),
    failedAt: time(),
    links: z.strictObject({ run: z.string(), input: z.string(), redrive: z.string() }),
  })
  .describe('What failed for good and waits for a person.');

export const deadLetterList = z.strictObject({
  groups: z
    .array(
      z.strictObject({
        type: z.string(),
        step: z.string().optional(),
        code: z.string(),
        count: z.int().describe('Letters.'),
        runs: z.int().describe('Runs that they are of.'),
        message: z.string().describe('One of their messages.'),
        firstAt: time(),
        lastAt: time(),
      }),
    )
    .describe('By cause, the most first.'),
  deadLetters: z.array(deadLetter),
  nextCursor: z.string().nullable(),
});

export const deadLetterSummary = z.strictObject({
  count: z.int().describe('Letters.'),
  runs: z.int().describe('Runs that they are of.'),
  sample: z.array(deadLetter).describe('Some of them.'),
  bulk: run.optional().describe('The run that does it.'),
});

export const runSummary = z.strictObject({
  count: z.int(),
  notStarted: z.int().describe('How many of them their batch has not started yet; they are cancelled at once.'),
  sample: z.array(run).describe('Some of them.'),
  bulk: run.optional().describe('The run that does it.'),
});

export const runInput = z.strictObject({ input: z.unknown() });

export const why = z.strictObject({
  workflowId: z.string(),
  status,
  why: z.string().describe('One sentence: what it waits for, since when, and what comes next.'),
  since: time().optional(),
  next: time().optional().describe('When something happens by itself.'),
  step: z.string().optional(),
  attempt: z.int().optional().describe('Of the step.'),
  lastError: z.string().optional().describe('Why the attempt before failed.'),
});

export const file = z.strictObject({
  fileId: z.string(),
  bytes: z.int(),
  mediaType: z.string().describe('Told from the content; where that tells nothing, as declared.'),
  sha256: z.string(),
});

const retryPolicy = z.strictObject({
  name: z.string(),
  initialInterval: z.string(),
  coefficient: z.number(),
  maximumInterval: z.string(),
  jitter: z.array(z.number()).length(2).describe('Each pause is multiplied by a random factor between the two.'),
  attempts: z.int(),
  totalTime: z.string(),
  nonRetryable: z.array(z.string()),
});

const paused = z.strictObject({ by: z.string(), at: time(), reason: z.string().optional() });

export const jobType = z.strictObject({
  type: z.string(),
  summary: z.string(),
  taskQueue: z.string(),
  deadline: z.string(),
  input: z.record(z.string(), z.unknown()).describe('JSON Schema'),
  output: z.record(z.string(), z.unknown()).describe('JSON Schema'),
  example: z.unknown().describe('An input that works.'),
  steps: z.record(
    z.string(),
    z.strictObject({
      startToClose: z.string(),
      scheduleToClose: z.string(),
      heartbeat: z.string().optional(),
      retry: retryPolicy,
    }),
  ),
  paused: paused.optional().describe('By whom and since when; told of one type, not in the list.'),
  acts: z.array(act).optional().describe('What people did to it, the latest first; told of one type, not in the list.'),
  links: z.strictObject({ self: z.string(), start: z.string() }),
});

export const jobTypePause = z.strictObject({
  type: z.string(),
  paused: paused.optional().describe('By whom and since when; not there when it is not paused.'),
});

export const jobTypeList = z.strictObject({ jobTypes: z.array(jobType) });

export const health = z.strictObject({ status: z.literal('ok') });
export const ready = z.strictObject({ status: z.literal('ready') });

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable, for programs.'),
    detail: z.string().describe('What is wrong and what to do, for people.'),
    errors: z.array(fault).optional().describe('Each fault of a request, with its place.'),
  })
  .describe('RFC 9457');

/** By their names in OpenAPI. */
export const named = {
  Run: run,
  RunList: runList,
  RunEvent: runEvent,
  RunResult: runResult,
  FailureList: failureList,
  ItemList: itemList,
  BatchAnswer: batchAnswer,
  DeadLetter: deadLetter,
  DeadLetterList: deadLetterList,
  DeadLetterSummary: deadLetterSummary,
  RunSummary: runSummary,
  RunInput: runInput,
  Why: why,
  File: file,
  JobType: jobType,
  JobTypeList: jobTypeList,
  JobTypePause: jobTypePause,
  ...scheduleAnswers(act),
  Health: health,
  Ready: ready,
  Problem: problem,
};

export const ref = (name: keyof typeof named) => ({ $ref: `#/components/schemas/${name}` });
