/** CSV with a header line: RFC 4180, with comma or semicolon, whatever ends the lines. */
import { parse } from 'csv-parse';
import type { PermanentError } from '../../jobs/errors.js';
import { BadRow, badRow, maxRowBytes, type Batch, type Numbered } from './bad-row.js';

/** Where the cells of a CSV row go: columns named like a field there, in whatever case, all others into `data`, if there is such a field. */
export interface CsvFields {
  readonly names: readonly string[];
  readonly required: readonly string[];
}

/**
 * The rows as objects of strings; empty cells are left out, blank lines skipped.
 * @param line the line that the text begins on, which is the header's
 */
export async function* csvRows(
  text: AsyncIterable<Buffer>,
  line: number,
  fields: CsvFields,
): AsyncGenerator<Batch<unknown>> {
  let columns: Column[] | undefined;
  for await (const { rows, fault } of records(text, line)) {
    const objects: Numbered<unknown>[] = [];
    for (const { line: at, value: cells } of rows) {
      if (columns === undefined) {
        columns = columnsOf(cells, at, fields);
        continue;
      }
      if (cells.length !== columns.length) {
        yield {
          rows: objects,
          fault: badRow(
            at,
            `has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}, but the header has ${columns.length}.`,
          ),
        };
        return;
      }
      objects.push({ line: at, value: objectOf(cells, columns) });
    }
    yield { rows: objects, ...(fault && { fault }) };
  }
}

interface Column {
  readonly key: string;
  readonly isData: boolean;
}

/**
 * No words quote a name: where the header was forgotten, they would quote the first row.
 * @throws PermanentError `bad-row`
 */
function columnsOf(header: readonly string[], line: number, { names, required }: CsvFields): Column[] {
  if (header.length === 1 && header[0]!.trim().includes('\t'))
    throw badRow(line, 'the header has tabs between its columns. Use a comma or a semicolon.');
  const fields = header.map((cell) => names.find((name) => name.toLowerCase() === cell.trim().toLowerCase()));
  const missing = required.filter((name) => !fields.includes(name));
  if (missing.length > 0)
    throw badRow(line, `the header has no column "${missing.join('", "')}". The first line must name the columns.`);

  const columns = header.map((cell, at): Column => {
    const field = fields[at];
    if (field !== undefined) return { key: field, isData: false };
    const key = cell.trim().replace(/^data\./i, '');
    const column = `column ${at + 1} of the header`;
    if (cell.trim() === '') throw badRow(line, `${column} has no name.`);
    if (!names.includes('data')) throw badRow(line, `${column} is no field. Known are ${names.join(', ')}.`);
    if (key === '' || key === '__proto__') throw badRow(line, `${column} has a name that no column can have.`);
    return { key, isData: true };
  });
  columns.forEach(({ key, isData }, at) => {
    const first = columns.findIndex((other) => other.key === key && other.isData === isData);
    if (first !== at) throw badRow(line, `columns ${first + 1} and ${at + 1} of the header have the same name.`);
  });
  return columns;
}

function objectOf(cells: readonly string[], columns: readonly Column[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  let data: Record<string, string> | undefined;
  for (let at = 0; at < columns.length; at += 1) {
    const cell = cells[at]!;
    const { key, isData } = columns[at]!;
    if (cell === '') continue;
    if (isData) (data ??= {})[key] = cell;
    else object[key] = cell;
  }
  if (data !== undefined) object['data'] = data;
  return object;
}

/** The cells of each row, a batch per chunk: taken from the parser as it makes them, since a stream of rows costs twice the CPU. */
async function* records(text: AsyncIterable<Buffer>, firstLine: number): AsyncGenerator<Batch<readonly string[]>> {
  const { delimiter, chunks } = await withDelimiter(text);
  let rows: Numbered<readonly string[]>[] = [];
  let lastLine = firstLine - 1; // where the row before ended
  let emptyLines = 0; // up to there

  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'], // told from the first line otherwise, and files are mixed
    skip_empty_lines: true,
    relax_column_count: true, // counted above, with our words
    max_record_size: maxRowBytes,
    on_record: (cells: string[], { empty_lines }) => {
      const line = lastLine + 1 + empty_lines - emptyLines;
      lastLine = line + lineBreaksIn(cells);
      emptyLines = empty_lines;
      const isBlank = cells.length === 1 && cells[0]!.trim() === '';
      if (!isBlank) rows.push({ line, value: cells });
      return undefined; // taken
    },
  });
  parser.on('error', () => undefined); // reported by pass()
  parser.resume();
  const pass = async (give: (done: (error?: Error | null) => void) => void): Promise<Batch<readonly string[]>> => {
    const error = await new Promise<Error | null | undefined>((resolve) => give(resolve));
    const batch = rows;
    rows = [];
    if (!error) return { rows: batch };
    return { rows: batch, fault: notCsv(lastLine + 1 + parser.info.empty_lines - emptyLines, error) };
  };

  try {
    for await (const chunk of chunks) yield await pass((done) => parser.write(chunk, done));
  } catch (error) {
    // The parser looks ahead: rows before the faulty line are still in it, and one of them may be the first fault.
    if (error instanceof BadRow) {
      const { rows: last } = await pass((done) => parser.end(done));
      yield { rows: last.filter(({ line }) => line < error.line) };
    }
    throw error;
  }
  yield await pass((done) => parser.end(done));
}

/** The parser's own count of lines takes a CRLF within quotes for two. */
function lineBreaksIn(cells: readonly string[]): number {
  let breaks = 0;
  for (const cell of cells) {
    if (cell.includes('\n') || cell.includes('\r')) breaks += cell.match(/\r\n|\n|\r/g)!.length;
  }
  return breaks;
}

const faults: Record<string, string> = {
  CSV_INVALID_CLOSING_QUOTE: 'has text after a closing quote. Write a quote within quotes twice: "".',
  INVALID_OPENING_QUOTE:
    'has a quote in the middle of a cell. Put the whole cell in quotes, and write the inner quote twice: "".',
  CSV_QUOTE_NOT_CLOSED: 'begins a row with a quote that is never closed.',
  CSV_MAX_RECORD_SIZE: `begins a row longer than ${maxRowBytes / 1024} KiB. Is a quote never closed?`,
};

function notCsv(line: number, error: Error): PermanentError {
  const code = 'code' in error ? String(error.code) : '';
  return badRow(line, faults[code] ?? `is no CSV (${code || error.name}).`);
}

/** Semicolon if the header line has more of them than commas, outside quotes. */
async function withDelimiter(
  text: AsyncIterable<Buffer>,
): Promise<{ delimiter: ',' | ';'; chunks: AsyncIterable<Buffer> }> {
  const source = text[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let isAll = false;
  let header = headerOf(head);
  while (header === undefined && head.length <= maxRowBytes && !isAll) {
    const next: IteratorResult<Buffer, unknown> = await source.next();
    if (next.done === true) isAll = true;
    else head = Buffer.concat([head, next.value]);
    header = headerOf(head);
  }
  const { commas, semicolons } = header ?? countsIn(head);
  return {
    delimiter: semicolons > commas ? ';' : ',',
    chunks: (async function* () {
      if (head.length > 0) yield head;
      if (!isAll) yield* { [Symbol.asyncIterator]: () => source };
    })(),
  };
}

function headerOf(head: Buffer) {
  const counts = countsIn(head);
  return counts.isWhole ? counts : undefined;
}

function countsIn(head: Buffer): { commas: number; semicolons: number; isWhole: boolean } {
  let isQuoted = false;
  let commas = 0;
  let semicolons = 0;
  for (const char of head.toString('latin1')) {
    if (char === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (char === ',') commas += 1;
    if (char === ';') semicolons += 1;
    if (char === '\n' || char === '\r') return { commas, semicolons, isWhole: true };
  }
  return { commas, semicolons, isWhole: false };
}
