/** Times and lengths of time in requests. */
import { z } from 'zod';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const human = /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;
/** Without years and months: they have no fixed length. */
const iso =
  /^P(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/;

const farthestMs = 3_653 * unitMs.d; // ten years

/** What JSON Schema can tell of a length of time. */
export const durationShape = {
  minLength: 2, // the shortest is 1s: the patterns alone would take nothing at all
  pattern: [human, iso].map(({ source }) => source.replaceAll('\\d', '[0-9]')).join('|'),
  examples: ['90s', '24h', '1h30m', 'PT24H'],
};

const words = 'must be a length of time, like 90s, 24h, 1h30m or PT24H';

/** '90s', '1h30m' or ISO 8601 'PT24H', as milliseconds; more than zero unless `fromMs` says otherwise. */
export const duration = ({ fromMs = 1, toMs = farthestMs }: { fromMs?: number; toMs?: number } = {}) =>
  z
    .string()
    .max(100)
    .meta(durationShape)
    .transform((text, ctx) => {
      const ms = durationMs(text);
      if (ms === undefined) ctx.addIssue({ code: 'custom', message: words });
      else if (ms < fromMs) ctx.addIssue({ code: 'custom', message: `must be at least ${shortest(fromMs)}` });
      else if (ms > toMs) ctx.addIssue({ code: 'custom', message: `must be at most ${shortest(toMs)}` });
      return ms ?? z.NEVER;
    });

/** RFC 3339, with `Z` or an offset, as a Date. */
export const time = () =>
  z.iso
    .datetime({
      offset: true,
      error: 'must be a time with its zone, like 2027-01-31T08:00:00Z or 2027-01-31T09:00:00+01:00',
    })
    .transform((text) => new Date(text));

/** A time at most ten years from now. */
export const dueTime = () =>
  time().refine((at) => at.getTime() - Date.now() <= farthestMs, 'must be within ten years from now');

function durationMs(text: string): number | undefined {
  const [, weeks, ...isoParts] = iso.exec(text) ?? [];
  const parts =
    human.exec(text)?.slice(1) ??
    (weeks === undefined && isoParts.every((part) => part === undefined) ? undefined : isoParts);
  if (parts === undefined || text === '') return undefined;
  const lengths = Object.values(unitMs);
  const ms = parts.reduce((sum, part, at) => sum + amount(part) * lengths[at]!, amount(weeks) * 7 * unitMs.d);
  return Math.round(ms);
}

const amount = (part: string | undefined) => Number((part ?? '0').replace(',', '.'));

function shortest(ms: number): string {
  const [unit, length] = Object.entries(unitMs).find(([, length]) => ms % length === 0) ?? ['ms', 1];
  return `${ms / length}${unit}`;
}
