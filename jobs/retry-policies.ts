import { toMs, type Duration } from './durations.js';

/**
 * How often, how long apart and for how long altogether something is tried again. Plain data, shown by GET /v1/job-types.
 * Each pause is `initialInterval × coefficient^(n-1)`, times a random factor between the two of `jitter`, at most
 * `maximumInterval`.
 */
export interface RetryPolicy {
  readonly initialInterval: Duration;
  readonly coefficient: number;
  readonly maximumInterval: Duration;
  readonly jitter: readonly [number, number];
  /** Attempts in all, the first included. A crashed worker uses one up. */
  readonly attempts: number;
  /** From the first attempt's scheduling; whichever bound is met first ends the retries. */
  readonly totalTime: Duration;
  /** Failures with these codes are never tried again. A PermanentError never is, whatever its code. */
  readonly nonRetryable: readonly string[];
}

const jitter = [0.5, 1.5] as const; // half to one and a half: spreads a burst, keeps the mean

export const retryPolicies = {
  /** Short local work: a few tries within minutes. */
  quick: {
    initialInterval: '1s',
    coefficient: 2,
    maximumInterval: '30s',
    jitter,
    attempts: 5,
    totalTime: '10m',
    nonRetryable: [],
  },
  /** Heavier local work: it may wait for a busy machine. */
  patient: {
    initialInterval: '2s',
    coefficient: 2,
    maximumInterval: '5m',
    jitter,
    attempts: 20,
    totalTime: '2h',
    nonRetryable: [],
  },
  /** A server of someone else's that is away: an outage of a day and a half is survived. */
  outage: {
    initialInterval: '1s',
    coefficient: 2,
    maximumInterval: '2m',
    jitter,
    attempts: 5_000,
    totalTime: '36h',
    nonRetryable: [],
  },
  /** One item refused for now (SMTP 4xx): rounds over a bit more than an hour, which outlasts usual greylisting. */
  refusedForNow: {
    initialInterval: '2s',
    coefficient: 3,
    maximumInterval: '30m',
    jitter,
    attempts: 9,
    totalTime: '2h',
    nonRetryable: [],
  },
} satisfies Record<string, RetryPolicy>;

export type RetryPolicyName = keyof typeof retryPolicies;

/**
 * @param failures how many attempts have failed so far, from 1
 * @param random 0 to 1; in a workflow its own seeded Math.random()
 * @returns the pause before the next attempt, in ms, jittered and at most the policy's maximum
 */
export function pauseMs(name: RetryPolicyName, failures: number, random: number): number {
  const { initialInterval, coefficient, maximumInterval, jitter } = retryPolicies[name];
  const [low, high] = jitter;
  const pause = toMs(initialInterval) * coefficient ** (failures - 1) * (low + (high - low) * random);
  return Math.round(Math.min(toMs(maximumInterval), pause));
}
