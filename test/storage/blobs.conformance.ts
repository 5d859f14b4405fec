/** What every blob store promises. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BlobNotFound, BlobTooLarge, type Blobs } from '../../storage/blobs.js';

export interface BlobsSite {
  readonly blobs: Blobs;
  /** How many objects there are in the store, whole or not. */
  count(): Promise<number>;
  remove(): Promise<void>;
}

export async function* chunksOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
}

export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export function blobsConformance(name: string, newSite: () => Promise<BlobsSite>): void {
  describe(name, () => {
    let site: BlobsSite;
    let blobs: Blobs;
    beforeEach(async () => {
      site = await newSite();
      blobs = site.blobs;
    });
    afterEach(() => site.remove());

    test('what is put is named by its content, and comes back as it was', async () => {
      const blob = await blobs.put('default', chunksOf('hello ', '', 'world'));
      const sha256 = createHash('sha256').update('hello world').digest('hex');
      expect(blob).toEqual({ fileId: `default.${sha256}`, sha256, bytes: 11 });
      expect(await blobs.stat(blob.fileId)).toEqual(blob);
      expect(await textOf(await blobs.open(blob.fileId))).toBe('hello world');
    });

    test('the same content again, also at the same time, is the same blob and no error', async () => {
      const puts = await Promise.all(Array.from({ length: 8 }, () => blobs.put('default', chunksOf('same'))));
      expect(new Set(puts.map(({ fileId }) => fileId)).size).toBe(1);
      expect(await textOf(await blobs.open(puts[0]!.fileId))).toBe('same');
      expect(await site.count()).toBe(1);
    });

    test('two tenants with the same content have a blob each', async () => {
      const a = await blobs.put('a', chunksOf('same'));
      await expect(blobs.open(a.fileId.replace('a.', 'b.'))).rejects.toThrow(BlobNotFound);
      expect(await site.count()).toBe(1);
    });

    test('nothing at all can be stored too', async () => {
      const { fileId, bytes } = await blobs.put('default', chunksOf());
      expect(bytes).toBe(0);
      expect(await textOf(await blobs.open(fileId))).toBe('');
    });

    test('a range is read without the rest; beyond the end there is nothing', async () => {
      const { fileId } = await blobs.put('default', chunksOf('0123456789'));
      const read = async (start: number, end?: number) =>
        textOf(await blobs.open(fileId, { start, ...(end !== undefined && { end }) }));
      expect(await read(2, 5)).toBe('234');
      expect(await read(7)).toBe('789');
      expect(await read(8, 99)).toBe('89');
      expect(await read(3, 3)).toBe('');
      expect(await read(20, 30)).toBe('');
    });

    test('past the limit nothing is kept', async () => {
      await expect(blobs.put('default', chunksOf('12345', '67890'), { limit: 9 })).rejects.toThrow(BlobTooLarge);
      expect(await site.count()).toBe(0);
      expect((await blobs.put('default', chunksOf('12345', '67890'), { limit: 10 })).bytes).toBe(10);
    });

    test('a source that fails leaves nothing, and its error comes through', async () => {
      const failing = async function* () {
        yield* chunksOf('half of it');
        throw new Error('connection lost');
      };
      await expect(blobs.put('default', failing())).rejects.toThrow('connection lost');
      expect(await site.count()).toBe(0);
    });

    test('aborting a source that has fallen silent leaves nothing, and throws the reason', async () => {
      const abort = new AbortController();
      const silent = async function* () {
        yield* chunksOf('half of it');
        setImmediate(() => abort.abort(new Error('cancelled by its run')));
        await new Promise(() => undefined);
      };
      const put = blobs.put('default', silent(), { signal: abort.signal });
      await expect(put).rejects.toThrow('cancelled by its run');
      expect(await site.count()).toBe(0);
      await expect(blobs.put('default', chunksOf('late'), { signal: abort.signal })).rejects.toThrow('cancelled');
    });

    test.each(['', 'default', `default.${'0'.repeat(63)}`, `../x.${'0'.repeat(64)}`, `a/b.${'0'.repeat(64)}`, '..'])(
      'what is no fileId is not found: %j',
      async (fileId) => {
        expect(await blobs.stat(fileId)).toBeUndefined();
        await expect(blobs.open(fileId)).rejects.toThrow(BlobNotFound);
        expect(await blobs.readBeside(fileId, 'offsets')).toBeUndefined();
        await expect(blobs.putBeside(fileId, 'offsets', Buffer.from('x'))).rejects.toThrow(BlobNotFound);
      },
    );

    test('an id that nothing was stored under is not found', async () => {
      const fileId = `default.${'0'.repeat(64)}`;
      expect(await blobs.stat(fileId)).toBeUndefined();
      await expect(blobs.open(fileId)).rejects.toThrow(BlobNotFound);
      await expect(blobs.putBeside(fileId, 'offsets', Buffer.from('x'))).rejects.toThrow(BlobNotFound);
    });

    test.each(['..', 'A', '', 'a/b'])('no tenant can be called %j', async (tenant) => {
      await expect(blobs.put(tenant, chunksOf('x'))).rejects.toThrow(RangeError);
    });

    test('something derived is kept beside a blob, read whole or in part, and replaced', async () => {
      const { fileId } = await blobs.put('default', chunksOf('x'));
      expect(await blobs.readBeside(fileId, 'offsets')).toBeUndefined();
      await blobs.putBeside(fileId, 'offsets', Buffer.from('abcdef'));
      const read = async (...range: [{ start: number; end?: number }?]) =>
        Buffer.from((await blobs.readBeside(fileId, 'offsets', ...range))!).toString();
      expect(await read()).toBe('abcdef');
      expect(await read({ start: 2, end: 4 })).toBe('cd');
      expect(await read({ start: 4, end: 99 })).toBe('ef');
      expect(await read({ start: 99 })).toBe('');
      await blobs.putBeside(fileId, 'offsets', Buffer.from('new'));
      expect(await read()).toBe('new');
      await expect(blobs.putBeside(fileId, '../x', Buffer.from('new'))).rejects.toThrow(RangeError);
    });

    test('a large blob passes through in chunks', async () => {
      const mebibyte = Buffer.alloc(1024 * 1024, 'x');
      const { fileId, bytes } = await blobs.put('default', chunksOf(...Array<Buffer>(20).fill(mebibyte)));
      expect(bytes).toBe(20 * 1024 * 1024);
      let read = 0;
      for await (const chunk of (await blobs.open(fileId)) as AsyncIterable<Buffer>) {
        expect(chunk.length).toBeLessThanOrEqual(1024 * 1024);
        read += chunk.length;
      }
      expect(read).toBe(bytes);
    });

    test('the check leaves nothing behind', async () => {
      await blobs.check();
      expect(await site.count()).toBe(0);
    });
  });
}
