import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobs } from '../../jobs/index.js';
import { startApi, type TestApi } from './api.js';

interface Operation {
  operationId: string;
  summary: string;
  responses: Record<string, { $ref?: string; content?: Record<string, { example?: unknown }> }>;
  requestBody?: { content: Record<string, { example?: { input: unknown } }> };
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

test('every route that the document tells of is there, with its methods', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const { status, headers } = await api.call(path.replaceAll(/[{}]/g, ''), { method: 'OPTIONS' });
    expect(status).toBe(204);
    for (const method of Object.keys(methods)) expect(headers.get('Allow')).toContain(method.toUpperCase());
  }
});
