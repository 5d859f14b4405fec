/** Moments as a schedule's people read them. Pure. */

export interface ScheduleTime {
  /** ISO 8601 */
  readonly utc: string;
  /** RFC 9557, with offset and zone: `2027-03-29T02:30:00+02:00[Europe/Berlin]` */
  readonly local: string;
}

export function scheduleTime(date: Date, timeZone: string): ScheduleTime {
  return { utc: date.toISOString(), local: `${localIso(date, timeZone)}[${timeZone}]` };
}

/** The ICU of this Node knows it. The server has the last word: it is stricter about case. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/.test(name)) return false; // Intl also takes offsets such as +03:00
  try {
    formatterOf(name);
    return true;
  } catch {
    return false; // RangeError: that is the answer
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const formatter = new Intl.DateTimeFormat('en', {
    timeZone,
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'longOffset' },
  });
  formatters.set(timeZone, formatter); // as many as there are zones
  return formatter;
}

function localIso(date: Date, timeZone: string): string {
  const parts = formatterOf(timeZone).formatToParts(date);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  const offset = of('timeZoneName').replace('GMT', '') || '+00:00';
  return `${of('year').padStart(4, '0')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}:${of('second')}${offset}`;
}
