/** A length of time with its unit: '250ms', '30s', '5m', '2h', '30d'. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * @returns the duration in milliseconds
 * @throws RangeError if the text is no duration; a contract or a setting is wrong
 */
export function toMs(duration: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) ?? [];
  if (amount === undefined)
    throw new RangeError(`"${duration}" is no duration. Write it like 250ms, 30s, 5m, 2h or 30d.`);
  return Number(amount) * unitMs[unit as keyof typeof unitMs];
}
