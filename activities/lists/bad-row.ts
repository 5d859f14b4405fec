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

export class BadRow extends PermanentError {
  readonly line: number;

  /** @param line of the file, from 1, as an editor shows it */
  constructor(line: number, what: string) {
    super('bad-row', `Line ${line}: ${what.length > 300 ? `${what.slice(0, 300)}…` : what}`);
    this.line = line;
  }
}

export const badRow = (line: number, what: string) => new BadRow(line, what);
