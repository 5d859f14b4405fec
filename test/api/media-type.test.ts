import sharp from 'sharp';
import { expect, test } from 'vitest';
import { headBytes, mediaTypeOf } from '../../api/media-type.js';

const picture = sharp({ create: { width: 9, height: 9, channels: 3, background: '#f00' } });

test.each(['jpeg', 'png', 'webp', 'gif'] as const)(
  'a %s is told from its content, whatever is declared',
  async (kind) => {
    const content = await picture.clone().toFormat(kind).toBuffer();
    expect(await mediaTypeOf(content.subarray(0, headBytes), 'text/html')).toBe(`image/${kind}`);
  },
);

test('a PNG is one though its first chunks are longer than what is looked at', async () => {
  const content = await picture
    .clone()
    .withXmp(`<x>${'x'.repeat(20_000)}</x>`)
    .png()
    .toBuffer();
  expect(await mediaTypeOf(content.subarray(0, headBytes), undefined)).toBe('image/png');
});

test('what tells nothing is what its sender says, without parameters but the charset', async () => {
  const head = Buffer.from('email,name\nada@example.com,Ada\n');
  expect(await mediaTypeOf(head, 'text/csv')).toBe('text/csv');
  expect(await mediaTypeOf(head, 'Text/CSV; header=present; Charset="UTF-8"')).toBe('text/csv; charset=utf-8');
  expect(await mediaTypeOf(head, 'application/x-ndjson ;charset=latin1')).toBe('application/x-ndjson; charset=latin1');
  expect(await mediaTypeOf(Buffer.concat([Buffer.from('\ufeff'), head]), 'text/csv')).toBe('text/csv');
});

test('what curl --data-binary says unless told is taken for nothing', async () => {
  const head = Buffer.from('email,name\n');
  expect(await mediaTypeOf(head, 'application/x-www-form-urlencoded')).toBe('application/octet-stream');
  expect(await mediaTypeOf(head, 'Application/X-WWW-Form-Urlencoded; charset=utf-8')).toBe('application/octet-stream');
});

test.each([undefined, '', 'csv', 'text/', 'text/csv\r\nX-Evil: 1', `text/${'x'.repeat(200)}`, 'text/csv, text/html'])(
  'declared as %j, nothing is known of it',
  async (declared) => {
    expect(await mediaTypeOf(Buffer.from('anything'), declared)).toBe('application/octet-stream');
    expect(await mediaTypeOf(new Uint8Array(), declared)).toBe('application/octet-stream');
  },
);
