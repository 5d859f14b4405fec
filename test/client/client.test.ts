import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Longhaul, Problem } from '../../client/index.js';
import { startStack } from '../support/stack.js';

test('against the real API: start, wait, list, replay, refuse, failures, files', async () => {
  await using stack = await startStack({
    mail: { atRecipient: (address) => (address.startsWith('no@') ? { code: 550, text: 'no such user' } : undefined) },
    env: { API_KEYS: 'a-key-of-sixteen-or-more' },
  });
  const { client } = stack;
  const input = { template: 'welcome' as const, recipients: [{ email: 'yes@x.example' }, { email: 'no@x.example' }] };

  const { run, replayed } = await client.start('email-campaign', input, { idempotencyKey: 'once' });
  expect({ replayed, type: run.type }).toEqual({ replayed: false, type: 'email-campaign' });
  expect((await client.start('email-campaign', input, { idempotencyKey: 'once' })).replayed).toBe(true);

  const { status, result } = await client.result<'email-campaign'>(run);
  expect(status).toBe('completed');
  expect(result).toMatchObject({ recipients: 2, sent: 1, failed: 1 });
  const { failures, nextCursor } = await client.failures(run);
  expect(failures).toMatchObject([{ index: 1, email: 'no@x.example', status: 'failed' }]);
  expect(failures[0]!.message).toContain('550');
  expect(nextCursor).toBeNull();

  const ended = await client.cancel(run).catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(Problem);
  expect(ended).toMatchObject({ status: 409 });

  const bytes = new TextEncoder().encode('some text');
  const { fileId } = await client.upload(new Blob([bytes]).stream(), { name: 'a.txt', mediaType: 'text/plain' });
  expect(await (await client.file(fileId)).text()).toBe('some text');

  const wrong = { template: 'welcome' as const, recipients: [{ email: 'nobody' }] };
  const refused = await client.start('email-campaign', wrong).catch((error: unknown) => error as Problem);
  expect(refused).toMatchObject({ name: 'Problem', status: 422 });
  expect((refused as Problem).errors[0]!.path).toBe('input.recipients[0].email');

  const stranger = new Longhaul({ url: stack.url });
  await expect(stranger.run(run)).rejects.toMatchObject({ status: 401 });
});

test('result() polls on while the run is open, also over a 503, and gives up when told to', async () => {
  let polls = 0;
  await using server = await serve((req, res) => {
    polls++;
    expect(req.url).toMatch(/^\/v1\/runs\/a%3Ab\/result\?wait=\d+$/);
    if (polls === 2) return void res.writeHead(503, { 'retry-after': '0' }).end();
    const isClosed = polls === 4;
    res.writeHead(isClosed ? 200 : 202).end(JSON.stringify({ status: isClosed ? 'completed' : 'running' }));
  });
  const client = new Longhaul({ url: `${server.url}/` });
  expect(await client.result('a:b')).toEqual({ status: 'completed' });
  expect(polls).toBe(4);

  polls = 10;
  expect(await client.result('a:b', { waitSeconds: 0 })).toEqual({ status: 'running' });
  expect(polls).toBe(11);
});

test('a refusal is a Problem, also from something in between that speaks no JSON', async () => {
  await using server = await serve((req, res) => {
    if (req.url === '/v1/runs/json') {
      const body = { code: 'temporal-unavailable', detail: 'Try again.', errors: [{ path: 'input', message: 'odd' }] };
      res.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '2' }).end(JSON.stringify(body));
    } else {
      res.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
    }
  });
  const client = new Longhaul({ url: server.url });
  await expect(client.run('json')).rejects.toMatchObject({
    status: 503,
    code: 'temporal-unavailable',
    message: 'Try again.',
    errors: [{ path: 'input', message: 'odd' }],
    retryAfterSeconds: 2,
  });
  await expect(client.run('html')).rejects.toMatchObject({
    status: 502,
    code: 'http-502',
    detail: '<h1>Bad gateway</h1>',
  });
});

test('the API key goes with every call', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await serve((req, res) => {
    seen.push(req.headers.authorization);
    res.end('{}');
  });
  const client = new Longhaul({ url: server.url, apiKey: 'a-key-of-sixteen-or-more' });
  await client.run('x');
  await client.upload('text');
  await client.file('default.00');
  expect(seen).toEqual(Array(3).fill('Bearer a-key-of-sixteen-or-more'));
});

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer((req, res) => void text(req).then(() => answer(req, res))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
