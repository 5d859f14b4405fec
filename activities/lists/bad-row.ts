import { PermanentError } from '../../jobs/errors.js';

/** A row of an upload, header included, may be this long. */
export const maxRowBytes = 64 * 1024;

/** What was read of an upload, and the line of the file that it begins on. */
export interface Numbered<T> {
  readonly line: number;
  readonly value: T;
}

/** What one chunk gave: the rows before a fault come before it. */
export interface Batch<T> {
  readonly rows: readonly Numbered<T>[];
  readonly fault?: PermanentError;
}

/** @param line of the file, from 1, as an editor shows it */
export function badRow(line: number, what: string): PermanentError {
  const shown = what.length > 300 ? `${what.slice(0, 300)}…` : what;
  return new PermanentError('bad-row', `Line ${line}: ${shown}`);
}
