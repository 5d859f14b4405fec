/**
 * The process that decodes one picture: a crash, a runaway memory or an endless loop hurts nothing but this run.
 * Gets its task over IPC and the source on stdin; replies over IPC, and after that writes what it made on stdout.
 */
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { PermanentError } from '../../jobs/errors.js';
import type { PictureLimits } from './limits.js';
import { derive, inspect, type PictureFacts } from './picture.js';
import type { Recipe } from './recipes.js';

export interface Task {
  /** Of the source. A stream that breaks off looks like an end. */
  readonly bytes: number;
  readonly limits: PictureLimits;
  /** Without one the picture is only inspected. */
  readonly recipe?: Recipe;
}

export type Reply =
  /** `bytes` follow on stdout. */
  | { readonly facts: PictureFacts; readonly bytes: number }
  | { readonly refused: { readonly code: string; readonly message: string } }
  | { readonly broken: string };

giveWay();
process.once('message', (task: Task) => {
  watch(task.limits);
  work(task).then(reply, (error: unknown) =>
    reply(
      error instanceof PermanentError
        ? { refused: { code: error.code, message: error.message } }
        : { broken: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    ),
  );
});

async function work({ bytes, limits, recipe }: Task): Promise<Reply> {
  const source = await readStdin();
  if (source.length !== bytes) return { broken: `Only ${source.length} of ${bytes} bytes of the source came.` };
  if (recipe === undefined) return { facts: await inspect(source, limits), bytes: 0 };

  const { content, ...facts } = await derive(source, recipe, limits);
  await new Promise<void>((sent) => process.send!({ facts, bytes: content.length } satisfies Reply, () => sent()));
  process.stdout.write(content, end);
  return never;
}

const never = new Promise<never>(() => {});

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function reply(said: Reply): void {
  process.send!(said, end);
}

/** process.exit() would wait for libvips to finish what it is at. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Whatever happens to this machine, the worker is not what suffers. */
function giveWay(): void {
  process.once('disconnect', end); // the worker is gone
  if (!process.connected) end(); // since before this line
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {}); // the worker decides
  setPriority(5); // a third of the CPU share of a process that somebody waits for
  // When memory runs out the kernel takes the process with the highest score: proc_pid_oom_score_adj(5).
  if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000');
}

function watch({ memoryBytes, cpuSeconds }: PictureLimits): void {
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    if (process.memoryUsage.rss() > memoryBytes) {
      refuseAsTooLarge(`It needs more than ${Math.round(memoryBytes / 1024 ** 2)} MB of memory`);
    } else if ((user + system) / 1_000_000 > cpuSeconds) {
      refuseAsTooLarge(`It takes more than ${cpuSeconds} s`);
    }
  }, 25);
}

function refuseAsTooLarge(why: string): void {
  reply({
    refused: { code: 'file-too-large', message: `The picture is too large. ${why} to decode. Send a smaller one.` },
  });
}
