/**
 * Refuses the crons that Temporal would take for something else than cron does. What is left to say, such as that there
 * is no minute 61, its server says better.
 */

const shorthands = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

/** @returns what is wrong, in words that follow the field's name */
export function cronFault(cron: string): string | undefined {
  const text = cron.trim();
  if (/^(CRON_)?TZ=/i.test(text)) return 'must not name a time zone: set timeZone';
  if (text.includes('#')) return 'must not hold a comment: set note';
  if (text.startsWith('@every')) return 'must not be @every: set interval, such as "15m"';
  if (text.startsWith('@')) return shorthands.includes(text) ? undefined : `must be one of ${shorthands.join(', ')}`;

  const fields = text.split(/\s+/);
  if (fields.length !== 5) {
    return `must have five fields: minute, hour, day of month, month, day of week; got ${text === '' ? 0 : fields.length}. For seconds or years set calendar`;
  }
  const [, , dayOfMonth, , dayOfWeek] = fields as [string, string, string, string, string];
  if (!dayOfMonth.startsWith('*') && !dayOfWeek.startsWith('*')) {
    return 'must not set both day of month and day of week: cron takes either, Temporal both. Give two crons for either, or calendar for both';
  }
  return undefined;
}
