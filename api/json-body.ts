/** JSON bodies: read, and refused when they are none, too large, or hold what no part behind could keep as it is. */
import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import type { z } from 'zod';
import { faultWords } from '../jobs/fault-words.js';
import { faultsOf, worded, type Fault } from './faults.js';
import { invalid, Problem } from './problems.js';

const limitBytes = 4 * 1024 * 1024;
const maxDepth = 32;

/** Needs a JSON body. */
export const jsonBody: RequestHandler[] = [needJson, needSomething, parse(), checkContent];

/** For calls that may be sent without a body: it is `{}` then. */
export const optionalBody: RequestHandler[] = [
  (req, res, next) => (hasBody(req) ? needJson(req, res, next) : next()),
  parse(),
  (req, _res, next) => {
    if (req.body === undefined) req.body = {}; // but null is what it is: no object
    next();
  },
  checkContent,
];

/** @throws Problem 422 with the path of each fault */
export function parsedBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { error: faultWords });
  if (!parsed.success) throw invalid(faultsOf(parsed.error.issues));
  return parsed.data;
}

const notAnObject: Fault = { path: 'body', message: 'must be an object' };

const hasBody = ({ headers }: express.Request) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** The parser takes nothing at all for `{}`. */
function needSomething(...[req, , next]: Parameters<RequestHandler>): void {
  if (!hasBody(req)) throw malformed('it is empty');
  next();
}

function needJson(...[req, , next]: Parameters<RequestHandler>): void {
  const type = req.get('Content-Type');
  if (
    type === undefined ||
    !/^application\/(json|[\w.!#$&^-]+\+json)\s*(;\s*charset="?utf-?8"?\s*)?;?\s*$/i.test(type)
  ) {
    throw new Problem(
      415,
      'unsupported-media-type',
      `The body must be JSON: send Content-Type: application/json, got ${type === undefined ? 'none' : JSON.stringify(type.slice(0, 100))}.`,
      { headers: { Accept: 'application/json' } },
    );
  }
  next();
}

function parse(): RequestHandler {
  const read = express.json({
    limit: limitBytes,
    strict: false, // a lone string is JSON too; that it is no object is told later
    type: () => true,
    verify: (_req, _res, bytes) => {
      if (!isUtf8(bytes)) throw Object.assign(new Error('not UTF-8'), { type: notUtf8 });
    },
  });
  return (req, res, next) => {
    if (req.headers.expect !== undefined && hasBody(req) && withinLimit(req)) res.writeContinue();
    read(req, res, (error?: unknown) => next(error && refusalOf(error)));
  };
}

const notUtf8 = 'entity.not-utf8'; // the parser keeps the type of what its hook throws, and overwrites the rest

const withinLimit = ({ headers }: express.Request) => Number(headers['content-length'] ?? 0) <= limitBytes;

function refusalOf(error: unknown): unknown {
  const { type, message } = error as { type?: string; message: string };
  if (type === 'entity.too.large') {
    return new Problem(
      413,
      'too-large',
      'A JSON body may have 4 MiB. Upload a longer list with POST /v1/files and name its fileId.',
    );
  }
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new Problem(
      415,
      'unsupported-media-type',
      `The body can’t be read: ${message}. Send JSON in UTF-8, plain or gzip.`,
    );
  }
  if (type === notUtf8) return malformed('it is not UTF-8');
  if (type === 'entity.parse.failed') return malformed(message);
  return error;
}

const malformed = (why: string) => new Problem(400, 'malformed-json', `The body is no JSON: ${why.slice(0, 200)}.`);

function checkContent(...[req, , next]: Parameters<RequestHandler>): void {
  const body: unknown = req.body;
  if (!isObject(body)) throw invalid([notAnObject]);
  const faults: Fault[] = [];
  findUnkeepable(body, [], faults);
  if (faults.length > 0) throw invalid(faults);
  next();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Text that UTF-8 or a database can't hold, keys that JavaScript takes for its own, and nesting that runs out of stack.
 * @param path where `value` is; used on the way and left as it was, since a body may have 100,000 places
 */
function findUnkeepable(value: unknown, path: PropertyKey[], faults: Fault[]): void {
  if (typeof value === 'string') {
    if (unkeepable.test(value)) fault('must hold neither NUL nor half a surrogate pair');
  } else if (typeof value === 'object' && value !== null) {
    if (path.length > maxDepth) return fault(`must not be nested deeper than ${maxDepth}`);
    const isList = Array.isArray(value);
    for (const [key, item] of Object.entries(value)) {
      path.push(isList ? Number(key) : key);
      if (key === '__proto__' || unkeepable.test(key)) fault('is not allowed as a name');
      else findUnkeepable(item, path, faults);
      path.pop();
    }
  }

  function fault(message: string): void {
    faults.push({ path: worded(path), message });
  }
}

const unkeepable = /[\0\p{Surrogate}]/u;
