/** A real `node dist/…` process of ours. Ends with the test, since its IPC channel closes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class TestProcess {
  readonly name: string;
  readonly env: Record<string, string>;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<Ended>;
  hasEnded = false;

  /** @param script under dist/ */
  constructor(
    name: string,
    script: string,
    env: Record<string, string>,
    logFile: string,
    args: readonly string[] = [],
  ) {
    this.name = name;
    this.env = env;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    this.#child = spawn(process.execPath, [`${repository}/dist/${script}`, ...args], {
      cwd: repository,
      env: { ...plainEnv(), ...env },
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#ended = once(this.#child, 'exit').then(([code, signal]: unknown[]) => {
      this.hasEnded = true;
      return { code, signal } as Ended;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : '';
  }

  /** SIGTERM, and how it ended. */
  async stop(): Promise<Ended> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  /** SIGKILL, it and whatever it started. */
  async kill(): Promise<Ended> {
    if (!this.hasEnded) process.kill(-this.pid, 'SIGKILL');
    return this.#ended;
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }
}

/** Nothing that the machine has set for us leaks into a test. */
export function plainEnv(): Record<string, string> {
  const kept = [
    'PATH',
    'HOME',
    'TMPDIR',
    'TEMP',
    'TZ',
    'LANG',
    'XDG_CACHE_HOME',
    'NODE_EXTRA_CA_CERTS',
    'TEMPORAL_CLI_PATH',
    'WORKER_CACHED_WORKFLOWS', // .ci/run runs tests a second time without the cache
  ];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
