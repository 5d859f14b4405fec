import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDecoders } from '../../../activities/files/decoders.js';
import { limits } from '../../../activities/files/limits.js';
import {
  blackPng,
  detailed,
  detailedAnimation,
  gifOf,
  pngChunk,
  quarters,
  slowGif,
  withDamage,
  withStrayBytes,
} from './pictures.js';
import { codeOf, fileBench } from './pipeline-bench.js';

let bench: Awaited<ReturnType<typeof fileBench>>;
beforeAll(async () => {
  bench = await fileBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const stray = Buffer.from('stray bytes '.repeat(50));
const tail = (content: Buffer) => Buffer.concat([content, stray]);

describe('what is no picture of the four kinds is unsupported, whatever it is called', () => {
  test.each<[string, () => Promise<Buffer>]>([
    ['TIFF', () => quarters().tiff().toBuffer()],
    ['AVIF', () => quarters(64, 64).avif({ effort: 0 }).toBuffer()],
    ['SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['SVG with an XML head', async () => Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['PDF', async () => Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n')],
    ['text', async () => Buffer.from('welcome.jpg\n')],
    ['nothing', async () => Buffer.alloc(0)],
    ['zeros', async () => Buffer.alloc(100_000)],
  ])('%s', async (_kind, make) => {
    const fileId = await bench.upload(await make());
    await bench.ledger.saveFile({ fileId, name: 'holiday.jpg', mediaType: 'image/jpeg', bytes: 1 });
    expect(await codeOf(bench.steps().inspectFile(fileId))).toBe('unsupported-file');
    expect(await codeOf(bench.steps().makeDerivative({ fileId, name: 'webp' }))).toBe('unsupported-file');
  });

  test('a PNG named .gif is a PNG', async () => {
    const fileId = await bench.upload(await quarters().png().toBuffer());
    await bench.ledger.saveFile({ fileId, name: 'picture.gif', mediaType: 'image/gif', bytes: 1 });
    expect(await bench.steps().inspectFile(fileId)).toMatchObject({ mediaType: 'image/png' });
  });

  test('the refusal says what the file is and what to send', async () => {
    const tiff = await quarters().tiff().toBuffer();
    await expect(bench.inspect(tiff)).rejects.toThrow(/It is image\/tiff\. Send JPEG, PNG, WebP or GIF\./);
  });
});

const whole: [string, () => Promise<Buffer>][] = [
  ['JPEG', () => detailed().jpeg().toBuffer()],
  ['progressive JPEG', () => detailed().jpeg({ progressive: true }).toBuffer()],
  ['CMYK JPEG', () => detailed().toColourspace('cmyk').jpeg().toBuffer()],
  ['PNG', () => detailed().png().toBuffer()],
  ['interlaced PNG', () => detailed().png({ progressive: true }).toBuffer()],
  ['WebP', () => detailed().webp().toBuffer()],
  ['animated WebP', async () => (await detailedAnimation()).webp().toBuffer()],
  ['GIF', () => detailed().gif().toBuffer()],
  ['animated GIF', async () => (await detailedAnimation()).gif().toBuffer()],
];

describe('a picture that ends early is corrupt; stray bytes after it harm nobody', () => {
  test.each(whole)('%s', async (_kind, make) => {
    const content = await make();
    expect(await codeOf(bench.inspect(content.subarray(0, content.length - 10)))).toBe('corrupt-file');
    const fileId = await bench.upload(content.subarray(0, content.length >> 1));
    expect(await codeOf(bench.steps().inspectFile(fileId))).toBe('corrupt-file');
    expect(await codeOf(bench.steps().makeDerivative({ fileId, name: 'webp' }))).toBe('corrupt-file');

    await expect(bench.inspect(tail(content))).resolves.toMatchObject({ bytes: content.length + stray.length });
  });

  test('stray bytes between the segments of a JPEG are passed over', async () => {
    const content = withStrayBytes(await detailed().jpeg().toBuffer());
    await expect(sharp(content).stats(), 'sharp by itself refuses it').rejects.toThrow('extraneous bytes');
    await expect(bench.inspect(content)).resolves.toMatchObject({ width: 600, height: 400 });
    expect((await bench.derive(content, 'webp')).made).toMatchObject({ width: 600, height: 400 });
  });
});

// Only PNG has check sums. Of the others what a decoder stumbles over can be told; these it mostly reads on through.
const checked = whole.filter(([kind]) => !/WebP|CMYK|animated/.test(kind));

describe('a picture damaged in its middle is corrupt', () => {
  test.each(checked)('%s', async (_kind, make) => {
    expect(await codeOf(bench.inspect(withDamage(await make())))).toBe('corrupt-file');
  });
});

test('the refusal says what is damaged', async () => {
  const interlaced = await detailed().png({ progressive: true }).toBuffer();
  await expect(bench.inspect(withDamage(interlaced))).rejects.toThrow('its IDAT chunk is damaged. Send a whole one.');
});

describe('what would cost too much is told before it is decoded', () => {
  test.each<[string, () => Buffer, RegExp]>([
    ['a PNG of 900 megapixels in 110 kB', () => blackPng(30_000, 30_000), /900 megapixels; at most 100/],
    ['a GIF of 10,000 frames', () => gifOf(10_000, 10), /10000 frames; at most 1000/],
    ['a GIF of 1,000 frames of a megapixel', () => gifOf(1_000, 1_000), /1000 megapixels; at most 400/],
  ])('%s', async (_what, make, words) => {
    const content = make();
    expect(content.length).toBeLessThan(250_000);
    expect(await codeOf(bench.inspect(content))).toBe('file-too-large');
    await expect(bench.inspect(content)).rejects.toThrow(words);
    const fileId = await bench.upload(content);
    expect(await codeOf(bench.steps().makeDerivative({ fileId, name: 'thumbnail' }))).toBe('file-too-large');
  });

  test('too many bytes, before a decoder is started', async () => {
    const tight = { ...limits.inspect, bytes: 1_000 };
    const decoders = startDecoders({ limits: { inspect: tight, derive: tight } });
    const signal = new AbortController().signal;
    const source = { bytes: 1_001, open: () => Promise.reject(new Error('must not be opened')) };
    expect(await codeOf(decoders.inspect(source, signal))).toBe('file-too-large');
  });
});

describe('bombs beside the pixels', () => {
  const zeros = deflateSync(Buffer.alloc(300_000_000));
  test.each<[string, Buffer]>([
    ['zTXt', pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), zeros]))],
    ['iTXt', pngChunk('iTXt', Buffer.concat([Buffer.from('a\0\x01\0\0\0'), zeros]))],
    ['iCCP', pngChunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), zeros]))],
  ])('a %s chunk that swells to 300 MB is passed over, at no cost of memory', async (_type, chunk) => {
    const tight = { inspect: { ...limits.inspect, memoryBytes: 200_000_000 }, derive: limits.derive };
    await using own = await fileBench({ decoders: startDecoders({ limits: tight }) });
    const content = blackPng(200, 100, [chunk]);
    await expect(own.inspect(content)).resolves.toMatchObject({ width: 200, height: 100 });
  });
});

describe('a decoder that takes too much is ended, and the file is too large', () => {
  test('of memory', async () => {
    const tight = { inspect: limits.inspect, derive: { ...limits.derive, memoryBytes: 180_000_000 } };
    await using own = await fileBench({ decoders: startDecoders({ limits: tight }) });
    const fileId = await own.upload(blackPng(9_000, 9_000));
    await expect(own.steps().makeDerivative({ fileId, name: 'webp' })).rejects.toMatchObject({
      code: 'file-too-large',
      message: expect.stringContaining('172 MB of memory') as string,
    });
  });

  test('of CPU time', async () => {
    const tight = { inspect: { ...limits.inspect, cpuSeconds: 1 }, derive: limits.derive };
    await using own = await fileBench({ decoders: startDecoders({ limits: tight }) });
    await expect(own.inspect(slowGif())).rejects.toMatchObject({
      code: 'file-too-large',
      message: expect.stringContaining('more than 1 s') as string,
    });
  });

  test('but one that found no time on a busy machine is tried again', async () => {
    const tight = { inspect: { ...limits.inspect, seconds: 1 }, derive: limits.derive };
    await using own = await fileBench({ decoders: startDecoders({ limits: tight }) });
    expect(await codeOf(own.inspect(slowGif()))).toMatch(/^tried again: .*not decoded in 1 s/);
  });
});
