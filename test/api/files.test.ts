import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as schemas from '../../api/schemas.js';
import { until } from '../support/until.js';
import { startApi, type TestApi } from './api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const upload = (body: NonNullable<RequestInit['body']>, name = '', headers: Record<string, string> = {}) =>
  api.call(`/v1/files${name && `?name=${encodeURIComponent(name)}`}`, { method: 'POST', body, headers });

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(`${api.dataDir}/blobs`, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('an upload is stored by its content, told by its content, and comes back byte for byte', async () => {
  const { status, headers, body } = await upload(png, 'dot.txt', { 'Content-Type': 'text/plain' });
  const sha256 = createHash('sha256').update(png).digest('hex');
  expect({ status, body }).toEqual({
    status: 201,
    body: { fileId: `default.${sha256}`, bytes: png.length, mediaType: 'image/png', sha256 },
  });
  schemas.file.parse(body);
  expect(headers.get('Location')).toBe(`/v1/files/${body.fileId}`);

  const fetched = await fetch(`${api.url}/v1/files/${body.fileId}`);
  expect(Buffer.from(await fetched.arrayBuffer()).equals(png)).toBe(true);
  expect(Object.fromEntries(fetched.headers)).toMatchObject({
    'content-type': 'image/png',
    'content-length': String(png.length),
    'content-disposition': 'attachment; filename=dot.txt',
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    etag: `"${sha256}"`,
  });
  expect((await upload(png)).body.fileId).toBe(body.fileId);
});

test('HEAD, ranges and conditional requests are served', async () => {
  const content = randomBytes(10_000);
  const { body } = await upload(content);
  const at = `${api.url}/v1/files/${body.fileId}`;
  const range = async (Range: string, more = {}) => {
    const answer = await fetch(at, { headers: { Range, ...more } });
    return {
      status: answer.status,
      range: answer.headers.get('Content-Range'),
      bytes: Buffer.from(await answer.arrayBuffer()),
    };
  };

  const head = await fetch(at, { method: 'HEAD' });
  expect({ status: head.status, length: head.headers.get('Content-Length') }).toEqual({ status: 200, length: '10000' });
  expect(await range('bytes=100-199')).toEqual({
    status: 206,
    range: 'bytes 100-199/10000',
    bytes: content.subarray(100, 200),
  });
  expect((await range('bytes=-10')).bytes.equals(content.subarray(-10))).toBe(true);
  expect((await range('bytes=0-1,5-6')).status).toBe(200);
  expect((await range('bytes=0-1', { 'If-Range': '"other"' })).status).toBe(200);
  expect(await range('bytes=20000-')).toMatchObject({ status: 416, range: 'bytes */10000' });
  expect((await fetch(at, { headers: { 'If-None-Match': `"${body.sha256}"` } })).status).toBe(304);
});

test('an empty body is refused, and nothing is stored', async () => {
  const before = await storedFiles();
  const chunked = { method: 'POST', body: new Blob([]).stream(), duplex: 'half' } as const;
  for (const answer of [await upload(''), await api.call('/v1/files', chunked)]) {
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
    expect(answer.body.detail).toContain('the body is empty');
  }
  expect(await storedFiles()).toEqual(before);
});

test('a form is refused, with the way to send a file', async () => {
  const form = new FormData();
  form.set('file', new Blob(['email\nada@example.com\n']), 'list.csv');
  const { status, body } = await upload(form);
  expect({ status, code: body.code }).toEqual({ status: 415, code: 'unsupported-media-type' });
  expect(body.detail).toContain('curl --data-binary @file');
});

test('a name beyond ASCII is kept, and no name can add a header', async () => {
  const named = async (name: string) => {
    const { body } = await upload(randomBytes(8), name);
    return (await fetch(`${api.url}/v1/files/${body.fileId}`)).headers.get('Content-Disposition');
  };
  expect(await named('Übersicht "1".pdf')).toContain("filename*=UTF-8''%C3%9Cbersicht%20%221%22.pdf");
  for (const name of ['a\r\nX-Evil: 1', 'a\0b', '../../etc/passwd', 'a\\b', 'x'.repeat(256)]) {
    expect(await upload('x', name)).toMatchObject({ status: 422, body: { errors: [{ path: 'query.name' }] } });
  }
  expect((await api.call('/v1/files?name=', { method: 'POST', body: 'x' })).status).toBe(422);
  expect((await api.call('/v1/files?nmae=x', { method: 'POST', body: 'x' })).status).toBe(422);
});

test('a page that someone uploads is never shown as ours', async () => {
  const { body } = await upload('<script>alert(1)</script>', 'x.html', { 'Content-Type': 'text/html' });
  const { headers } = await fetch(`${api.url}/v1/files/${body.fileId}`);
  expect(headers.get('Content-Disposition')).toMatch(/^attachment/);
  expect(headers.get('Content-Security-Policy')).toContain('sandbox');
});

test('an upload that breaks off leaves nothing', async () => {
  const before = await storedFiles();
  const socket = rawUpload('Content-Length: 1000000');
  socket.write(randomBytes(300_000));
  await until('some of it is being written', async () => (await storedFiles()).length > before.length);
  socket.destroy();
  await until('nothing is left', async () => (await storedFiles()).length === before.length);
  expect(api.logged.filter((line) => line.includes('nobody foresaw'))).toEqual([]);
});

test('too large a file is refused before it is sent', async () => {
  const socket = rawUpload(`Content-Length: ${6 * 1024 ** 3}\r\nExpect: 100-continue`);
  expect(await answerOn(socket)).toMatch(/^HTTP\/1.1 413 [^]*"code":"too-large"/);
  socket.destroy();
});

test('Expect: 100-continue is answered before the body is sent', async () => {
  const sent = request(`${api.url}/v1/files`, {
    method: 'POST',
    headers: { Expect: '100-continue', 'Content-Length': 5 },
  });
  const status = new Promise((resolve) => sent.once('response', (answer) => resolve(answer.resume().statusCode)));
  await new Promise((resolve) => {
    sent.once('continue', resolve);
    sent.flushHeaders();
  });
  sent.end('hello');
  expect(await status).toBe(201);
});

test('a compressed upload is refused: a file is kept as it is', async () => {
  expect(await upload('x', '', { 'Content-Encoding': 'gzip' })).toMatchObject({
    status: 415,
    body: { code: 'unsupported-content-encoding' },
  });
});

test.each([['nope'], [`default.${'0'.repeat(64)}`], ['..%2f..%2fetc%2fpasswd'], [`other.${'0'.repeat(64)}`]])(
  'GET /v1/files/%s is 404',
  async (fileId) => {
    expect(await api.call(`/v1/files/${fileId}`)).toMatchObject({ status: 404, body: { code: 'file-not-found' } });
  },
);

function rawUpload(headers: string): Socket {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.write(`POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
  return socket;
}

const answerOn = (socket: Socket) =>
  new Promise<string>((resolve, reject) =>
    socket.once('data', (data) => resolve(data.toString())).once('error', reject),
  );
