import { describe, expect, test } from 'vitest';
import { isTimeZone, scheduleTime } from '../../temporal/schedule-times.js';

describe('a moment in a zone, as RFC 9557', () => {
  test.each([
    ['2027-03-28T00:59:59.000Z', 'Europe/Berlin', '2027-03-28T01:59:59+01:00[Europe/Berlin]'],
    ['2027-03-28T01:00:00.000Z', 'Europe/Berlin', '2027-03-28T03:00:00+02:00[Europe/Berlin]'],
    ['2027-10-31T00:30:00.000Z', 'Europe/Berlin', '2027-10-31T02:30:00+02:00[Europe/Berlin]'],
    ['2027-10-31T01:30:00.000Z', 'Europe/Berlin', '2027-10-31T02:30:00+01:00[Europe/Berlin]'],
    ['2027-01-01T00:00:00.000Z', 'UTC', '2027-01-01T00:00:00+00:00[UTC]'],
    ['2027-01-01T00:00:00.000Z', 'Asia/Kathmandu', '2027-01-01T05:45:00+05:45[Asia/Kathmandu]'],
    ['2027-01-01T00:00:00.000Z', 'America/St_Johns', '2026-12-31T20:30:00-03:30[America/St_Johns]'],
  ])('%s in %s', (utc, zone, local) => {
    expect(scheduleTime(new Date(utc), zone)).toEqual({ utc, local });
    expect(new Date(local.replace(/\[.*/, '')).toISOString()).toBe(utc);
  });
});

test.each(['UTC', 'Europe/Berlin', 'Etc/GMT+3', 'America/Argentina/Buenos_Aires', 'GMT', 'EST5EDT'])(
  '%s is a time zone',
  (name) => expect(isTimeZone(name)).toBe(true),
);
test.each(['', 'Local', 'Europe', 'Europe/Berln', '+03:00', 'UTC+3', '../etc/passwd'])('%s is none', (name) =>
  expect(isTimeZone(name)).toBe(false),
);
