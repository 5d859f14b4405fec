/** What is measured: the stack as `npm start` brings it up, on free ports and a data directory of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leashed } from '../bin/leash.js';
import { freePort } from '../bin/ports.js';
import { nowMs } from './clock.js';
import { descendantsOf } from './processes.js';

export interface StackProcesses {
  readonly api: number;
  readonly worker: number;
  readonly temporal: number;
}

export interface BenchStack {
  readonly apiUrl: string;
  readonly temporalAddress: string;
  /** From starting the process to `ready` on its standard output. */
  readonly readyMs: number;
  /** Asked of the system: a process that died has another id once it is up again. */
  processes(): Promise<StackProcesses>;
  stop(): Promise<void>;
}

const startScript = fileURLToPath(new URL('../bin/start.js', import.meta.url));

export async function startStack(options: { dataDir: string; smtpUrl: string }): Promise<BenchStack> {
  const host = '127.0.0.1';
  const [port, temporalPort, uiPort] = await freePorts(host, 3);
  const [file, ...args] = leashed([process.execPath, startScript]); // if we are killed it ends, and all it started
  const env = {
    ...process.env,
    DATA_DIR: options.dataDir,
    SMTP_URL: options.smtpUrl,
    HOST: host,
    PORT: String(port),
    TEMPORAL_PORT: String(temporalPort),
    TEMPORAL_UI_PORT: String(uiPort),
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
  };
  const startedAt = nowMs();
  const child = spawn(file, args, { env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const isGone = once(child, 'exit');
  const isReady = (async () => {
    for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') return nowMs() - startedAt;
    throw new Error('npm start has ended before it was ready; what it said stands above');
  })();
  const stop = async () => {
    child.kill('SIGTERM');
    await isGone;
    running.delete(stop);
  };
  running.add(stop);
  const readyMs = await isReady.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  child.stdout.resume();

  return {
    apiUrl: `http://${host}:${port}`,
    temporalAddress: `${host}:${temporalPort}`,
    readyMs,
    async processes() {
      const all = await descendantsOf(child.pid!);
      const named = (part: RegExp) => {
        const found = all.find(({ command }) => part.test(command));
        if (found === undefined) throw new Error(`No process of the stack is named ${part.source}`);
        return found.pid;
      };
      return {
        api: named(/^\S+ \S+\/api\/main/),
        worker: named(/^\S+ \S+\/workers\/main/),
        temporal: named(/^\S*temporal server/),
      };
    },
    stop,
  };
}

/** The directory is gone at the end, whatever happens. */
export async function withDataDir<T>(use: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  dataDirs.add(remove);
  try {
    return await use(dataDir);
  } finally {
    dataDirs.delete(remove);
    await remove();
  }
}

/** A stack of its own, stopped at the end, whatever happens. */
export async function withStack<T>(smtpUrl: string, use: (stack: BenchStack) => Promise<T>): Promise<T> {
  return withDataDir(async (dataDir) => {
    const stack = await startStack({ dataDir, smtpUrl });
    try {
      return await use(stack);
    } finally {
      await stack.stop();
    }
  });
}

const running = new Set<() => Promise<unknown>>();
const dataDirs = new Set<() => Promise<void>>();

/** Stops what runs and removes what it has left, for an early end. */
export async function stopStacks(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
  await Promise.all([...dataDirs].map((remove) => remove()));
}

/** Different ones: each is held until all are found. */
async function freePorts(host: string, count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort(host));
  return [...found];
}
