import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { directoryBlobs } from '../../storage/blobs-directory.js';
import { blobsConformance, chunksOf } from './blobs.conformance.js';

const filesIn = async (dir: string) =>
  (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());

blobsConformance('blobs in a directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    blobs: await directoryBlobs(dir),
    count: async () => (await filesIn(dir)).length,
    remove: () => rm(dir, { recursive: true }),
  };
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'blobs-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a blob lies under its tenant and the first two digits of its hash, readable without us', async () => {
  const blobs = await directoryBlobs(dir);
  const { sha256 } = await blobs.put('acme', chunksOf('hello'));
  expect(await readFile(join(dir, 'acme', sha256.slice(0, 2), sha256), 'utf8')).toBe('hello');
});

test('a blob cut short by a power failure is mended by storing it again', async () => {
  const blobs = await directoryBlobs(dir);
  const { fileId, sha256 } = await blobs.put('acme', chunksOf('hello'));
  await writeFile(join(dir, 'acme', sha256.slice(0, 2), sha256), '');
  await blobs.put('acme', chunksOf('hello'));
  expect(await blobs.stat(fileId)).toMatchObject({ bytes: 5 });
});

test('what a killed process left half written an hour ago is removed at the next start; what is being written is not', async () => {
  await directoryBlobs(dir);
  const [old, fresh] = [join(dir, '.incoming', 'old'), join(dir, '.incoming', 'fresh')];
  await Promise.all([writeFile(old, 'x'), writeFile(fresh, 'x')]);
  const longAgo = Date.now() / 1_000 - 3_700;
  await utimes(old, longAgo, longAgo);
  await directoryBlobs(dir);
  expect(await readdir(join(dir, '.incoming'))).toEqual(['fresh']);
});

test('the check names a directory that is gone', async () => {
  const blobs = await directoryBlobs(dir);
  await rm(join(dir, '.incoming'), { recursive: true });
  await expect(blobs.check()).rejects.toThrow(`Files can't be stored in ${dir}`);
});
