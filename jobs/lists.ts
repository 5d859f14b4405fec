/**
 * Long lists in an input. The API takes one inline, or as the fileId of an uploaded CSV or NDJSON file; the workflow
 * only ever gets a reference, so its history does not grow with the list and holds none of it.
 */
import { z } from 'zod';
import { fileId } from './file-id.js';

/** What a workflow gets in place of a list. */
export interface ListRef {
  readonly fileId: string;
  /** `list`: checked rows, stored as NDJSON by us. `upload`: as someone sent it; the run's first step checks it. */
  readonly format: 'list' | 'upload';
  /** Rows; known for a `list`. */
  readonly count?: number;
}

/** What is wrong with a row, seen with the rest of the input: the path within the row, and the words. */
export interface RowFault {
  readonly path: readonly string[];
  readonly message: string;
}

export interface ListOptions<Row> {
  /** Rows at most when sent inline. */
  readonly inline: number;
  /** Rows at most in an uploaded file. */
  readonly upload: number;
  /** Checks that need the rest of the input, such as what the chosen template wants of each row. */
  readonly faults?: (row: Row, input: Record<string, unknown>) => RowFault[];
}

/** A list's schema: it takes rows or `{fileId}`; to the workflow it is a ListRef. */
export type ListSchema<Row> = z.ZodType<ListRef, readonly Row[] | { fileId: string }> & {
  readonly list: ListDeclaration;
};

export interface ListDeclaration extends ListOptions<unknown> {
  readonly row: z.ZodType;
}

/** Declares a long list: `recipients: list(recipient(), { inline: 10_000, upload: 1_000_000 })`. */
export function list<Row extends z.ZodType>(row: Row, options: ListOptions<z.output<Row>>): ListSchema<z.input<Row>> {
  const schema = z.union([
    z.array(row).min(1).max(options.inline),
    z.strictObject({ fileId: fileId().describe('An uploaded CSV (header row; comma or semicolon) or NDJSON file.') }),
  ]);
  return Object.assign(schema, { list: { row, ...options } }) as unknown as ListSchema<z.input<Row>>;
}

/** The lists that an input schema declares, by field. */
export function listsOf(input: z.ZodType): Record<string, ListDeclaration> {
  const fields = input instanceof z.ZodObject ? Object.entries<z.ZodType>(input.shape) : [];
  return Object.fromEntries(
    fields.flatMap(([name, field]) => ('list' in field ? [[name, field.list as ListDeclaration]] : [])),
  );
}
