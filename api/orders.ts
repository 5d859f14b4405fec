/** What a start asks for: checked against the job's contract, its lists stored, its files known to be there. */
import { z } from 'zod';
import type { Job } from '../jobs/define-job.js';
import { faultWords } from '../jobs/fault-words.js';
import { listsOf, type ListDeclaration } from '../jobs/lists.js';
import type { Blobs } from '../storage/blobs.js';
import { withListsStored } from '../storage/lists.js';
import type { OnAmbiguous } from '../temporal/memo.js';
import { faultsOf, worded, type Fault } from './faults.js';
import { invalid } from './problems.js';
import { dueTime, duration } from './times.js';

export interface Order {
  readonly input: Record<string, unknown>;
  readonly onAmbiguous: OnAmbiguous;
  /** One line for people, without anything personal. */
  readonly summary: string;
  /** When it may begin; undefined for now. */
  readonly runAt?: Date;
  /** Counted from `runAt`, or from acceptance: what has not begun by then fails. */
  readonly expiresInMs?: number;
  readonly priority?: number;
  readonly tags: readonly string[];
}

const maxTags = 10;

/** The body of POST /v1/jobs/{type}. */
export const orderFor = (job: Job) => orderShape(job).meta({ not: { required: ['runAt', 'delay'] } });

const orderShape = (job: Job) =>
  z.strictObject({
    input: job.input().meta({ examples: [job.example] }) as z.ZodType<Record<string, unknown>>,
    onAmbiguous: z
      .enum(['resend', 'hold'])
      .default('resend')
      .describe(
        'What to do with an effect of which, after a crash, nobody knows whether it happened: do it again, or list it as `unknown`.',
      ),
    runAt: dueTime()
      .optional()
      .describe('When to begin; a time that is past begins at once. Not together with `delay`.'),
    delay: duration({ fromMs: 0 })
      .optional()
      .describe('How long from now to begin: 90s, 24h, 1h30m or PT24H. At most ten years.'),
    expiresIn: duration()
      .optional()
      .describe(
        'A run that has not begun its work by then, counted from `runAt` or from now, fails with code `expired`.',
      ),
    priority: z.int().min(1).max(5).optional().describe('1 goes first, 5 last; 3 unless given.'),
    tags: tags().optional(),
  });

export const tag = () =>
  z.string().regex(/^[\w.:/@+-]{1,64}$/, 'must be 1 to 64 letters, digits or any of . _ : / @ + -');

export const tags = () =>
  z
    .array(tag())
    .max(maxTags)
    .transform((all) => [...new Set(all)])
    .describe('To find runs by. They are seen in Temporal and in logs: put nothing personal there.')
    .meta({ examples: [['signup', 'tenant:42']] });

/** What was asked for, checked; its lists are still as they came. */
export interface CheckedOrder extends Order {
  /** The fields of `input` that are lists. */
  readonly lists: readonly string[];
}

export type CheckOrder = (job: Job, tenant: string, body: unknown) => Promise<CheckedOrder>;
export type ReadOrder = (job: Job, tenant: string, body: unknown) => Promise<Order>;

/** Checks orders and stores nothing. */
export function orderChecker(jobs: readonly Job[], blobs: Blobs): CheckOrder {
  const schemas = new Map(jobs.map((job) => [job.type, { order: orderFor(job), lists: listsOf(job.input()) }]));
  for (const job of jobs) schemas.get(job.type)?.order.safeParse({ input: job.example }); // Zod compiles with the first parse: 10 ms

  /** @throws Problem 422 with the path of each fault */
  return async (job, tenant, body) => {
    const { order, lists } = schemas.get(job.type)!;
    const parsed = order.safeParse(body, { error: faultWords });
    if (!parsed.success) throw invalid(faultsOf(parsed.error.issues));
    const { input, onAmbiguous, runAt, delay, expiresIn, priority, tags = [] } = parsed.data;
    if (runAt !== undefined && delay !== undefined) {
      throw invalid([{ path: 'delay', message: 'can’t be given together with runAt: give one of the two' }]);
    }
    const faults = Object.entries(lists).flatMap(([field, list]) => rowFaults(field, list, input));
    if (faults.length > 0) throw invalid(faults);
    await needFiles(job, input, tenant, blobs);

    const fields = Object.keys(lists);
    const dueAt = runAt ?? (delay === undefined ? undefined : new Date(Date.now() + delay));
    return {
      input,
      lists: fields,
      onAmbiguous,
      summary: summaryOf(job, input, fields),
      tags,
      ...(dueAt !== undefined && dueAt.getTime() > Date.now() && { runAt: dueAt }),
      ...(expiresIn !== undefined && { expiresInMs: expiresIn }),
      ...(priority !== undefined && { priority }),
    };
  };
}

/** Checks an order, and stores its lists. @throws Problem 422; nothing is stored then */
export const orderReader =
  (check: CheckOrder, blobs: Blobs): ReadOrder =>
  async (job, tenant, body) => {
    const { lists, ...order } = await check(job, tenant, body);
    return { ...order, input: await withListsStored(blobs, tenant, order.input, lists) };
  };

function rowFaults(field: string, { faults }: ListDeclaration, input: Record<string, unknown>): Fault[] {
  const rows = input[field];
  if (faults === undefined || !Array.isArray(rows)) return [];
  return rows.flatMap((row, index) =>
    faults(row, input).map(({ path, message }) => ({ path: worded(['input', field, index, ...path]), message })),
  );
}

async function needFiles(job: Job, input: Record<string, unknown>, tenant: string, blobs: Blobs): Promise<void> {
  const wanted = (job.filesOf?.(input) ?? []).filter((id) => id !== undefined); // a list that came inline names none
  const found = await Promise.all(
    wanted.map(async (id) => id.startsWith(`${tenant}.`) && (await blobs.stat(id)) !== undefined),
  );
  const missing = wanted.filter((_, index) => !found[index]);
  if (missing.length === 0) return;
  throw invalid(
    missing.map((id) => ({
      path: worded(['input', ...placeOf(id, input)]),
      message: 'names a file that is not there: upload it with POST /v1/files',
    })),
    'file-not-found',
  );
}

/** Where in the input a text stands. */
function placeOf(text: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  for (const [key, item] of Object.entries(value)) {
    if (item === text) return [key];
    const within = placeOf(text, item);
    if (within.length > 0) return [key, ...within];
  }
  return [];
}

function summaryOf(job: Job, input: Record<string, unknown>, lists: string[]): string {
  const counts = lists.flatMap((field) => {
    const list = input[field];
    if (list === undefined) return [];
    return [Array.isArray(list) ? `${list.length.toLocaleString('en')} ${field}` : `an uploaded list of ${field}`];
  });
  return counts.length === 0 ? job.summary : `${job.summary} (${counts.join(', ')})`;
}
