import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, makeDataDir, readConfig } from '../config.js';

describe('SMTP_URL', () => {
  test('an escaped user and password are those that are sent', () => {
    expect(
      readConfig({ SMTP_URL: 'smtp://me%40x:p%2Fa%3As%25@mail.example.com:2525?connections=3' }).mail.smtp,
    ).toEqual({
      host: 'mail.example.com',
      port: 2525,
      secure: false,
      connections: 3,
      auth: { user: 'me@x', pass: 'p/a:s%' },
    });
  });

  test.each([
    'smtp://user:pa/ss@host:587',
    'user:secretpw@host',
    'smtp://user:p@ss@host:99999',
    'smtp://user:12#ss@host:587',
    'smtp://user:12/ss@host:587',
    'smtp://user:12?ss@host:587',
    'smtp://user:pa%ss@host:587',
  ])('of a wrong one nothing is shown, but what it must be: %s', (url) => {
    const fault = faultOf({ SMTP_URL: url });
    expect(fault).toMatch(/^SMTP_URL must be smtp:\/\/host:port or smtps:.*write \/ as %2F, @ as %40, : as %3A/);
    for (const part of ['user:1', 'pa/', 'secretpw', 'p@ss', 'ss@', '12', '99999', 'got'])
      expect(fault).not.toContain(part);
  });

  test('an unknown query parameter is refused by name', () => {
    expect(faultOf({ SMTP_URL: 'smtp://u:secret@host?conections=3' })).toBe(
      'SMTP_URL must have no query parameter but connections, got "conections".',
    );
  });
});

describe('a wrong value is refused with what it must be', () => {
  test.each([
    ['PORT', '70000', 'a port from 1 to 65535'],
    ['TEMPORAL_UI_PORT', '0', 'a port from 1 to 65535'],
    ['WORKER_HEALTH_PORT', 'x', 'a port from 1 to 65535'],
    ['TEMPORAL_ADDRESS', '127.0.0.1:99999', 'host:port, with a port from 1 to 65535'],
    ['WORKER_CONCURRENCY', '1', 'a whole number from 4 to 1000'],
    ['WORKER_CONCURRENCY', '4.5', 'a whole number from 4 to 1000'],
    ['WORKER_CACHED_WORKFLOWS', '1', '0 for none, or a whole number from 2 to 100000'],
    ['WORKER_CACHED_WORKFLOWS', '-2', '0 for none, or a whole number from 2 to 100000'],
    ['MAIL_RATE', '0', 'mails per second: more than 0, at most 100000'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace'],
  ])('%s=%s', (name, value, meant) => {
    expect(faultOf({ [name]: value })).toBe(`${name} must be ${meant}, got "${value}".`);
  });

  test('what is right is taken', () => {
    expect(
      readConfig({ PORT: '65535', WORKER_CONCURRENCY: '4', MAIL_RATE: '0.5', TEMPORAL_ADDRESS: '[::1]:7233' }),
    ).toMatchObject({
      port: 65_535,
      worker: { concurrency: 4 },
      mail: { ratePerSecond: 0.5 },
      temporal: { address: '[::1]:7233' },
    });
  });
});

describe('MAIL_FROM', () => {
  test.each(['me@example.com', 'Name <me@example.com>', '"Last, First" <me@localhost>', 'Zoë <me@exämple-1.example>'])(
    'may be %s',
    (from) => expect(readConfig({ MAIL_FROM: from }).mail.from).toBe(from),
  );

  test.each([
    'Name',
    'me@',
    'a@x.example, b@x.example',
    'Group: a@x.example;',
    'Name <>',
    'Name <me@example.com',
    'Name <a@x.example> <b@x.example>',
    'Name me@example.com',
    'me@ex..ample',
  ])('is refused at the start if it is not one address: %s', (from) => {
    expect(faultOf({ MAIL_FROM: from })).toMatch(
      /^MAIL_FROM must be one address, me@example\.com or Name <me@example\.com>/,
    );
  });
});

describe('paths of PEM files', () => {
  test.each(['TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY', 'TEMPORAL_TLS_CA'])(
    '%s that can not be read is named',
    (name) => {
      expect(faultOf({ [name]: '/nowhere/x.pem' })).toBe(
        `${name} must be the path of a PEM file that can be read, got "/nowhere/x.pem" (ENOENT).`,
      );
    },
  );

  test('a key in place of its path is not shown', () => {
    expect(faultOf({ TEMPORAL_TLS_KEY: '-----BEGIN PRIVATE KEY-----\nsecret' })).not.toContain('secret');
  });
});

test('closed runs are kept from a second to ten years', () => {
  expect(readConfig({ RETENTION: '3650d' }).retentionMs).toBe(3_650 * 86_400_000);
  for (const value of ['3651d', '0s', 'ever']) {
    expect(faultOf({ RETENTION: value })).toBe(
      `RETENTION must be a duration from 1s to 3650d, like 30d or 48h (Temporal itself takes no less than 1h), got "${value}".`,
    );
  }
});

describe('DATA_DIR', () => {
  test('is made with its parents, for its owner alone', () => {
    const parent = mkdtempSync(join(tmpdir(), 'longhaul-config-'));
    const path = join(parent, 'a', 'b');
    makeDataDir(path);
    makeDataDir(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    rmSync(parent, { recursive: true });
  });

  test.each(['/etc/hostname', '/etc/hostname/x', '/proc/nope', '/proc/nope/x'])(
    'that can not be is named: %s',
    (path) => {
      expect(() => makeDataDir(path)).toThrow(
        `DATA_DIR must be a folder that is there or can be made, and written to, got "${path}"`,
      );
    },
  );
});

function faultOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
