import { z } from 'zod';
import { expect, test } from 'vitest';
import { defineJob, step, type StepOptions } from '../../jobs/define-job.js';

const jobWith = (options: Partial<StepOptions>, type = 'some-job') =>
  defineJob({
    type,
    summary: 'x',
    taskQueue: 'email',
    deadline: '1d',
    input: () => z.strictObject({}),
    output: () => z.strictObject({}),
    example: {},
    steps: { work: step<void, void>({ startToClose: '10s', retry: 'quick', ...options }) },
  });

test('a contract that could not work is refused when it is loaded, with what to do', () => {
  expect(() => jobWith({ startToClose: '5m' })).toThrow(
    'some-job: work may run 5m without a heartbeat. Over 10s a step needs one',
  );
  expect(() => jobWith({ startToClose: '10s', scheduleToClose: '5s' })).toThrow(
    'may run 10s but all its attempts only 5s',
  );
  expect(() => jobWith({ startToClose: '5s', heartbeat: '10s' })).toThrow('has a heartbeat of 10s, longer than its 5s');
  expect(() => jobWith({ startToClose: '10 seconds' as never })).toThrow('is no duration');
  expect(() => jobWith({}, 'Some Job')).toThrow('kebab-case');
  expect(jobWith({ startToClose: '5m', heartbeat: '10s' }).type).toBe('some-job');
});
