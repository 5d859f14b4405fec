/**
 * A run with `expiresIn` that has not begun its work by then fails as `expired`. Its work begins when a worker takes its
 * first step: so the time goes along with the steps, and the worker refuses the one that it picks up too late.
 */
import { ApplicationFailure, condition, workflowInfo } from '@temporalio/workflow';
import { failureCode } from '../../temporal/failure.js';
import { expiredCode, typePausedCode } from '../../temporal/steering.js';
import { ownMemo } from './memo.js';

export interface Expiry {
  /** ISO 8601; undefined for a run that doesn't expire, or no more, since its work has begun. */
  at(): string | undefined;
  /** @throws ApplicationFailure `expired` */
  check(): void;
  /** Waits until `isOver`. @throws ApplicationFailure `expired` when the time comes first */
  hold(isOver: () => boolean): Promise<void>;
  /**
   * Follows a step: once one was taken in time, the run's work has begun.
   * @throws what the step threw; `again` in place of that for one picked up too late beside one that was in time
   */
  follow<T>(step: Promise<T>, again: () => Promise<T>): Promise<T>;
}

export function expiry(): Expiry {
  let hasBegun = workflowInfo().continuedFromExecutionRunId !== undefined;
  let underWay = 0;
  const at = () => (hasBegun ? undefined : expiresAt());

  return {
    at,
    check() {
      const time = at();
      if (time !== undefined && Date.now() >= Date.parse(time)) throw expired(time);
    },
    async hold(isOver) {
      const time = at();
      if (time === undefined) return condition(isOver);
      const inTime = await condition(isOver, Math.max(1, Date.parse(time) - Date.now()), {
        summary: `expires at ${time}`,
      });
      if (!inTime) throw expired(time);
    },
    async follow(step, again) {
      if (at() === undefined) return step;
      underWay += 1;
      try {
        const result = await step.finally(() => (underWay -= 1));
        hasBegun = true;
        return result;
      } catch (error) {
        const code = failureCode(error);
        if (code !== expiredCode) {
          hasBegun ||= code !== typePausedCode;
          throw error;
        }
        await condition(() => hasBegun || underWay === 0); // one beside it may have been in time
        if (hasBegun) return again();
        throw error;
      }
    },
  };
}

function expiresAt(): string | undefined {
  const { expiresAt, expiresInMs } = ownMemo();
  if (expiresAt !== undefined || expiresInMs === undefined) return expiresAt;
  return new Date(workflowInfo().startTime.getTime() + expiresInMs).toISOString();
}

const expired = (time: string) =>
  ApplicationFailure.nonRetryable(`The run had not begun its work by ${time}, when it expired.`, expiredCode);
