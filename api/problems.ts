/** Every refusal is a problem of RFC 9457 with a stable `code`. One handler words what no route has worded. */
import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { BlobNotFound, BlobTooLarge } from '../storage/blobs.js';
import { LedgerUnavailable } from '../storage/ledger.js';
import { isTemporalAway } from '../temporal/errors.js';
import type { Fault } from './faults.js';

interface Extras {
  /** What is wrong where, for a 422. */
  readonly errors?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class Problem extends Error {
  readonly status: number;
  /** Stable, kebab-case; listed in docs/errors.md. */
  readonly code: string;
  readonly errors: readonly Fault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, detail: string, { errors, headers = {}, cause }: Extras = {}) {
    super(detail, { cause });
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }
}

/** Away for now: the same request is welcome again. */
export const awayFor = (code: string, detail: string, cause?: unknown) =>
  new Problem(503, code, detail, { headers: { 'Retry-After': '2' }, cause });

const shownFaults = 100;

/** 422 with the path of each fault. */
export function invalid(errors: readonly Fault[], code = 'invalid-request'): Problem {
  const more = errors.length > shownFaults ? ` The first ${shownFaults} of ${errors.length} are shown.` : '';
  const [first] = errors;
  const detail = first ? `${first.path} ${first.message}.${more}`.trim() : 'The request is invalid.';
  return new Problem(422, code, detail, { errors: errors.slice(0, shownFaults) });
}

export const bodyOf = ({ status, code, message, errors }: Problem) => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  code,
  detail: message,
  ...(errors && { errors }),
});

export const unknownRoute: RequestHandler = (req) => {
  throw new Problem(404, 'not-found', `There is nothing at ${req.path}. GET /openapi.json lists what there is.`);
};

export const problemHandler =
  (log: Logger): ErrorRequestHandler =>
  (error: unknown, req, res, next) => {
    if (req.destroyed && !req.complete) return log.debug({ path: req.path }, 'The client left before all was sent');
    const problem = problemOf(error);
    if (problem.status >= 500) {
      const asked = { method: req.method, path: req.path, status: problem.status, code: problem.code };
      if (problem.status === 500) log.error({ ...asked, err: error }, 'A request failed for a reason nobody foresaw');
      else if (problem.code !== 'not-ready')
        log.warn({ ...asked, reason: reasonOf(error) }, 'A request was refused for now');
    }
    if (res.headersSent) return next(error); // too late for a problem: Express cuts the connection
    send(res, problem, !req.complete);
  };

/** Answers at once, but reads on for a while: a client that is still sending would otherwise lose the answer to a reset. */
function send(res: Response, problem: Problem, stillSending: boolean): void {
  for (const name of res.getHeaderNames())
    if (/^(content-|etag|cache-control|location)/i.test(name)) res.removeHeader(name);
  res.status(problem.status).set(problem.headers).set('Content-Type', 'application/problem+json');
  const body = Buffer.from(JSON.stringify(bodyOf(problem)));
  if (!stillSending || res.req.method === 'HEAD') return void res.send(body);

  res.set({ Connection: 'close', 'Content-Length': String(body.length) });
  res.write(body);
  const end = () => res.end();
  const lingering = setTimeout(end, 2_000);
  res.once('close', () => clearTimeout(lingering));
  res.req.once('end', end).once('error', end).resume();
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof LedgerUnavailable) {
    return awayFor('ledger-unavailable', 'The ledger can’t be used now. Try again.', error);
  }
  if (isTemporalAway(error)) return awayFor('temporal-unavailable', 'Temporal can’t be reached now. Try again.', error);
  if (error instanceof BlobTooLarge) return new Problem(413, 'too-large', error.message, { cause: error });
  if (error instanceof BlobNotFound) return new Problem(404, 'file-not-found', error.message, { cause: error });
  if (isFileSystemFault(error))
    return awayFor('files-unavailable', 'The files can’t be read or written now. Try again.', error);
  if (isClientFault(error))
    return new Problem(error.status, 'bad-request', `The request can’t be read: ${error.message}.`);
  return new Problem(500, 'internal-error', 'Something failed that nobody foresaw; the log tells what.', {
    cause: error,
  });
}

const isFileSystemFault = (error: unknown) =>
  error instanceof Error &&
  'code' in error &&
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM'].includes(String(error.code));

/** Express and its parsers say so with a status: a path that can't be decoded, an aborted request. */
const isClientFault = (error: unknown): error is Error & { status: number } =>
  error instanceof Error &&
  'status' in error &&
  typeof error.status === 'number' &&
  error.status >= 400 &&
  error.status < 500;

function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) reasons.push(at.message);
  return reasons.join(' ← ');
}
