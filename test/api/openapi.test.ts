import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobs } from '../../jobs/index.js';
import { onePixel } from '../support/one-pixel.js';
import { startApi, type TestApi } from './api.js';

interface Content<Example = unknown> {
  schema: object;
  example?: Example;
}

interface Operation {
  operationId: string;
  summary: string;
  responses: Record<string, { $ref?: string; content?: Record<string, Content> }>;
  requestBody?: { content: Record<string, Content<{ input: unknown }>> };
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, { content: Record<string, { example: { status: number; code: string } }> }> };
}

let api: TestApi;
let document: Document;
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('/openapi.json')).body as unknown as Document;
});
afterAll(() => api[Symbol.asyncDispose]());

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) });
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(document.openapi).toBe('3.1.0');
});

test('every job type has its own operation, with an example that its schema takes', () => {
  for (const job of jobs) {
    const operation = document.paths[`/v1/jobs/${job.type}`]!['post']!;
    const { input } = operation.requestBody!.content['application/json']!.example!;
    expect(job.input().safeParse(input).success).toBe(true);
    expect(Object.keys(operation.responses)).toEqual(
      expect.arrayContaining(['200', '202', '400', '413', '415', '422', '503']),
    );
  }
});

test('every operation tells its problems, each with an example', () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { responses } of operations) {
    for (const [status, { $ref }] of Object.entries(responses).filter(([status]) => Number(status) >= 400)) {
      const problem = document.components.responses[$ref!.split('/').at(-1)!]!;
      expect(problem.content['application/problem+json']!.example.status).toBe(Number(status));
    }
  }
});

test('every JSON that is sent or answered well has an example, and its schema takes it', () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, 'document');
  const validator = (schema: object) =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object);

  const contents = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody, responses }]) =>
      [requestBody, ...Object.values(responses)].flatMap((bearer) =>
        Object.entries(bearer?.content ?? {}).map(([type, content]) => ({ at: `${method} ${path}`, type, ...content })),
      ),
    ),
  );
  const faults = contents
    .filter(({ type }) => type !== '*/*')
    .flatMap(({ at, type, schema, example }) => {
      if (example === undefined) return [`${at}: no example of ${type}`];
      const validate = validator(schema);
      return validate(example) ? [] : [`${at}: ${ajv.errorsText(validate.errors)}`];
    });
  expect(contents.length).toBeGreaterThan(60);
  expect(faults).toEqual([]);
});

test('every request is taken that the document gives as an example', async () => {
  const { fileId } = (await api.call('/v1/files', { method: 'POST', body: onePixel })).body;
  const refused: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const example = requestBody?.content['application/json']?.example;
      if (example === undefined) continue;
      const body = JSON.stringify(example).replaceAll(/default\.(0a1b2c3d){8}/g, fileId);
      const url = path.replace('{type}', 'email-campaign').replaceAll(/\{\w+\}/g, 'weekly');
      const headers = { 'Content-Type': 'application/json' };
      const { status, body: answer } = await api.call(url, { method: method.toUpperCase(), headers, body });
      // 404: there is no such run or schedule, but that is asked last.
      if (status >= 300 && status !== 404) refused.push(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    }
  }
  expect(refused).toEqual([]);
});

test('what is routed is what the document tells of: each path, with exactly its methods', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const { status, headers } = await api.call(path.replaceAll(/[{}]/g, ''), { method: 'OPTIONS' });
    expect(status).toBe(204);
    const allowed = headers.get('Allow')!.split(', ');
    expect(allowed.filter((method) => method !== 'HEAD').sort(), path).toEqual(
      Object.keys(methods)
        .map((method) => method.toUpperCase())
        .sort(),
    );
  }
});
