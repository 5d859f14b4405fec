/** `npm start` as a person runs it, with a Temporal of its own: for what concerns the stack as a whole. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { Longhaul } from '../../client/index.js';
import { freePort } from '../../bin/ports.js';
import { processesOf } from './leftovers.js';
import { plainEnv, repository, type Ended } from './process.js';
import { until } from './until.js';

export interface WholeStackOptions {
  readonly env?: Record<string, string>;
  /** Kept at the end if given, as are the ports in `env`. */
  readonly dataDir?: string;
  readonly command?: readonly [string, ...string[]];
}

/** Starts it and waits for `ready`. The same dataDir and env start the same stack again. */
export async function startWholeStack(options: WholeStackOptions = {}): Promise<WholeStack> {
  const stack = await spawnWholeStack(options);
  await stack.ready();
  return stack;
}

/** Without waiting for `ready`. */
export async function spawnWholeStack(options: WholeStackOptions = {}): Promise<WholeStack> {
  const stack = new WholeStack({ ...options, env: { ...(await freePorts()), ...options.env } });
  stack.spawn();
  return stack;
}

/** Settings for ports that are free, so that stacks run side by side. */
export async function freePorts(): Promise<Record<string, string>> {
  const settings = ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'MAIL_UI_PORT'];
  const ports = new Set<number>();
  while (ports.size < settings.length) ports.add(await freePort('127.0.0.1'));
  const found = [...ports];
  return Object.fromEntries(settings.map((setting, at) => [setting, String(found[at])]));
}

export class WholeStack {
  readonly dataDir: string;
  readonly env: Record<string, string>;
  readonly #isOwnDataDir: boolean;
  readonly #command: readonly [string, ...string[]];
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> | undefined;
  stdout = '';
  stderr = '';

  constructor({ dataDir, env, command }: WholeStackOptions) {
    this.#isOwnDataDir = dataDir === undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'longhaul-whole-'));
    this.#command = command ?? [process.execPath, `${repository}/dist/bin/start.js`];
    this.env = { DATA_DIR: this.dataDir, TEMPORAL_CLI_PATH: inject('temporal').cli, LOG_LEVEL: 'warn', ...env };
  }

  get url(): string {
    return `http://127.0.0.1:${this.env['PORT']}`;
  }

  get mailUrl(): string {
    return `http://127.0.0.1:${this.env['MAIL_UI_PORT']}`;
  }

  get client(): Longhaul {
    return new Longhaul({ url: this.url });
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  get ports(): number[] {
    return ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'MAIL_UI_PORT'].map((setting) => Number(this.env[setting]));
  }

  /** Again, after it has ended. */
  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  async ready(): Promise<void> {
    const hasEnded = () => this.#child!.exitCode !== null || this.#child!.signalCode !== null;
    await until('the stack is ready', () => this.stdout.includes('ready') || hasEnded(), { withinMs: 60_000 });
    if (!this.stdout.includes('ready')) throw new Error(`The stack has ended before it was ready:\n${this.stderr}`);
  }

  spawn(): void {
    this.stdout = '';
    this.stderr = '';
    const [command, ...args] = this.#command;
    const child = spawn(command, args, {
      cwd: repository,
      env: { ...plainEnv(), ...this.env },
      detached: true, // a process group as a shell gives it
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (text: Buffer) => (this.stdout += String(text)));
    child.stderr.on('data', (text: Buffer) => (this.stderr += String(text)));
    this.#child = child;
    this.#ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal }) as Ended);
  }

  ended(): Promise<Ended> {
    return this.#ended!;
  }

  /** As Ctrl-C does: to the whole process group. */
  async interrupt(): Promise<Ended> {
    process.kill(-this.pid, 'SIGINT');
    return this.ended();
  }

  /** SIGKILL, to the parent only. */
  async kill(): Promise<Ended> {
    process.kill(this.pid, 'SIGKILL');
    return this.ended();
  }

  /** SIGKILL, to every process of it. */
  async killAll(): Promise<Ended> {
    for (const { pid } of processesOf(this.dataDir)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // else: the death of another one has ended it
      }
    }
    return this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.interrupt();
    if (this.#isOwnDataDir) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
