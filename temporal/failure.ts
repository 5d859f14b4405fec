/** What a failure says to people and programs. Pure: the workflow sandbox reads it too. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';

/** A delayed run took longer than its deadline; its status is `timedOut`, as if Temporal had ended it. */
export const deadlineCode = 'deadline-exceeded';

/** The innermost named cause: what a step threw, or that it took too long. */
export function failureCode(error: unknown): string {
  let code = 'step-failed';
  for (const cause of causesOf(error)) {
    if (cause instanceof TimeoutFailure) code = 'step-timeout';
    if (cause instanceof ApplicationFailure && isCode(cause.type)) code = cause.type;
  }
  return code;
}

/** Our codes are kebab-case; `Error` or `TypeError` name no cause that a program could act on. */
const isCode = (type: string | null | undefined): type is string => /^[a-z][a-z0-9-]*$/.test(type ?? '');

/** The step that failed for good; undefined if the workflow's own code ended the run. */
export function failedStep(error: unknown): ActivityFailure | undefined {
  return causesOf(error).find((cause) => cause instanceof ActivityFailure);
}

/** The innermost words: what wraps them only says that an activity failed. */
export function failureMessage(error: unknown): string {
  const deepest = causesOf(error).at(-1);
  const step = failedStep(error);
  if (deepest instanceof TimeoutFailure && step !== undefined) {
    return deepest.timeoutType === 'HEARTBEAT'
      ? `${step.activityType} gave no sign of life; its worker may have died.`
      : `${step.activityType} did not end within its time limit (${deepest.timeoutType ?? 'unknown'}).`;
  }
  return deepest !== undefined && deepest.message !== '' ? deepest.message : 'The run failed and gave no reason.';
}

/** How often the step had been tried when it failed, where its worker could tell (not of a time-out). */
export function failedAttempts(error: unknown): number | undefined {
  for (const cause of causesOf(error)) {
    const [told] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
    if (typeof told === 'object' && told !== null && 'attempt' in told) return Number(told.attempt);
  }
  return undefined;
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error; at = at.cause) causes.push(at);
  return causes;
}
