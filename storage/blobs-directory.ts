/**
 * Blobs as files of one directory: `<dir>/<tenant>/<first two hex digits>/<sha256>`. A blob is written beside its place
 * while it is hashed, synced, and moved there in one step: what has its name is whole, also after a power failure.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { BlobNotFound, BlobTooLarge, type Blobs, type ByteRange } from './blobs.js';

const tenantPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const fileIdPattern = /^([a-z0-9][a-z0-9-]{0,62})\.([0-9a-f]{64})$/;
const besidePattern = /^[a-z]{1,32}$/;
const leftOverMs = 3_600_000;
const readBytes = 256 * 1024;

/** Makes the directory, and removes what processes killed in the middle of a write have left. */
export async function directoryBlobs(dir: string): Promise<Blobs> {
  const incoming = join(dir, '.incoming'); // no tenant begins with a dot
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await removeLeftOvers(incoming);

  return {
    async put(tenant, source, { limit = Infinity, signal } = {}) {
      if (!tenantPattern.test(tenant))
        throw new RangeError(`${JSON.stringify(tenant)} is no tenant: a-z, 0-9 and "-", at most 63.`);
      const hash = createHash('sha256');
      let bytes = 0;
      return writeWhole(async (file) => {
        await copy(source, signal, async (chunk) => {
          bytes += chunk.length;
          if (bytes > limit) throw new BlobTooLarge(limit);
          hash.update(chunk);
          await file.writeFile(chunk); // goes on where the last one ended
        });
        const sha256 = hash.digest('hex');
        return { to: pathOf(tenant, sha256), result: { fileId: `${tenant}.${sha256}`, sha256, bytes } };
      });
    },
    async open(fileId, range) {
      const path = located(fileId);
      const file = path && (await openIfThere(path));
      if (!file) throw new BlobNotFound(fileId);
      return readable(file, range);
    },
    async stat(fileId) {
      const path = located(fileId);
      const found = path && (await ifThere(stat(path)));
      return found ? { fileId, sha256: fileId.slice(-64), bytes: found.size } : undefined;
    },
    async putBeside(fileId, name, content) {
      const to = besideOf(fileId, name);
      if (!to || !(await ifThere(stat(located(fileId)!)))) throw new BlobNotFound(fileId);
      await writeWhole(async (file) => {
        await file.writeFile(content);
        return { to, result: undefined };
      });
    },
    async readBeside(fileId, name, range) {
      const path = besideOf(fileId, name);
      const file = path && (await openIfThere(path));
      if (!file) return undefined;
      try {
        return await readRange(file, range);
      } finally {
        await file.close();
      }
    },
    async check() {
      const probe = join(incoming, `check-${randomUUID()}`);
      await open(probe, 'wx').then(
        (file) => file.close(),
        (error: unknown) => {
          throw new Error(
            `Files can't be stored in ${dir}: ${String(error)}. Check that it is there, writable and not full.`,
            { cause: error },
          );
        },
      );
      await rm(probe);
    },
  };

  function pathOf(tenant: string, sha256: string): string {
    return join(dir, tenant, sha256.slice(0, 2), sha256);
  }

  /** @returns undefined for what is no fileId: nothing else ever becomes a path */
  function located(fileId: string): string | undefined {
    const [, tenant, sha256] = fileIdPattern.exec(fileId) ?? [];
    return tenant !== undefined && sha256 !== undefined ? pathOf(tenant, sha256) : undefined;
  }

  function besideOf(fileId: string, name: string): string | undefined {
    if (!besidePattern.test(name))
      throw new RangeError(`${JSON.stringify(name)} can't name what lies beside a blob: a-z, at most 32.`);
    const path = located(fileId);
    return path && `${path}.${name}`;
  }

  /** Writes a file of which `write` says at its end where it belongs. It is there whole, or nothing is kept. */
  async function writeWhole<T>(write: (file: FileHandle) => Promise<{ to: string; result: T }>): Promise<T> {
    const temporary = join(incoming, randomUUID());
    const file = await open(temporary, 'wx', 0o600);
    try {
      const { to, result } = await (async () => {
        try {
          const written = await write(file);
          await file.datasync();
          return written;
        } finally {
          await file.close();
        }
      })();
      await makeDirectory(dirname(to));
      await rename(temporary, to);
      await sync(dirname(to));
      return result;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** mkdir -p of which each new entry is durable. */
  async function makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) await sync(dirname(made));
  }
}

/** Passes chunks on one by one. @throws the signal's reason as soon as it is aborted, also while the source is silent */
async function copy(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  signal?.throwIfAborted();
  let stop = (_: Error): void => undefined;
  const onAbort = () => stop(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort);
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = reject;
        chunks.next().then(resolve, reject);
      });
      if (next.done === true) return;
      await take(next.value);
      signal?.throwIfAborted();
    }
  } catch (error) {
    // Closes the source, but does not wait: a silent one answers nothing, and what it says now no longer matters.
    void chunks.return?.().catch(() => undefined);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function readable(file: FileHandle, { start = 0, end }: Partial<ByteRange> = {}): Readable {
  if (end !== undefined && end <= start) {
    return Readable.from(closing(file));
  }
  return file.createReadStream({ start, ...(end !== undefined && { end: end - 1 }), highWaterMark: readBytes });
}

/** An empty stream that gives the file back. */
async function* closing(file: FileHandle): AsyncGenerator<never> {
  await file.close();
}

async function readRange(file: FileHandle, { start = 0, end }: Partial<ByteRange> = {}): Promise<Uint8Array> {
  const size = (await file.stat()).size;
  const wanted = Buffer.alloc(Math.max(0, Math.min(end ?? size, size) - start));
  let filled = 0;
  while (filled < wanted.length) {
    const { bytesRead } = await file.read(wanted, filled, wanted.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return wanted.subarray(0, filled);
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}

const openIfThere = (path: string) => ifThere(open(path, 'r'));

async function ifThere<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function removeLeftOvers(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await ifThere(stat(path)); // another process may be sweeping too
    if (found && Date.now() - found.mtimeMs > leftOverMs) await rm(path, { force: true });
  }
}
