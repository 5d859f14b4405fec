/** The OpenAPI 3.1 document, made from the contracts and the routes. */
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { AnswerDoc, OperationDoc, Route } from './route.js';
import { scheduleIdPattern } from './schedule-schemas.js';
import { named, ref } from './schemas.js';

export function openApiDocument(routes: readonly Route[], needsKey: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const docs = typeof route.docs === 'function' ? route.docs() : { [route.path]: route.docs };
    for (const [path, doc] of Object.entries(docs)) (paths[path] ??= {})[route.method] = operation(route, path, doc);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Longhaul',
      version: '1',
      description:
        'Durable background jobs on Temporal. An accepted run (202) is never lost. Errors are problems of RFC 9457 with a stable `code`. What is no valid HTTP is refused with 400 or 408, and a method that a path has not with 405 and `Allow`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    ...(needsKey && { security: [{ key: [] }] }),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, jsonSchema(schema)])),
      responses: Object.fromEntries(
        Object.keys(problems).map((status) => [responseName(status), problemResponse(status)]),
      ),
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'One of API_KEYS; where none are set, none is needed.' },
      },
    },
  };
}

/** As it is sent or answered: before defaults and transforms. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function operation({ query, open }: Route, path: string, doc: OperationDoc): object {
  const refusals = new Set([
    ...doc.problems,
    ...[422, 431, 500],
    ...(open ? [] : [401, 403]),
    ...(path.includes('{') ? [400] : []), // a path whose escapes are none
  ]);
  return {
    operationId: doc.operationId,
    summary: doc.summary,
    ...(doc.description && { description: doc.description }),
    ...(open && { security: [] }),
    parameters: [...pathParameters(path), ...queryParameters(query), ...headerParameters(doc.headers)],
    ...(doc.body && { requestBody: doc.body }),
    responses: {
      ...Object.fromEntries(Object.entries(doc.answers).map(([status, answer]) => [status, response(answer)])),
      ...Object.fromEntries(
        [...refusals]
          .sort()
          .map((status) => [status, { $ref: `#/components/responses/${responseName(String(status))}` }]),
      ),
    },
  };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    ...pathParameterDocs[name!],
  }));
}

const pathParameterDocs: Record<string, object> = {
  workflowId: { description: 'Of the run: the answer that started it tells.', schema: { type: 'string' } },
  type: { description: 'A job type: GET /v1/job-types lists them.', schema: { type: 'string' } },
  id: { description: 'Of the schedule.', schema: { type: 'string', pattern: scheduleIdPattern.source } },
  fileId: { description: 'From POST /v1/files.', schema: { type: 'string' } },
};

function queryParameters(query: z.ZodObject | undefined): object[] {
  return Object.entries((query?.shape ?? {}) as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description, ...rest } = jsonSchema(schema, 'input') as { description?: string };
    return { name, in: 'query', required: false, ...(description && { description }), schema: rest };
  });
}

function headerParameters(headers: OperationDoc['headers'] = {}): object[] {
  return Object.entries(headers).map(([name, { description, schema, required = false }]) => ({
    name,
    in: 'header',
    required,
    description,
    schema,
  }));
}

function response({ description, schema, example, content, headers = {} }: AnswerDoc): object {
  const json = schema && { 'application/json': { schema, ...(example !== undefined && { example }) } };
  return {
    description,
    ...((content ?? json) && { content: content ?? json }),
    ...(Object.keys(headers).length > 0 && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
      ),
    }),
  };
}

/** An example of each kind of refusal. */
const problems: Record<string, { code: string; detail: string; errors?: object[]; headers?: Record<string, string> }> =
  {
    400: { code: 'malformed-json', detail: 'The body is no JSON: Unexpected end of JSON input.' },
    401: {
      code: 'unauthorized',
      detail: 'Send Authorization: Bearer <key> with one of the keys in API_KEYS.',
      headers: { 'WWW-Authenticate': 'Bearer' },
    },
    403: { code: 'forbidden-host', detail: 'Without API_KEYS only this machine may call, as localhost or 127.0.0.1.' },
    404: { code: 'run-not-found', detail: 'There is no run "email-campaign:0". GET /v1/runs lists those there are.' },
    409: {
      code: 'run-closed',
      detail: 'email-campaign:06d3… has ended as completed: there is nothing left to cancel.',
    },
    413: { code: 'too-large', detail: 'A JSON body may have 4 MiB.' },
    415: {
      code: 'unsupported-media-type',
      detail: 'The body must be JSON: send Content-Type: application/json, got none.',
    },
    416: { code: 'range-not-satisfiable', detail: 'The file has 48213 bytes.' },
    422: {
      code: 'invalid-request',
      detail: 'input.template must be one of welcome, trial-ending.',
      errors: [{ path: 'input.template', message: 'must be one of welcome, trial-ending' }],
    },
    431: { code: 'headers-too-large', detail: 'The headers have more than 16 KiB.' },
    500: { code: 'internal-error', detail: 'Something failed that nobody foresaw; the log tells what.' },
    503: {
      code: 'temporal-unavailable',
      detail: 'Temporal can’t be reached now. Nothing was started; try again.',
      headers: { 'Retry-After': 'Seconds to wait.' },
    },
  };

const responseName = (status: string) => (STATUS_CODES[status] ?? status).replace(/[^A-Za-z]/g, '');

function problemResponse(status: string): object {
  const { headers, ...words } = problems[status]!;
  const title = STATUS_CODES[status] ?? status;
  return {
    description: title,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
      ),
    }),
    content: {
      'application/problem+json': {
        schema: ref('Problem'),
        example: { type: 'about:blank', title, status: Number(status), ...words },
      },
    },
  };
}
