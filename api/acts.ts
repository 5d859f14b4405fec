/** What people do through the API is kept with who, when and why: first the record, then the act, so that none is missing. */
import type { Response } from 'express';
import type { Act, ActName, Acts } from '../storage/acts.js';
import { callerOf } from './access.js';
import { line, linePattern } from './line.js';
import { Problem } from './problems.js';

const maxShown = 50;

const oneLine = (max: number) => line(max).min(1).meta({ pattern: linePattern });

/** Who acts and why, as fields of a call's body. */
export const who = {
  by: oneLine(200)
    .optional()
    .describe('Who does it, for the record. Unless given: which API key, by the beginning of its sha256.')
    .meta({ examples: ['ada@ops'] }),
  reason: oneLine(1_000)
    .optional()
    .describe('Why, for the record.')
    .meta({ examples: ['the template has a typo'] }),
};

export interface Person {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * Does what a person asks for, on the record. A refused act (4xx) leaves none; one that may still take effect does.
 * @param res tells which key was used, where the person gave no name
 */
export async function onRecord<T>(
  acts: Acts,
  res: Response,
  { subject, act, by, reason }: Person & { subject: string; act: ActName },
  work: (person: { by: string; reason: string | undefined }) => Promise<T>,
): Promise<T> {
  const person = { by: by ?? callerOf(res), reason };
  const number = await acts.keepAct({ subject, act, by: person.by, reason: reason ?? null, at: Date.now() });
  try {
    return await work(person);
  } catch (error) {
    if (error instanceof Problem && error.status < 500) await acts.forgetAct(number);
    throw error;
  }
}

/** As the API shows them, the latest first. */
export async function actsOn(acts: Acts, subject: string) {
  return (await acts.actsOf(subject, maxShown)).map(shown);
}

export type ShownAct = ReturnType<typeof shown>;

const shown = ({ act, by, reason, at }: Act) => ({
  act,
  by,
  ...(reason !== null && { reason }),
  at: new Date(at).toISOString(),
});
