/** One more API process beside a stack's own, as `npm run api` starts it, that reaches Temporal another way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { leashed } from '../bin/leash.js';
import { freePort } from '../bin/ports.js';
import { descendantsOf } from './processes.js';

const script = fileURLToPath(new URL('../api/main.js', import.meta.url));

export interface ApiProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startApiProcess(options: { dataDir: string; temporalAddress: string }): Promise<ApiProcess> {
  const port = await freePort('127.0.0.1');
  const [file, ...args] = leashed([process.execPath, script]);
  const child = spawn(file, args, {
    env: {
      ...process.env,
      DATA_DIR: options.dataDir,
      TEMPORAL_ADDRESS: options.temporalAddress,
      PORT: String(port),
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
    },
    detached: true,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const gone = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await isReady(url)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error('The second API process does not get ready');
    await pause(50);
  }
  const all = await descendantsOf(child.pid!);
  return {
    url,
    pid: all.find(({ command }) => /^\S+ \S+\/api\/main/.test(command))?.pid ?? child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false; // it does not listen yet
  }
}
