/** The stable code of a failure. Pure: the workflow sandbox reads it too. */
import { ApplicationFailure, TimeoutFailure } from '@temporalio/common';

/** The innermost named cause: what a step threw, or that it took too long. */
export function failureCode(error: unknown): string {
  let code = 'step-failed';
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TimeoutFailure) code = 'step-timeout';
    if (cause instanceof ApplicationFailure && isCode(cause.type)) code = cause.type;
  }
  return code;
}

/** Our codes are kebab-case; `Error` or `TypeError` name no cause that a program could act on. */
const isCode = (type: string | null | undefined): type is string => /^[a-z][a-z0-9-]*$/.test(type ?? '');
