/** What is news to one who comes back, whichever API process told what was seen. */
import { expect, test } from 'vitest';
import { idOf, momentIn, momentOf, newsOf, type Moment } from '../../../api/live/moment.js';
import type { Run } from '../../../api/run.js';
import type { RunFacts } from '../../../temporal/run.js';

const progress = { done: 120, total: 500, unit: 'E-Mail äöü', message: 'on its way' };

function moment({
  firstRunId = 'a-0123456789ab',
  transitions = 50,
  startTime = new Date(1_000),
  ...shown
}: Partial<Run> & Partial<Pick<RunFacts, 'firstRunId' | 'transitions' | 'startTime'>> = {}): Moment {
  const facts = { runId: firstRunId, firstRunId, transitions, startTime } as RunFacts;
  return momentOf(facts, { runId: firstRunId, status: 'running', progress, tags: [], ...shown } as Partial<Run> as Run);
}

test('an id holds all that is needed of a moment', () => {
  for (const each of [
    moment(),
    moment({ progress: null }),
    moment({ status: 'failed', progress: { ...progress, total: null } }),
  ]) {
    expect(momentIn(idOf(each))).toEqual(each);
    expect(idOf(each)).toMatch(/^[\w-]{20,200}$/); // fits a header and a query
  }
});

test.each(['', 'x', '7', 'e30', Buffer.from('[1,"a",-1]').toString('base64url'), 'a'.repeat(2_000)])(
  'what is no id of ours is none: %s',
  (id) => expect(momentIn(id)).toBeUndefined(),
);

test('the same seen later, or elsewhere, or without a worker, is no news', () => {
  const seen = moment();
  expect(newsOf(moment({ transitions: 60 }), seen)).toBeUndefined();
  expect(newsOf(moment({ transitions: 60, stale: true }), seen)).toBeUndefined();
  expect(newsOf(moment({ transitions: 60, progress: null, stale: true }), seen)).toBeUndefined();
  expect(newsOf(moment({ transitions: 1, startTime: new Date(2_000), runId: 'another' }), seen)).toBeUndefined();
});

test('what is older is no news, in the same run and across what continued as new', () => {
  const seen = moment({ startTime: new Date(2_000) });
  expect(newsOf(moment({ startTime: new Date(2_000), transitions: 49, status: 'paused' }), seen)).toBeUndefined();
  expect(newsOf(moment({ transitions: 900, status: 'paused' }), seen)).toBeUndefined();
});

test('progress never goes back, whatever this process knows of it', () => {
  const seen = moment();
  const less = { ...progress, done: 90 };
  expect(newsOf(moment({ transitions: 60, progress: less }), seen)).toBeUndefined();
  for (const known of [null, less, { ...progress, total: null }]) {
    expect(newsOf(moment({ transitions: 60, status: 'cancelling', progress: known }), seen)).toMatchObject({
      status: 'cancelling',
      progress: { done: 120, total: 500 },
    });
  }
});

test('a change of status, progress, words or anything else shown is news', () => {
  for (const change of [
    { status: 'paused' as const },
    { progress: { ...progress, done: 121 } },
    { progress: { ...progress, message: 'in the second round' } },
    { dueAt: '2026-07-01T12:00:00.000Z' },
  ]) {
    const changed = moment({ transitions: 60, ...change });
    expect(newsOf(changed, moment())).toBe(changed);
  }
});

test('nothing follows an end but another run under the same ID', () => {
  const end = moment({ status: 'failed' });
  expect(newsOf(moment({ transitions: 99 }), end)).toBeUndefined();
  const redriven = moment({ firstRunId: 'b-ba9876543210', transitions: 3, progress: null });
  expect(newsOf(redriven, end)).toBe(redriven);
});
