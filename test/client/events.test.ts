import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Longhaul, Problem, type RunEvent } from '../../client/index.js';
import { campaignOf } from '../support/campaigns.js';
import { startStack } from '../support/stack.js';

test('against the real API: every change of a run until its end, with a key', async () => {
  await using stack = await startStack({ env: { API_KEYS: 'a-key-of-sixteen-or-more' } });
  const { run } = await stack.client.start('email-campaign', campaignOf(600));
  const events: RunEvent<'email-campaign'>[] = [];
  for await (const event of stack.client.events<'email-campaign'>(run)) events.push(event);

  expect(events.map(({ event }) => event)).toEqual([...events.slice(1).map(() => 'run'), 'end']);
  expect(events.at(-1)!.run).toMatchObject({ status: 'completed', result: { sent: 600 } });
  const done = events.map((event) => event.run.progress?.done ?? 0);
  expect(done).toEqual(done.toSorted((a, b) => a - b));

  for await (const event of stack.client.events(run, { lastEventId: events.at(-1)!.id })) expect(event).toBe('none');
});

const block = (id: string, event = 'run') => `id: ${id}\nevent: ${event}\ndata: {"status":"${id}"}\n\n`;

test('a lost connection is opened again with the id of the last event, also over a 503', async () => {
  const asked: (string | undefined)[] = [];
  await using server = await serve((req, res) => {
    asked.push(req.headers['last-event-id'] as string | undefined);
    if (asked.length === 2) return void res.writeHead(503, { 'retry-after': '0' }).end();
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    if (asked.length === 1) {
      res.write(`retry: 10\n\n:\n\n${block('one').slice(0, 9)}`);
      return void setTimeout(() => res.write(block('one').slice(9), () => res.destroy()), 20);
    }
    res.write(block('two') + block('three', 'end'));
  });
  const ids: string[] = [];
  for await (const { id, run } of new Longhaul({ url: server.url }).events('a:b')) {
    expect(run).toEqual({ status: id });
    ids.push(id);
  }
  expect(ids).toEqual(['one', 'two', 'three']);
  expect(asked).toEqual([undefined, 'one', 'one']);
});

test('what will not pass is thrown, and leaving the loop or a signal closes the connection', async () => {
  let open = 0;
  await using server = await serve((req, res) => {
    if (req.url!.includes('none')) return void res.writeHead(404).end();
    open++;
    res.once('close', () => open--);
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(block('one'));
  });
  const client = new Longhaul({ url: server.url });
  await expect(client.events('none').next()).rejects.toBeInstanceOf(Problem);

  for await (const { id } of client.events('a:b')) if (id === 'one') break;
  await expect.poll(() => open).toBe(0);

  const enough = new AbortController();
  const events = client.events('a:b', { signal: enough.signal });
  await events.next();
  const waiting = events.next();
  enough.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect.poll(() => open).toBe(0);
});

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
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
