/** What a start asks for: checked against the job's contract, its lists stored, its files known to be there. */
import { z } from 'zod';
import type { Job } from '../jobs/define-job.js';
import { faultWords } from '../jobs/fault-words.js';
import { listsOf, type ListDeclaration, type ListRef } from '../jobs/lists.js';
import type { Blobs } from '../storage/blobs.js';
import { storeList } from '../storage/lists.js';
import type { OnAmbiguous } from '../temporal/memo.js';
import { faultsOf, worded, type Fault } from './faults.js';
import { invalid } from './problems.js';

export interface Order {
  /** As the workflow gets it: lists by reference. */
  readonly input: Record<string, unknown>;
  readonly onAmbiguous: OnAmbiguous;
  /** One line for people, without anything personal. */
  readonly summary: string;
}

/** The body of POST /v1/jobs/{type}. */
export const orderFor = (job: Job) =>
  z.strictObject({
    input: job.input().meta({ examples: [job.example] }) as z.ZodType<Record<string, unknown>>,
    onAmbiguous: z
      .enum(['resend', 'hold'])
      .default('resend')
      .describe(
        'What to do with an effect of which, after a crash, nobody knows whether it happened: do it again, or list it as `unknown`.',
      ),
  });

export function orderReader(jobs: readonly Job[], blobs: Blobs) {
  const schemas = new Map(jobs.map((job) => [job.type, { order: orderFor(job), lists: listsOf(job.input()) }]));
  for (const job of jobs) schemas.get(job.type)?.order.safeParse({ input: job.example }); // Zod compiles with the first parse: 10 ms

  /** @throws Problem 422 with the path of each fault; nothing is stored then */
  return async (job: Job, tenant: string, body: unknown): Promise<Order> => {
    const { order, lists } = schemas.get(job.type)!;
    const parsed = order.safeParse(body, { error: faultWords });
    if (!parsed.success) throw invalid(faultsOf(parsed.error.issues));
    const { input, onAmbiguous } = parsed.data;
    const faults = Object.entries(lists).flatMap(([field, list]) => rowFaults(field, list, input));
    if (faults.length > 0) throw invalid(faults);

    const byReference = { ...input };
    for (const field of Object.keys(lists)) {
      if (input[field] !== undefined) byReference[field] = await referenceTo(input[field] as Sent, tenant, blobs);
    }
    await needFiles(job, byReference, tenant, blobs);
    return { input: byReference, onAmbiguous, summary: summaryOf(job, byReference, Object.keys(lists)) };
  };
}

type Sent = unknown[] | { fileId: string };

function rowFaults(field: string, { faults }: ListDeclaration, input: Record<string, unknown>): Fault[] {
  const rows = input[field];
  if (faults === undefined || !Array.isArray(rows)) return [];
  return rows.flatMap((row, index) =>
    faults(row, input).map(({ path, message }) => ({ path: worded(['input', field, index, ...path]), message })),
  );
}

async function referenceTo(sent: Sent, tenant: string, blobs: Blobs): Promise<ListRef> {
  if (!Array.isArray(sent)) return { fileId: sent.fileId, format: 'upload' };
  const { fileId, count } = await storeList(blobs, tenant, sent);
  return { fileId, format: 'list', count };
}

async function needFiles(job: Job, input: Record<string, unknown>, tenant: string, blobs: Blobs): Promise<void> {
  const wanted = job.filesOf?.(input) ?? [];
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
    const ref = input[field] as ListRef | undefined;
    if (ref === undefined) return [];
    return [ref.count === undefined ? `an uploaded list of ${field}` : `${ref.count.toLocaleString('en')} ${field}`];
  });
  return counts.length === 0 ? job.summary : `${job.summary} (${counts.join(', ')})`;
}
