import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { TestProcess } from '../support/process.js';
import { until } from '../support/until.js';

interface Listed {
  readonly count: number;
  readonly messages: {
    id: number;
    from: string;
    to: string[];
    subject: string;
    messageId: string;
    receivedAt: string;
  }[];
}

let dataDir: string;
let smtpPort: number;
let url: string;
let catcher: TestProcess;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'longhaul-catcher-'));
  smtpPort = await freePort('127.0.0.1');
  const uiPort = await freePort('127.0.0.1');
  url = `http://127.0.0.1:${uiPort}`;
  await start();
});
afterAll(async () => {
  await catcher.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const env = { DATA_DIR: dataDir, MAIL_UI_PORT: new URL(url).port };
  catcher = new TestProcess('catcher', 'bin/mail-catcher.js', env, join(dataDir, 'catcher.log'), [String(smtpPort)]);
  await until('the catcher answers', async () => (await fetch(url)).ok);
}

async function send(mail: {
  to: string | string[];
  subject?: string;
  html?: string;
  auth?: { user: string; pass: string };
}) {
  const { auth, ...rest } = mail;
  const transport = createTransport({ host: '127.0.0.1', port: smtpPort, ...(auth && { auth }) });
  try {
    return await transport.sendMail({ from: 'Sender <sender@x.example>', subject: 'Hello', text: 'Hi there', ...rest });
  } finally {
    transport.close();
  }
}

const listed = async (query: string) => (await (await fetch(`${url}/api/messages${query}`)).json()) as Listed;

test('a mail is listed with its envelope, its decoded subject and its Message-ID', async () => {
  const { messageId } = await send({ to: ['Zoë <zoe@list.example>', 'two@list.example'], subject: 'Grüße, 世界 ✓' });
  const { count, messages } = await listed('?to=@list.example');
  expect(count).toBe(1);
  expect(messages).toMatchObject([
    { from: 'sender@x.example', to: ['zoe@list.example', 'two@list.example'], subject: 'Grüße, 世界 ✓', messageId },
  ]);
  expect(Math.abs(Date.parse(messages[0]!.receivedAt) - Date.now())).toBeLessThan(60_000);
});

test('to= finds part of an address, whatever its case; after= and limit= page upwards', async () => {
  for (const name of ['Anna', 'Bert', 'Carl']) await send({ to: `${name}@Pages.example` });
  expect((await listed('?to=BERT@pages')).messages.map(({ to }) => to)).toEqual([['bert@pages.example']]);
  expect(await (await fetch(`${url}/api/messages/count?to=@pages.example`)).json()).toEqual({ count: 3 });

  const first = await listed('?to=@pages.example&limit=2');
  expect(first.messages.map(({ to }) => to[0])).toEqual(['anna@pages.example', 'bert@pages.example']);
  const rest = await listed(`?to=@pages.example&after=${first.messages[1]!.id}`);
  expect(rest.messages.map(({ to }) => to[0])).toEqual(['carl@pages.example']);
  expect((await listed('?to=%25@nobody')).count).toBe(0);
});

test('any user and password will do', async () => {
  await send({ to: 'auth@auth.example', auth: { user: 'someone', pass: 'whatever' } });
  expect((await listed('?to=auth@')).count).toBe(1);
});

test('what has been answered with 250 survives a kill -9', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, at) => send({ to: `${at}@kill.example` })));
  await catcher.kill();
  await start();
  expect((await listed('?to=@kill.example')).count).toBe(30);
});

test('what turns the reading direction is kept to itself', async () => {
  const turned = 'evil \u202egnp.exe';
  await send({ to: `"${turned}" <bidi@bidi.example>`, subject: turned });
  const [{ id }] = (await listed('?to=bidi@')).messages as unknown as [{ id: number }];
  expect(await (await fetch(`${url}/?to=bidi@`)).text()).toContain(`<bdi>${turned}</bdi></a>`);
  const detail = await (await fetch(`${url}/messages/${id}`)).text();
  expect(detail).toContain(`<h1><bdi>${turned}</bdi></h1>`);
  expect(detail).toMatch(/<dt>To<\/dt><dd><bdi>[^<]*\u202e[^<]*<\/bdi>/);
});

test('pages escape what a mail says, and show its HTML where it can run nothing', async () => {
  await send({
    to: 'evil@evil.example',
    subject: '<script>alert(1)</script>',
    html: '<b>bold</b><script>alert(2)</script>',
  });
  const [{ id }] = (await listed('?to=evil@')).messages as unknown as [{ id: number }];

  const list = await (await fetch(`${url}/?to=evil@`)).text();
  const detail = await (await fetch(`${url}/messages/${id}`)).text();
  for (const page of [list, detail]) {
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).not.toContain('<script>');
  }
  expect(detail).toContain(`<iframe sandbox src="/messages/${id}/html"`);

  const html = await fetch(`${url}/messages/${id}/html`);
  expect(await html.text()).toContain('<b>bold</b>');
  expect(html.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
  const raw = await fetch(`${url}/messages/${id}/raw`);
  expect(raw.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await raw.text()).toContain('alert(2)');
  expect((await fetch(`${url}/messages/999999`)).status).toBe(404);
  expect((await fetch(`${url}/messages/..%2f`)).status).toBe(404);
});

test('the list is newest first and goes on to older pages', async () => {
  await Promise.all(Array.from({ length: 60 }, (_, at) => send({ to: `many-${at}@many.example` })));
  const first = await (await fetch(`${url}/?to=@many.example`)).text();
  expect(first.match(/many-\d+@many/g)).toHaveLength(50);
  const older = /href="(\/\?to=[^"]+)">Older/.exec(first)![1]!.replaceAll('&amp;', '&');
  const second = await (await fetch(url + older)).text();
  expect(second.match(/many-\d+@many/g)).toHaveLength(10);
});

test('another Host is refused: a page elsewhere can not read the mails', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    request(`${url}/api/messages`, { headers: { host: 'evil.example' } }, (res) => resolve(res.statusCode)).end();
  });
  expect(status).toBe(403);
});
