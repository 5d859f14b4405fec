/** Reads an uploaded list, CSV or NDJSON, as a stream: whatever its length, it takes the same memory. */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { PermanentError } from '../../jobs/errors.js';
import { faultWords } from '../../jobs/fault-words.js';
import type { RowFault } from '../../jobs/lists.js';
import { badRow, type Batch } from './bad-row.js';
import { csvRows, type CsvFields } from './csv-rows.js';
import { ndjsonRows } from './ndjson-rows.js';
import { uploadText } from './upload-text.js';

export interface UploadOptions {
  readonly maxRows: number;
  readonly signal?: AbortSignal;
  /** Told after each row how many there were. */
  readonly onRow?: (count: number) => void;
}

/**
 * Checks each row and passes on what the schema makes of it. NDJSON if the first character is `{`, else CSV, whose
 * columns are the fields of the schema; all other columns go into its field `data`, if it has one.
 * @param check faults that the schema does not know of
 * @throws PermanentError `bad-row` with the line of the file, `empty-list`, `list-too-long`; the signal's reason
 */
export async function* readUpload<Row>(
  stream: Readable,
  row: z.ZodType<Row>,
  check: (row: Row) => readonly RowFault[],
  { maxRows, signal, onRow }: UploadOptions,
): AsyncGenerator<Row, void, undefined> {
  let count = 0;
  try {
    for await (const { rows, fault } of batchesOf(stream, row)) {
      signal?.throwIfAborted();
      for (const { line, value } of rows) {
        const parsed = row.safeParse(value, { error: faultWords });
        if (!parsed.success) throw badRow(line, wordsOf(parsed.error.issues[0]!));
        const [found] = check(parsed.data);
        if (found !== undefined) throw badRow(line, worded(found.path, found.message));
        count += 1;
        if (count > maxRows)
          throw new PermanentError('list-too-long', `The list has more than ${maxRows} rows. Split it.`);
        onRow?.(count);
        yield parsed.data;
      }
      if (fault !== undefined) throw fault;
    }
  } finally {
    stream.destroy();
  }
  if (count === 0) throw new PermanentError('empty-list', 'The list has no rows.');
}

async function* batchesOf(stream: Readable, row: z.ZodType): AsyncGenerator<Batch<unknown>> {
  const text = uploadText(stream as AsyncIterable<Buffer>);
  let line = 1;
  let before = 0;
  for (;;) {
    const next = await text.next();
    if (next.done === true) return;
    const chunk = next.value;
    const begin = firstInk(chunk);
    for (const byte of chunk.subarray(0, begin)) {
      if (byte === carriageReturn || (byte === newline && before !== carriageReturn)) line += 1;
      before = byte;
    }
    if (begin === chunk.length) continue;

    const head = chunk.subarray(begin);
    const rest = async function* () {
      yield head;
      yield* text;
    };
    if (head[0] === bracket)
      throw badRow(line, 'begins a JSON array. Write one object a line, without brackets and commas.');
    yield* head[0] === brace ? ndjsonRows(rest(), line) : csvRows(rest(), line, fieldsOf(row));
    return;
  }
}

const newline = 10;
const carriageReturn = 13;
const brace = 123;
const bracket = 91;
const blanks = [32, 9, newline, carriageReturn];
const byteOrderMark = Buffer.from('\ufeff');

function firstInk(chunk: Buffer): number {
  let at = chunk.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? byteOrderMark.length : 0;
  while (at < chunk.length && blanks.includes(chunk[at]!)) at += 1;
  return at;
}

function fieldsOf(row: z.ZodType): CsvFields {
  const shape: Record<string, z.ZodType> = row instanceof z.ZodObject ? row.shape : {};
  const names = Object.keys(shape);
  return { names, required: names.filter((name) => !shape[name]!.safeParse(undefined).success) };
}

/** Where and what, never the value: more people read a run's error than its list. */
function wordsOf(issue: z.core.$ZodIssue): string {
  const [unknownKey] = issue.code === 'unrecognized_keys' ? issue.keys : [];
  return worded([...issue.path, ...(unknownKey === undefined ? [] : [unknownKey])].map(String), issue.message);
}

/** A key that looks like no name may be an address. */
const shownKey = (key: string) => (/^[\w-]{1,64}$/.test(key) ? key : '…');

const worded = (path: readonly string[], message: string) =>
  path.length > 0 ? `${path.map(shownKey).join('.')}: ${message}` : message;
