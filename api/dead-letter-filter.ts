/** Which dead letters: the same for looking at them, redriving and discarding. */
import { z } from 'zod';
import type { DeadLetterFilter } from '../storage/dead-letters.js';
import { tag } from './orders.js';
import { time } from './times.js';

export const letterFilter = (types: readonly string[]) => ({
  type: z.enum(types).optional(),
  code: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,99}$/, 'must be a code, like mail-refused')
    .optional()
    .describe('Why it failed.'),
  tag: tag().optional(),
  workflowId: z.string().min(1).max(1_000).optional().describe('Of one run.'),
  after: time().optional().describe('Failed then or later.'),
  before: time().optional().describe('Failed before.'),
});

export const filterOf = (
  tenant: string,
  { type, code, tag, workflowId, after, before }: z.output<z.ZodObject<ReturnType<typeof letterFilter>>>,
): DeadLetterFilter => ({
  ...{ tenant, type, code, tag, workflowId },
  after: after?.getTime(),
  before: before?.getTime(),
});
