/**
 * Finds the Temporal CLI, which carries the server and its Web UI: TEMPORAL_CLI_PATH, then `temporal` on the PATH, then
 * the copy fetched before, then the sources of it, in the order of `sources`. Only what it had to pass over or fetch is
 * reported.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cliVersion, otherChecksum, pinnedCli, type PinnedCli } from './cli-pins.js';
import type { CliSource } from './cli-sources.js';

export const oldestCli = '1.9';

export class NoTemporalCli extends Error {
  constructor(tried: readonly string[]) {
    super(
      [
        'No Temporal CLI to be had. Tried:',
        ...tried.map((line) => `  - ${line}`),
        `Set TEMPORAL_CLI_PATH, or put temporal ≥ ${oldestCli} on the PATH`,
      ].join('\n'),
    );
    this.name = 'NoTemporalCli';
  }
}

export interface CliSearch {
  readonly env: NodeJS.ProcessEnv;
  /** What a person should know while it goes on; one line each. */
  readonly report: (line: string) => void;
  /** What the executable of this machine must be; undefined where none is known. */
  readonly pinned?: PinnedCli | undefined;
  readonly sources?: readonly CliSource[];
}

/**
 * @returns the path of an executable that is new enough
 * @throws NoTemporalCli with all that was tried; at once for a TEMPORAL_CLI_PATH that can't be used
 */
export async function findTemporalCli(search: CliSearch): Promise<string> {
  const { env, report } = search;
  const tried: string[] = [];
  const passOver = (line: string) => {
    tried.push(line);
    report(line);
  };

  const given = env['TEMPORAL_CLI_PATH'];
  if (given) {
    const fault = await faultOf(given);
    if (fault !== undefined) throw new NoTemporalCli([`TEMPORAL_CLI_PATH: ${given} ${fault}`]);
    return given;
  }

  const onPath = await whichTemporal(env['PATH'] ?? '');
  if (onPath !== undefined) {
    const fault = await faultOf(onPath);
    if (fault === undefined) return onPath;
    passOver(`PATH: ${onPath} ${fault}, passed over`);
  } else {
    tried.push('PATH: no `temporal` on it');
  }

  const pinned = 'pinned' in search ? search.pinned : pinnedCli();
  if (pinned === undefined) {
    throw new NoTemporalCli([...tried, `download: there is none for ${process.platform} on ${process.arch}`]);
  }
  return cachedCli(search, pinned, tried, passOver);
}

async function cachedCli(
  { env, report, sources }: CliSearch,
  pinned: PinnedCli,
  tried: string[],
  passOver: (line: string) => void,
): Promise<string> {
  const folder = cacheFolder(env);
  const cached = join(folder, 'temporal');
  const other = await otherChecksum(cached, pinned);
  if (other === undefined) return cached;
  if (other === null) tried.push(`cache: no ${cached}`);
  else passOver(`cache: ${cached} has the checksum ${other}, not ${pinned.sha256}: fetched again`);

  await mkdir(folder, { recursive: true });
  const { cliSources } = await import('./cli-sources.js');
  for (const source of sources ?? cliSources(env)) {
    // Two processes may fetch at once: each writes a file of its own, and the rename is atomic.
    const fetched = join(folder, `temporal.${process.pid}.${Math.random().toString(36).slice(2)}`);
    try {
      await source.fetch(pinned, fetched, report);
      await rename(fetched, cached);
      report(`Temporal CLI ${cliVersion} is at ${cached}`);
      return cached;
    } catch (error) {
      passOver(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await rm(fetched, { force: true });
    }
  }
  throw new NoTemporalCli(tried);
}

/** @returns why the file can't be used; undefined if it can */
async function faultOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
  } catch {
    return 'is no file that may be run';
  }
  const answer = await promisify(execFile)(path, ['--version'], { timeout: 10_000 }).catch((error: Error) => error);
  if (answer instanceof Error) return `does not run: ${answer.message.split('\n')[0]}`;
  const version = /temporal version (\d+)\.(\d+)/.exec(answer.stdout);
  if (version === null) return `does not answer --version as Temporal's CLI does`;
  const [major, minor] = oldestCli.split('.').map(Number) as [number, number];
  const isOldEnough = Number(version[1]) > major || (Number(version[1]) === major && Number(version[2]) >= minor);
  return isOldEnough ? undefined : `is version ${version[1]}.${version[2]}, older than ${oldestCli}`;
}

async function whichTemporal(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const candidate = join(folder, 'temporal');
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const userCache =
    env['XDG_CACHE_HOME'] ||
    (process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(env['HOME'] || homedir(), '.cache'));
  return join(userCache, 'longhaul', `temporal-cli-${cliVersion}`);
}
