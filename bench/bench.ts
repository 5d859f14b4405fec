/** What every measurement gets: how often, and the two processes of the bench, ready. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Table } from './figures.js';
import type { FloorQuestions } from './floor.js';
import type { Helper } from './helper.js';
import type { SinkQuestions } from './sink.js';

export const connections = 10;

export interface Bench {
  readonly runs: number;
  readonly sink: Helper<SinkQuestions>;
  readonly floor: Helper<FloorQuestions>;
  readonly smtpUrl: string;
  /** On stderr: how far it is. */
  readonly report: (line: string) => void;
}

export type Measurement = (bench: Bench) => Promise<Table[]>;

/** What is still to do after the last mail (visibility, WAL checkpoints) is not the next turn's burden. */
export const settle = () => pause(300);

/** A mail that went missing shows as a time-out, not as a bench that hangs. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = pause(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`${what} has taken more than ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
    late.catch(() => undefined); // its abort
  }
}
