/** A refusal (RFC 9457). `code` is stable; docs/errors.md lists all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** What is wrong with the body, by path. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** When the same call may work. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: Partial<Problem> & { title?: string }, retryAfter: string | null) {
    const detail = body.detail ?? body.title ?? `HTTP ${status}`;
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? `http-${status}`;
    this.detail = detail;
    this.errors = body.errors ?? [];
    this.retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter);
  }
}
