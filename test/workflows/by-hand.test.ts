import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addressesOf, campaignOf } from '../support/campaigns.js';
import { startStack, type TestStack } from '../support/stack.js';

let stack: TestStack;
let client: Client;

beforeAll(async () => {
  stack = await startStack();
  client = new Client({
    connection: await Connection.connect({ address: inject('temporal').address }),
    namespace: stack.namespace,
  });
});
afterAll(async () => {
  await client.connection.close();
  await stack[Symbol.asyncDispose]();
});

/** As Temporal's UI or CLI starts a run: no memo, no search attributes, no check. */
async function startByHand(type: string, taskQueue: string, ...args: unknown[]) {
  const workflowId = `by-hand-${Math.random().toString(36).slice(2)}`;
  await client.workflow.start(type, { workflowId, taskQueue, args });
  return workflowId;
}

const upload = (content: string) => stack.client.upload(new TextEncoder().encode(content), { mediaType: 'text/csv' });

test('a campaign started in Temporal with an uploaded list runs like one that was POSTed', async () => {
  const { fileId } = await upload('email,name\nada@example.com,Ada\nbob@example.com,Bob\n');
  const id = await startByHand('email-campaign', 'email', { template: 'welcome', recipients: { fileId } });
  expect(await stack.client.result(id, { waitSeconds: 60 })).toMatchObject({
    status: 'completed',
    result: { recipients: 2, sent: 2 },
  });
});

test.each([
  ['email-campaign', 'email', [], 'invalid-input'],
  ['email-campaign', 'email', ['text'], 'invalid-input'],
  ['email-campaign', 'email', [{ nonsense: 1 }], 'invalid-input'],
  ['email-campaign', 'email', [campaignOf(2)], 'invalid-input'],
  [
    'email-campaign',
    'email',
    [{ template: 'nope', recipients: { fileId: `default.${'0'.repeat(64)}` } }],
    'unknown-template',
  ],
  [
    'email-campaign',
    'email',
    [{ template: 'welcome', recipients: { fileId: `default.${'0'.repeat(64)}` } }],
    'file-not-found',
  ],
  ['file-pipeline', 'files', [{ fileId: 7 }], 'invalid-input'],
  ['file-pipeline', 'files', [{ fileId: `default.${'0'.repeat(64)}` }], 'file-not-found'],
] as const)(
  '%s started in Temporal on %s with %j fails at once with words, as %s... and does not hang',
  async (type, queue, args, code) => {
    const id = await startByHand(type, queue, ...args);
    const { status, error } = await stack.client.result(id, { waitSeconds: 30 });
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code });
    expect(error?.message).toMatch(/\w+ \w+/);
  },
);

test('derivatives that are no list fail a run started by hand, though only its workflow sees them', async () => {
  const { fileId } = await stack.client.upload(
    Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    ),
    { mediaType: 'image/png' },
  );
  const id = await startByHand('file-pipeline', 'files', { fileId, derivatives: 7 });
  const { status, error } = await stack.client.result(id, { waitSeconds: 30 });
  expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'invalid-input' });
});

test('in the Web UI a run has a summary, its steps say their rows, and no address stands in its history', async () => {
  const run = await stack.start('email-campaign', campaignOf(300));
  await run.result();

  const handle = client.workflow.getHandle(run.workflowId);
  expect(await (await handle.describe()).staticSummary()).toBe(
    'Send one mail to each recipient of a list. (300 recipients)',
  );
  const { uiUrl } = inject('temporal');
  const answer = await fetch(`${uiUrl}/api/v1/namespaces/${stack.namespace}/workflows/${run.workflowId}/history`);
  const text = await answer.text();
  // Payloads are base64 in the JSON: read those, too.
  const decoded = text.replace(/"data":\s*"([A-Za-z0-9+/=]+)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
  expect(decoded).toContain('slice 1: 0–249');
  expect(decoded).toContain('slice 2: 250–299');
  for (const address of addressesOf(300)) expect(decoded).not.toContain(address);
  expect(decoded).not.toContain('User 1');
  expect(run.run.links.temporalUi).toContain(`/namespaces/${stack.namespace}/workflows/${run.workflowId}`);
});
