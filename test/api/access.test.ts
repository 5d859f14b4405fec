import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { campaign, startApi, type TestApi } from './api.js';

const keys = ['a-key-of-16-chars-or-more', 'another-key-of-16-chars'];

describe('with API_KEYS', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ apiKeys: keys });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  test('every key opens, from any host', async () => {
    for (const key of keys) {
      const headers = { Authorization: `Bearer ${key}`, Origin: 'https://elsewhere.example' };
      expect((await api.call('/v1/job-types', { headers })).status).toBe(200);
      expect((await api.post('/v1/jobs/email-campaign', campaign(1), headers)).status).toBe(202);
    }
  });

  test.each([
    ['none', {}],
    ['a wrong one', { Authorization: 'Bearer a-key-of-16-chars-or-mor3' }],
    ['a part of one', { Authorization: `Bearer ${keys[0]!.slice(0, -1)}` }],
    ['both in one', { Authorization: `Bearer ${keys.join(',')}` }],
    ['another scheme', { Authorization: `Basic ${keys[0]}` }],
    ['an empty one', { Authorization: 'Bearer ' }],
  ])('%s is 401', async (_, headers) => {
    for (const path of ['/v1/job-types', '/v1/runs', '/openapi.json', '/v1/files/x']) {
      const answer = await api.call(path, { headers });
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });

  test('health needs no key', async () => {
    expect((await api.call('/healthz')).status).toBe(200);
    expect((await api.call('/readyz')).status).toBe(200);
  });

  test('no key and no address is logged', async () => {
    await api.post('/v1/jobs/email-campaign?x=1', campaign(1), { Authorization: `Bearer ${keys[0]}` });
    await api.post(
      '/v1/jobs/email-campaign',
      { input: { template: 'welcome', recipients: [{ email: 'ada@nowhere' }] } },
      { Authorization: `Bearer ${keys[0]}` },
    );
    expect(api.logged.join('')).not.toMatch(/16-chars|someone-|ada@/);
  });
});

describe('without API_KEYS', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const statusFor = (headers: string[], path = '/v1/job-types') =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
      socket.once('data', (data) => {
        resolve(data.toString().slice(9, 12));
        socket.destroy();
      });
      socket.once('error', reject);
      socket.write(`GET ${path} HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`);
    });

  test('only local names of this host are taken', async () => {
    for (const host of ['localhost', 'localhost:3000', '127.0.0.1:1', '[::1]:3000', 'LOCALHOST']) {
      expect(await statusFor([`Host: ${host}`])).toBe('200');
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      'localhost@evil.example',
      '',
    ]) {
      expect(await statusFor([`Host: ${host}`])).toBe('403');
    }
    expect(await statusFor(['Host: evil.example'], '/healthz')).toBe('200');
  });

  test('another site’s page is refused, whatever it asks for', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
      expect(await statusFor(['Host: localhost', `Origin: ${origin}`])).toBe('403');
    }
    expect(await statusFor(['Host: localhost:3000', 'Origin: http://localhost:3000'])).toBe('200');
  });
});
