import type { PermanentError } from '../../jobs/errors.js';
import { badRow, type Batch, type Numbered } from './bad-row.js';

/**
 * The values of NDJSON text; blank lines are skipped.
 * @param line the line that the text begins on
 */
export async function* ndjsonRows(text: AsyncIterable<Buffer>, line: number): AsyncGenerator<Batch<unknown>> {
  let rest = '';
  for await (const chunk of text) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    yield parsed(lines, line);
    line += lines.length;
  }
  yield parsed([rest], line);
}

function parsed(lines: string[], first: number): Batch<unknown> {
  const rows: Numbered<unknown>[] = [];
  for (const [at, text] of lines.entries()) {
    if (text.trim() === '') continue;
    try {
      rows.push({ line: first + at, value: JSON.parse(text) as unknown });
    } catch (error) {
      return { rows, fault: notJson(first + at, error) };
    }
  }
  return { rows };
}

/** Not the parser's own words: they quote the row, and more people read a run's error than its list. */
function notJson(line: number, error: unknown): PermanentError {
  const at = /position (\d+)/.exec(String(error))?.[1];
  return badRow(
    line,
    `is not valid JSON${at === undefined ? '' : ` at character ${Number(at) + 1}`}. Write one object a line.`,
  );
}
