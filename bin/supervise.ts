/**
 * Keeps one child process running: in its own process group, so that Ctrl-C reaches it only through us; started again
 * when it dies; stopped politely, then by force. It ends by itself when we die: a Node child when its IPC channel
 * closes, any other on a leash (leash.ts).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';

export interface ChildPlan {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** How it learns that we are gone. */
  readonly tie: 'ipc' | 'stdin';
  /** From SIGTERM until SIGKILL. */
  readonly graceMs: number;
}

export interface Child {
  readonly name: string;
  /** Undefined while it is down. */
  readonly pid: number | undefined;
  /** SIGTERM, and SIGKILL once the grace is over; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, now. */
  kill(): void;
}

export const pausesMs = {
  first: 500,
  longest: 10_000,
  /** Up for as long, it counts as healthy again. */ healthy: 30_000,
};

export function keepRunning(plan: ChildPlan, log: Logger): Child {
  const { name, command, env, tie, graceMs } = plan;
  let child: ChildProcess | undefined;
  let isStopping = false;
  let deaths = 0;
  let restart: NodeJS.Timeout | undefined;
  let settleGone: () => void;
  const gone = new Promise<void>((resolve) => (settleGone = resolve));

  function start(): void {
    const startedAt = Date.now();
    const [file, ...args] = command;
    // Standard output holds only what was asked for, so a child's goes where the logs go.
    const started = spawn(file, args, {
      env,
      detached: true,
      stdio: tie === 'ipc' ? ['ignore', 2, 2, 'ipc'] : ['pipe', 'ignore', 2],
    });
    child = started;
    started.stdin?.on('error', () => undefined); // it closes when the child dies, which 'exit' tells
    started.once('error', (error) => {
      log.error({ child: name, error: error.message }, `${name} can't be started`);
      if (started.pid === undefined) ended(null, null); // or else 'exit' follows
    });
    started.once('exit', ended);

    // Not 'close': what it leaves behind would hold its pipes open.
    function ended(code: number | null, signal: NodeJS.Signals | null): void {
      signalGroup(started, 'SIGKILL'); // what it may have left behind
      child = undefined;
      if (isStopping) return settleGone();
      if (Date.now() - startedAt > pausesMs.healthy) deaths = 0;
      const pauseMs = Math.min(pausesMs.longest, pausesMs.first * 2 ** deaths++);
      log.warn({ child: name, code, signal, pauseMs }, `${name} has died and is started again in ${pauseMs} ms`);
      restart = setTimeout(start, pauseMs);
    }
  }

  start();
  return {
    name,
    get pid() {
      return child?.pid;
    },
    async stop() {
      isStopping = true;
      clearTimeout(restart);
      if (child === undefined) return;
      child.kill('SIGTERM');
      const force = setTimeout(() => {
        log.warn({ child: name, graceMs }, `${name} has not ended within ${graceMs} ms of SIGTERM: killed`);
        this.kill();
      }, graceMs);
      await gone;
      clearTimeout(force);
    },
    kill() {
      isStopping = true;
      clearTimeout(restart);
      if (child !== undefined) signalGroup(child, 'SIGKILL');
    },
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return; // never started
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: none left, as it should be
  }
}
