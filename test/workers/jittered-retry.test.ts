import type { Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { PermanentError, RateLimitedError } from '../../jobs/errors.js';
import { BlobNotFound } from '../../storage/blobs.js';
import { jitteredRetry } from '../../workers/jittered-retry.js';

/** What Temporal is told when attempt `attempt` of a step throws `error`. */
async function told(error: Error, attempt = 1, step = { workflowType: 'email-campaign', activityType: 'sendSlice' }) {
  const { inbound } = jitteredRetry({ info: { ...step, attempt } as unknown as Info } as never);
  return inbound!.execute!({ args: [], headers: {} }, () => Promise.reject(error)).then(
    () => expect.unreachable(),
    (failure: unknown) => failure,
  );
}

const pausesOf = (attempt: number) =>
  Promise.all(
    Array.from({ length: 200 }, async () => (await told(new Error('x'), attempt)) as ApplicationFailure),
  ).then((failures) => failures.map(({ nextRetryDelay }) => Number(nextRetryDelay)));

test('pauses grow exponentially, spread from a half to one and a half, and stay within the maximum', async () => {
  for (const [attempt, base] of [
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
  ] as const) {
    const pauses = await pausesOf(attempt);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.5 * base);
    expect(Math.min(...pauses)).toBeLessThan(0.65 * base);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1.5 * base);
    expect(Math.max(...pauses)).toBeGreaterThan(1.35 * base);
  }
  expect(Math.max(...(await pausesOf(40)))).toBe(120_000);
});

test('a permanent error is never retried, and carries its code', async () => {
  expect(await told(new PermanentError('bad-row', 'Line 3'))).toMatchObject({
    type: 'bad-row',
    nonRetryable: true,
    message: 'Line 3',
  });
  expect(await told(new BlobNotFound('default.0'))).toMatchObject({ type: 'file-not-found', nonRetryable: true });
});

test('who asks us to wait is asked again when told', async () => {
  expect(await told(new RateLimitedError(7_000, 'slow down'))).toMatchObject({
    nextRetryDelay: 7_000,
    nonRetryable: false,
  });
});

test('what speaks for itself is passed on: failures with a type of their own, and cancellation', async () => {
  for (const failure of [ApplicationFailure.nonRetryable('no', 'x'), new CancelledFailure('stop')])
    expect(await told(failure)).toBe(failure);
});
