import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { readList } from '../../storage/lists.js';
import { campaign, recipients, startApi, type TestApi } from './api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const start = (body: unknown, headers?: Record<string, string>) => api.post('/v1/jobs/email-campaign', body, headers);

test('a job is accepted with 202, where to find it, and a run that is there at once', async () => {
  const { status, headers, body } = await start(campaign(3));

  expect(status).toBe(202);
  expect(schemas.run.parse(body)).toMatchObject({
    type: 'email-campaign',
    status: 'running',
    progress: null,
    tags: [],
  });
  expect(body.workflowId).toMatch(/^email-campaign:[0-9a-hjkmnp-tv-z]{26}$/);
  expect(headers.get('Location')).toBe(`/v1/runs/${body.workflowId}`);
  const seen = await api.call(headers.get('Location')!);
  expect(seen.body).toMatchObject({ workflowId: body.workflowId, runId: body.runId, createdAt: body.createdAt });
});

test('Temporal gets the list by reference, a readable summary, and no address', async () => {
  const { body } = await start(campaign(3));

  const handle = api.client.workflow.getHandle(body.workflowId);
  const description = await handle.describe();
  expect(await description.staticSummary()).toBe('Send one mail to each recipient of a list. (3 recipients)');
  expect(description.taskQueue).toBe('email');
  expect(description.memo).toEqual({
    longhaul: {
      v: 1,
      tenant: 'default',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      onAmbiguous: 'resend',
      createdAt: body.createdAt,
    },
  });
  expect(Number(description.raw.executionConfig?.workflowExecutionTimeout?.seconds)).toBe(30 * 86_400);
  const history = await handle.fetchHistory();
  expect(JSON.stringify(history)).not.toContain('example.com');
  const [payload] = history.events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
  const input = JSON.parse(Buffer.from(payload!.data!).toString()) as { recipients: { fileId: string } };
  expect(input).toEqual({
    template: 'welcome',
    recipients: { fileId: expect.any(String) as unknown, format: 'list', count: 3 },
  });
  expect(Buffer.from(payload!.data!).toString()).not.toContain('example.com');
  const rows = [];
  for await (const { row } of readList(api.blobs, input.recipients.fileId, 0, 10)) rows.push(row);
  expect(rows).toEqual(recipients(3));
});

test('the same Idempotency-Key 50 times at once starts one run', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => start(campaign(2), { 'Idempotency-Key': 'fifty-at-once' })),
  );

  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  const replays = answers.filter(({ status }) => status === 200);
  expect(replays).toHaveLength(49);
  expect(replays.every(({ headers }) => headers.get('Idempotency-Replayed') === 'true')).toBe(true);
  expect(new Set(answers.map(({ body }) => `${body.workflowId} ${body.runId}`)).size).toBe(1);
});

test('an Idempotency-Key with another body is refused, with the same body in another order of keys it is not', async () => {
  const headers = { 'Idempotency-Key': 'once-only' };
  await start({ input: { template: 'welcome', recipients: recipients(1) }, onAmbiguous: 'hold' }, headers);

  const other = await start(
    { input: { template: 'welcome', recipients: recipients(2) }, onAmbiguous: 'hold' },
    headers,
  );
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  const same = await start({ onAmbiguous: 'hold', input: { recipients: recipients(1), template: 'welcome' } }, headers);
  expect(same.status).toBe(200);
});

test.each([
  ['empty', ''],
  ['with a space', 'a b'],
  ['too long', 'k'.repeat(256)],
  ['not ASCII', 'schlüssel'],
])('an Idempotency-Key that is %s is refused', async (_, key) => {
  const answer = await start(campaign(1), { 'Idempotency-Key': key });
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'Idempotency-Key' }] } });
});

test('an Idempotency-Key of 255 characters is fine, also with odd ones', async () => {
  expect((await start(campaign(1), { 'Idempotency-Key': `~!"{},:;/${'k'.repeat(246)}` })).status).toBe(202);
});

describe('a wrong body is refused with the place of each fault, and starts nothing:', () => {
  const rows = recipients(20);
  rows[17] = { ...rows[17]!, email: 'not an address' };
  test.each<[string, unknown, string]>([
    ['an address', { input: { template: 'welcome', recipients: rows } }, 'input.recipients[17].email'],
    ['an unknown template', { input: { template: 'nope', recipients: recipients(1) } }, 'input.template'],
    ['no input', {}, 'input'],
    ['a field that is not there yet', { ...campaign(1), callbackUrl: 'https://x.example' }, 'callbackUrl'],
    ['an unknown field of the input', { input: { ...campaign(1).input, speed: 1 } }, 'input.speed'],
    [
      'an unknown field of a row',
      { input: { template: 'welcome', recipients: [{ email: 'a@b.example', nmae: 'x' }] } },
      'input.recipients[0].nmae',
    ],
    ['no rows', { input: { template: 'welcome', recipients: [] } }, 'input.recipients'],
    ['too many rows', campaign(10_001), 'input.recipients'],
    ['rows that are no list', { input: { template: 'welcome', recipients: 5 } }, 'input.recipients'],
    [
      'a row without what the template needs',
      { input: { template: 'trial-ending', recipients: [{ email: 'a@b.example', data: { plan: 'pro' } }] } },
      'input.recipients[0].data.endsOn',
    ],
    [
      'a file that is not there',
      { input: { template: 'welcome', recipients: { fileId: `default.${'0'.repeat(64)}` } } },
      'input.recipients.fileId',
    ],
    [
      'no file id',
      { input: { template: 'welcome', recipients: { fileId: '../../etc/passwd' } } },
      'input.recipients.fileId',
    ],
    [
      'another tenant’s file',
      { input: { template: 'welcome', recipients: { fileId: `other.${'0'.repeat(64)}` } } },
      'input.recipients.fileId',
    ],
    [
      'a NUL',
      { input: { template: 'welcome', recipients: [{ email: 'a@b.example', data: { x: 'a\0b' } }] } },
      'input.recipients[0].data.x',
    ],
    [
      'half a surrogate pair',
      { input: { template: 'welcome', recipients: [{ email: 'a@b.example', name: 'a\ud800b' }] } },
      'input.recipients[0].name',
    ],
    ['onAmbiguous', { ...campaign(1), onAmbiguous: 'maybe' }, 'onAmbiguous'],
  ])('%s', async (_, sent, path) => {
    const { status, headers, body } = await start(sent);
    expect({ status, type: headers.get('Content-Type') }).toMatchObject({
      status: 422,
      type: expect.stringContaining('application/problem+json') as unknown,
    });
    expect(schemas.problem.parse(body).errors?.map((fault) => fault.path)).toContain(path);
  });

  const row = { email: 'a@b.example' };
  test.each<[string, unknown, string]>([
    ['input.recipients', [], 'must not be empty'],
    ['input.recipients', recipients(10_001), 'must have at most 10000 items'],
    ['input.recipients', 5, 'must be an array or an object'],
    ['input.recipients[0]', [5], 'must be an object'],
    ['input.recipients[0].email', [{}], 'is required'],
    [
      'input.recipients[0].email',
      [{ email: 'a@münchen.example' }],
      'must be an e-mail address; write an international domain in Punycode (xn--…)',
    ],
    ['input.recipients[0].name', [{ ...row, name: 'x'.repeat(257) }], 'must be at most 256 characters'],
    ['input.recipients[0].data', [{ ...row, data: 'x' }], 'must be an object'],
    ['input.recipients[0].data.a', [{ ...row, data: { a: [] } }], 'must be a string or a number or a boolean'],
    [
      `input.recipients[0].data.${'k'.repeat(65)}`,
      [{ ...row, data: { ['k'.repeat(65)]: 1 } }],
      "can't be a key: it must be at most 64 characters",
    ],
    ['input.recipients[0].nmae', [{ ...row, nmae: 'x' }], 'is unknown here'],
  ])('%s is told in words of ours', async (path, sent, message) => {
    const { body } = await start({ input: { template: 'welcome', recipients: sent } });
    expect(body.errors).toContainEqual({ path, message });
    expect(body.detail).toBe(`${path} ${message}.`);
  });

  test('__proto__ as a field', async () => {
    const sent = '{"input":{"template":"welcome","recipients":[{"email":"a@b.example","data":{"__proto__":"x"}}]}}';
    expect(await start(sent)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'input.recipients[0].data.__proto__' }] },
    });
  });

  test('deep nesting', async () => {
    const answer = await start(`{"input":${'['.repeat(500_000)}${']'.repeat(500_000)}}`);
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ message: 'must not be nested deeper than 32' }] } });
  });

  test.each([['[]'], ['null'], ['"x"'], ['5']])('%s as the body', async (sent) => {
    expect(await start(sent)).toMatchObject({ status: 422, body: { errors: [{ path: 'body' }] } });
  });

  test('many faults are counted, and the first hundred shown', async () => {
    const bad = Array.from({ length: 150 }, () => ({ email: 'x' }));
    const { body } = await start({ input: { template: 'welcome', recipients: bad } });
    expect(body.errors).toHaveLength(100);
    expect(body.detail).toContain('The first 100 of 150');
  });
});

test.each<[string, number, string, NonNullable<RequestInit['body']>, Record<string, string>]>([
  ['malformed JSON', 400, 'malformed-json', '{"input":', { 'Content-Type': 'application/json' }],
  ['an empty body', 400, 'malformed-json', '', { 'Content-Type': 'application/json' }],
  ['no UTF-8', 400, 'malformed-json', Buffer.from([0x22, 0xff, 0x22]), { 'Content-Type': 'application/json' }],
  ['a form', 415, 'unsupported-media-type', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }],
  ['plain text', 415, 'unsupported-media-type', '{}', { 'Content-Type': 'text/plain' }],
  ['another charset', 415, 'unsupported-media-type', '{}', { 'Content-Type': 'application/json; charset=utf-16' }],
  [
    'an unknown encoding',
    415,
    'unsupported-media-type',
    '{}',
    { 'Content-Type': 'application/json', 'Content-Encoding': 'x-odd' },
  ],
  [
    'more than 4 MiB',
    413,
    'too-large',
    `{"input":"${'x'.repeat(4 * 1024 * 1024)}"}`,
    { 'Content-Type': 'application/json' },
  ],
])('%s is refused with %i %s', async (_, status, code, body, headers) => {
  expect(await api.call('/v1/jobs/email-campaign', { method: 'POST', body, headers })).toMatchObject({
    status,
    body: { status, code },
  });
});

test('an unknown job type is 404 with the nearest name', async () => {
  const { status, body } = await api.post('/v1/jobs/email-campain', campaign(1));
  expect({ status, code: body.code }).toEqual({ status: 404, code: 'job-type-not-found' });
  expect(body.detail).toBe('No job type "email-campain". Did you mean "email-campaign"? GET /v1/job-types lists all.');
});
