/** What failed for good: kept, grouped, redriven, discarded. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { recipientsOf } from '../support/campaigns.js';
import { caller, type Caller } from '../support/caller.js';
import { onePixel } from '../support/one-pixel.js';
import { startStack, type TestStack } from '../support/stack.js';
import { until } from '../support/until.js';

let stack: TestStack;
let api: Caller;
let temporal: Client;
/** Recipients that the mail server refuses. */
const refused = new Set<string>();

beforeAll(async () => {
  stack = await startStack({
    mail: { atRecipient: (to) => (refused.has(to) ? { code: 550, text: 'no such user' } : undefined) },
  });
  api = caller(stack);
  temporal = new Client({
    connection: await Connection.connect({ address: inject('temporal').address }),
    namespace: stack.namespace,
  });
});
afterAll(async () => {
  await temporal.connection.close();
  await stack[Symbol.asyncDispose]();
});

let campaigns = 0;
/** A campaign to `count` addresses of its own, of which the first `bad` are refused. */
async function campaign(count: number, bad: number, envelope: object = {}) {
  const prefix = `c${++campaigns}`;
  const recipients = recipientsOf(count).map(({ name }, n) => ({ email: `${prefix}-${n}@example.com`, name }));
  for (const { email } of recipients.slice(0, bad)) refused.add(email);
  const { body: run } = await api.post('/v1/jobs/email-campaign', {
    input: { template: 'welcome', recipients },
    ...envelope,
  });
  await stack.client.result(run.workflowId, { waitSeconds: 60 });
  return { ...run, recipients: recipients.map(({ email }) => email) };
}

async function failedPipeline(envelope: object = {}) {
  const { fileId } = await stack.client.upload(new TextEncoder().encode(`no picture ${++campaigns}`));
  const { body: run } = await api.post('/v1/jobs/file-pipeline', { input: { fileId }, ...envelope });
  await stack.client.result(run.workflowId, { waitSeconds: 60 });
  return run;
}

const letters = async (query: string) => (await api.get(`/v1/dead-letters?${query}`)).body;
const sentTo = (address: string) => stack.mailbox.deliveries.filter(({ to }) => to === address).length;

test('a failed run is a dead letter with step, code, message, attempts, tags and its input', async () => {
  const run = await failedPipeline({ tags: ['invoices'] });
  const { deadLetters } = await letters(`workflowId=${run.workflowId}`);
  expect(deadLetters).toMatchObject([
    {
      workflowId: run.workflowId,
      type: 'file-pipeline',
      runStatus: 'failed',
      step: 'inspectFile',
      code: 'unsupported-file',
      attempts: 1,
      tags: ['invoices'],
      links: { run: run.links.self },
    },
  ]);
  const { input } = (await api.get(deadLetters[0]!.links.input)).body as unknown as { input: { fileId: string } };
  expect(input.fileId).toMatch(/^default\./);
});

test('recipients that were refused are dead letters of a run that completed; redriven, nobody gets a second mail', async () => {
  const run = await campaign(20, 3);
  const { deadLetters, groups } = await letters(`workflowId=${run.workflowId}`);
  expect(groups).toMatchObject([
    { type: 'email-campaign', step: 'sendSlice', code: 'mail-refused', count: 3, runs: 1, message: '550 no such user' },
  ]);
  expect(deadLetters.map(({ item }) => item)).toEqual([0, 1, 2].map((n) => ({ index: n, about: run.recipients[n] })));

  for (const email of run.recipients) refused.delete(email);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => api.post(`${run.links.self}/redrive`, { by: 'ada@ops', reason: 'they exist now' })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  const { result } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ recipients: 20, sent: 20, failed: 0 });
  expect(run.recipients.map(sentTo)).toEqual(Array(20).fill(1));
  expect((await letters(`workflowId=${run.workflowId}`)).deadLetters).toEqual([]);
  expect((await api.get(run.links.self)).body.acts).toMatchObject([{ act: 'redrive', by: 'ada@ops' }]);
  expect(await api.post(`${run.links.self}/redrive`)).toMatchObject({ status: 409 });
});

test('a redriven run that fails again is a dead letter again, and can be redriven again', async () => {
  const run = await campaign(5, 2);
  await api.post(`${run.links.self}/redrive`);
  await stack.client.result(run.workflowId, { waitSeconds: 60 });
  await until('it is a letter again', async () => {
    const { deadLetters } = await letters(`workflowId=${run.workflowId}`);
    return deadLetters.length === 2 && deadLetters.every(({ attempts }) => attempts === 2);
  });
  refused.delete(run.recipients[0]!);
  expect((await api.post(`${run.links.self}/redrive`)).status).toBe(200);
  const { result } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ sent: 4, failed: 1 });
});

test('a failed run is redriven with a corrected input; an input that does not fit is 422', async () => {
  const run = await failedPipeline();
  const bad = await api.post(`${run.links.self}/redrive`, { input: { fileId: 'nope' } });
  expect([bad.status, bad.body.errors?.[0]?.path]).toEqual([422, 'input.fileId']);
  const picture = await stack.client.upload(onePixel);
  expect((await api.post(`${run.links.self}/redrive`, { input: { fileId: picture.fileId } })).status).toBe(200);
  const { status } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  expect(status).toBe('completed');
});

test('redriven with another list, what failed before and is not in it any more is no failure of the run', async () => {
  const run = await campaign(3, 2);
  const [, , sent] = run.recipients;
  const recipients = [{ email: sent! }, { email: 'corrected@example.com' }];
  await api.post(`${run.links.self}/redrive`, { input: { template: 'welcome', recipients } });
  const { result } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  // What had been sent and stands in another row now counts as a duplicate of what was.
  expect(result).toMatchObject({ recipients: 2, sent: 1, duplicate: 1, failed: 0 });
  expect([sentTo(sent!), sentTo('corrected@example.com')]).toEqual([1, 1]);
  expect((await api.get(`${run.links.self}/failures`)).body.failures).toEqual([]);
});

test('what has not failed is not redriven, and says why', async () => {
  const run = await campaign(1, 0);
  expect(await api.post(`${run.links.self}/redrive`)).toMatchObject({
    status: 409,
    body: { code: 'nothing-to-redrive' },
  });
  const { body: open } = await api.post('/v1/jobs/email-campaign', {
    input: { template: 'welcome', recipients: [{ email: 'a@example.com' }] },
    delay: '1h',
  });
  expect(await api.post(`${open.links.self}/redrive`)).toMatchObject({ status: 409, body: { code: 'run-open' } });
  await api.post(`${open.links.self}/cancel`);
});

test('many are redriven by filter: counted by a dry run, done by a run whose progress and items can be seen', async () => {
  const tag = 'many';
  const runs = [];
  for (let n = 0; n < 4; n++) runs.push(await campaign(3, 1, { tags: [tag] }));
  const dry = (await api.post('/v1/dead-letters/redrive', { tag, dryRun: true })).body as unknown as Summary;
  expect(dry).toMatchObject({ count: 4, runs: 4 });
  expect(dry.sample).toHaveLength(4);
  expect((await letters(`tag=${tag}`)).deadLetters).toHaveLength(4);

  for (const { recipients } of runs) refused.delete(recipients[0]!);
  const answer = await api.post('/v1/dead-letters/redrive', { tag, by: 'ada@ops', reason: 'they exist now' });
  expect(answer.status).toBe(202);
  const { bulk } = answer.body as unknown as Summary;
  const { status, result } = await stack.client.result(bulk!.workflowId, { waitSeconds: 60 });
  expect([status, result]).toMatchObject(['completed', { runs: 4, done: 4, refused: 0 }]);
  for (const { workflowId, links } of runs) {
    const ended = await stack.client.result(workflowId, { waitSeconds: 60 });
    expect(ended.result).toMatchObject({ sent: 3, failed: 0 });
    expect((await api.get(links.self)).body.acts).toMatchObject([{ act: 'redrive', by: 'ada@ops' }]);
  }
  const { items } = (await api.get(`${bulk!.links.self}/items`)).body as unknown as { items: { outcome: string }[] };
  expect(items.map(({ outcome }) => outcome)).toEqual(Array(4).fill('done'));
  expect((await api.post('/v1/dead-letters/redrive', { tag })).body).toMatchObject({ count: 0 });
  expect((await api.post('/v1/dead-letters/redrive', {})).status).toBe(422);
});

test('filters, groups and pages agree', async () => {
  const before = new Date().toISOString();
  const run = await campaign(12, 7, { tags: ['paged'] });
  expect((await letters('tag=paged')).groups).toMatchObject([{ count: 7 }]);
  expect((await letters('tag=paged&code=mail-refused')).deadLetters).toHaveLength(7);
  expect((await letters('tag=paged&code=other')).deadLetters).toEqual([]);
  expect((await letters('tag=paged&type=file-pipeline')).deadLetters).toEqual([]);
  expect((await letters(`tag=paged&before=${before}`)).deadLetters).toEqual([]);
  expect((await letters(`tag=paged&after=${before}`)).deadLetters).toHaveLength(7);
  const seen: number[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await letters(`tag=paged&limit=3${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.deadLetters.map(({ item }) => item!.index));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect((await api.get('/v1/dead-letters?cursor=abcd')).status).toBe(422);
  expect(run.status).toBe('running');
});

test('what is discarded needs a reason, stays on record, and is redriven no more', async () => {
  const run = await campaign(6, 3, { tags: ['discarded'] });
  expect((await api.post('/v1/dead-letters/discard', { tag: 'discarded' })).status).toBe(422);
  expect((await api.post('/v1/dead-letters/discard', { reason: 'all of it' })).status).toBe(422);
  const none = await api.post('/v1/dead-letters/discard', { workflowId: run.workflowId, index: 5, reason: 'x' });
  expect([none.status, none.body.code]).toEqual([409, 'nothing-to-discard']);
  const one = await api.post('/v1/dead-letters/discard', {
    ...{ workflowId: run.workflowId, index: 1, by: 'ada@ops', reason: 'left the company' },
  });
  expect(one.body).toMatchObject({ count: 1, runs: 1 });
  expect((await letters('tag=discarded')).deadLetters.map(({ item }) => item?.index)).toEqual([0, 2]);

  for (const email of run.recipients) refused.delete(email);
  await api.post(`${run.links.self}/redrive`);
  const { result } = await stack.client.result(run.workflowId, { waitSeconds: 60 });
  expect(result).toMatchObject({ sent: 5, failed: 1 });
  expect(sentTo(run.recipients[1]!)).toBe(0);
  expect((await letters('tag=discarded')).deadLetters).toEqual([]);

  const whole = await failedPipeline({ tags: ['discarded'] });
  await api.post('/v1/dead-letters/discard', { tag: 'discarded', reason: 'test data' });
  expect(await api.post(`${whole.links.self}/redrive`)).toMatchObject({ status: 409, body: { code: 'discarded' } });
  expect((await api.get(whole.links.self)).body.acts).toMatchObject([{ act: 'discard', reason: 'test data' }]);
});

test('a run that somebody terminated in Temporal is a dead letter too, soon', async () => {
  const { body: run } = await api.post('/v1/jobs/email-campaign', {
    input: { template: 'welcome', recipients: [{ email: 'late@example.com' }] },
    delay: '1h',
  });
  await temporal.workflow.getHandle(run.workflowId).terminate('by hand');
  await until('it is found', async () => {
    const { deadLetters } = await letters(`workflowId=${run.workflowId}`);
    return deadLetters[0]?.runStatus === 'terminated' && deadLetters[0].message === 'by hand';
  });
  expect((await api.post(`${run.links.self}/redrive`)).status).toBe(200);
  expect((await stack.client.result(run.workflowId, { waitSeconds: 30 })).status).toBe('completed');
});

interface Summary {
  readonly sample: unknown[];
  readonly bulk?: { readonly workflowId: string; readonly links: { readonly self: string } };
}
