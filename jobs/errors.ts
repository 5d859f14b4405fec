/**
 * What a step may throw. Anything else counts as transient and is retried by the step's policy.
 * Plain classes: a contract knows nothing of Temporal; the worker translates them.
 */

/** Trying again cannot help: the run fails at once with this code. */
export class PermanentError extends Error {
  readonly code: string;

  /** @param code stable, kebab-case; listed in docs/errors.md */
  constructor(code: string, message: string) {
    super(message);
    this.name = 'PermanentError';
    this.code = code;
  }
}

/** The other side asked us to wait: tried again when it said, instead of by the policy's backoff. */
export class RateLimitedError extends Error {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number, message: string) {
    super(message);
    this.name = 'RateLimitedError';
    this.retryAfterMs = retryAfterMs;
  }
}
