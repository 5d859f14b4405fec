/** A route: its method, path and handler, and beside them what OpenAPI says of it. */
import type { Express, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { faultWords } from '../jobs/fault-words.js';
import { faultsOf, worded } from './faults.js';
import { invalid, Problem } from './problems.js';

export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** As OpenAPI writes it: `/v1/runs/{workflowId}` */
  readonly path: string;
  /** Needs no key. */
  readonly open?: true;
  /** The query parameters there are; any other is 422. */
  readonly query?: z.ZodObject;
  readonly before?: readonly RequestHandler[];
  readonly handle: (req: Request, res: Response) => Promise<void> | void;
  readonly docs: OperationDoc | (() => Record<string, OperationDoc>);
}

/** The part of an OpenAPI operation that a route tells of itself. */
export interface OperationDoc {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly headers?: Record<string, { description: string; schema: object; required?: boolean }>;
  readonly body?: {
    description?: string;
    content: Record<string, { schema: object; example?: unknown }>;
    required: boolean;
  };
  /** By status. */
  readonly answers: Record<string, AnswerDoc>;
  /** The problems of its own; those that every call may have are added. */
  readonly problems: readonly number[];
}

export interface AnswerDoc {
  readonly description: string;
  readonly schema?: object;
  readonly example?: unknown;
  readonly content?: Record<string, { schema: object; example?: unknown }>;
  readonly headers?: Record<string, string>;
}

export function mount(app: Express, routes: readonly Route[], access: RequestHandler): void {
  for (const { method, path, open, query, before = [], handle } of routes) {
    const guards = [...(open ? [] : [access]), onlyKnown(query ?? z.strictObject({})), ...before];
    app[method](expressPath(path), ...guards, async (req, res) => handle(req, res));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map((route) => route.method);
    const allow = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])).join(', ');
    app.all(expressPath(path), (req, res) => {
      if (req.method === 'OPTIONS') return void res.set('Allow', allow).sendStatus(204);
      throw new Problem(405, 'method-not-allowed', `${req.method} is not possible here; ${allow} is.`, {
        headers: { Allow: allow },
      });
    });
  }
}

/** The checked query of a request whose route declares this schema. */
export const queryOf = <Query extends z.ZodObject>(_declared: Query, res: Response) =>
  res.locals['query'] as z.output<Query>;

const expressPath = (path: string) => path.replace(/\{(\w+)\}/g, ':$1');

function onlyKnown(query: z.ZodObject): RequestHandler {
  return (req, res, next) => {
    const repeated = Object.keys(req.query).filter((name) => Array.isArray(req.query[name]));
    if (repeated.length > 0)
      throw invalid(
        repeated.map((name) => ({ path: worded(['query', name]), message: 'is there twice: give it once' })),
      );
    const parsed = query.safeParse(req.query, { error: faultWords });
    if (!parsed.success) throw invalid(faultsOf(parsed.error.issues, ['query']));
    res.locals['query'] = parsed.data;
    next();
  };
}
