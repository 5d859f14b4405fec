import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryBlobs } from '../../storage/blobs-directory.js';
import { BlobNotFound, type Blobs } from '../../storage/blobs.js';
import { readItems, readList, storeList, type ListRow } from '../../storage/lists.js';
import { textOf } from './blobs.conformance.js';

interface Row {
  readonly n: number;
  readonly name: string;
}

const many = 50_000;
const rowOf = (n: number): Row => ({ n, name: 'ä'.repeat(n % 40) }); // lengths differ, in characters and in bytes

let dir: string;
let blobs: Blobs;
let fileId: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lists-'));
  blobs = await directoryBlobs(dir);
  ({ fileId } = await storeList(blobs, 'default', rows(many)));
});
afterAll(() => rm(dir, { recursive: true }));

function* rows(count: number): Generator<Row> {
  for (let n = 0; n < count; n += 1) yield rowOf(n);
}

async function allOf<T>(found: AsyncIterable<ListRow<T>>): Promise<ListRow<T>[]> {
  const all: ListRow<T>[] = [];
  for await (const one of found) all.push(one);
  return all;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({ index: from + at, row: rowOf(from + at) }));

test('a list is NDJSON that anyone can read, and is counted', async () => {
  const stored = await storeList(blobs, 'default', [{ a: 1 }, 'zwei', null]);
  expect(stored.count).toBe(3);
  expect(await textOf(await blobs.open(stored.fileId))).toBe('{"a":1}\n"zwei"\nnull\n');
});

test.each([
  [0, 1],
  [0, 250],
  [99, 101],
  [100, 200],
  [12_345, 12_595],
  [many - 1, many],
  [many - 10, many + 10],
])('rows %i to %i come with their numbers, wherever the index has its marks', async (from, to) => {
  expect(await allOf(readList<Row>(blobs, fileId, from, to))).toEqual(range(from, Math.min(to, many)));
});

test('beyond the end, and in an empty range, there is nothing', async () => {
  expect(await allOf(readList(blobs, fileId, many, many + 5))).toEqual([]);
  expect(await allOf(readList(blobs, fileId, 10 * many, 10 * many + 5))).toEqual([]);
  expect(await allOf(readList(blobs, fileId, 5, 5))).toEqual([]);
});

test('a few hundred rows of a long list are read without the rest', async () => {
  let bytes = 0;
  const counting: Blobs = {
    ...blobs,
    open: async (id, part) => {
      const stream = await blobs.open(id, part);
      return stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    },
  };
  await allOf(readList(counting, fileId, 40_000, 40_250));
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(40_000);
});

test('sparse rows come in their order, near and far ones alike', async () => {
  const items = [3, 4, 104, 5_000, 5_099, 5_101, 30_000, many - 1];
  const found = await allOf(readItems<Row>(blobs, fileId, items));
  expect(found).toEqual(items.map((n) => ({ index: n, row: rowOf(n) })));
  expect(await allOf(readItems(blobs, fileId, []))).toEqual([]);
});

test('a lost index is made again, the same as before', async () => {
  const before = await blobs.readBeside(fileId, 'offsets');
  expect(before).toHaveLength((many / 100) * 8);
  for (const entry of await readdir(dir, { recursive: true })) {
    if (entry.endsWith('.offsets')) await rm(join(dir, entry));
  }
  expect(await allOf(readList<Row>(blobs, fileId, 25_000, 25_003))).toEqual(range(25_000, 25_003));
  expect(await blobs.readBeside(fileId, 'offsets')).toEqual(before);
});

test('a list whose length is a multiple of the index step has no mark at its end, made or made again', async () => {
  const stored = await storeList(blobs, 'default', rows(20_000));
  expect(await blobs.readBeside(stored.fileId, 'offsets')).toHaveLength(200 * 8);
});

test('rows that come one by one are stored as they come, and a failing source leaves nothing', async () => {
  const before = (await readdir(dir, { recursive: true })).length;
  const failing = async function* () {
    yield* rows(1_000);
    throw await Promise.resolve(new Error('bad row'));
  };
  await expect(storeList(blobs, 'default', failing())).rejects.toThrow('bad row');
  const aborted = storeList(blobs, 'default', rows(10), AbortSignal.abort(new Error('cancelled')));
  await expect(aborted).rejects.toThrow('cancelled');
  expect((await readdir(dir, { recursive: true })).length).toBe(before);
});

test('a list that is not there is not found', async () => {
  await expect(allOf(readList(blobs, `default.${'0'.repeat(64)}`, 0, 9))).rejects.toThrow(BlobNotFound);
});
