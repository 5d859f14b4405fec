/** What a watch tells its viewers when looks and processes race. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { LiveEvent } from '../../../api/live/live-event.js';
import { momentOf } from '../../../api/live/moment.js';
import { watchRun, type Look } from '../../../api/live/watch.js';
import type { Run } from '../../../api/run.js';
import type { RunFacts } from '../../../temporal/run.js';

function look(transitions: number, done: number): Look {
  const runId = 'a-0123456789ab';
  const facts = { runId, firstRunId: runId, transitions, startTime: new Date(1_000) } as RunFacts;
  const run = {
    runId,
    status: 'running',
    progress: { done, total: 10, unit: 'mail', message: '' },
  } as Partial<Run> as Run;
  return { facts, run };
}

test('a progress newer than its look is told, later, to who has seen a later moment elsewhere', () => {
  const watch = watchRun({
    workflowId: 'x',
    first: look(18, 4),
    look: () => new Promise(() => undefined),
    nextOfHistory: () => new Promise(() => undefined),
    log: pino({ level: 'silent' }),
    keptMs: 1_000,
    forget: () => undefined,
  });
  const told: number[] = [];
  const viewer = {
    send: ({ run }: LiveEvent) => void told.push(run.progress!.done),
    beat: () => undefined,
    end: () => undefined,
  };
  const elsewhere = look(21, 5);
  const leave = watch.attach(viewer, momentOf(elsewhere.facts, elsewhere.run));
  watch.take(look(20, 6)); // described before the other process looked, its progress asked for afterwards
  watch.take(look(23, 6));
  watch.take(look(24, 6));
  expect(told).toEqual([6]);
  leave();
  watch.interrupt();
});
