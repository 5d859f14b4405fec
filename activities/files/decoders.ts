/**
 * Starts a process for each picture, feeds it, watches it and ends it.
 *
 * None is started beforehand: a start costs about 0.2 s of CPU, most of it for loading libvips, and a spare would save
 * that only to whoever comes first after a pause, at 70 MB for each core of every idle worker.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { PermanentError } from '../../jobs/errors.js';
import { Slots } from '../lists/slots.js';
import type { Reply, Task } from './decoder.js';
import { limits as allLimits, type PictureLimits } from './limits.js';
import type { PictureFacts } from './picture.js';
import type { Recipe } from './recipes.js';

export interface Source {
  readonly bytes: number;
  /** Called again if the decoder crashed. */
  open(): Promise<Readable>;
}

export interface Decoders {
  /** @throws PermanentError unsupported-file, corrupt-file, file-too-large; the signal's reason; else try again */
  inspect(source: Source, signal: AbortSignal): Promise<PictureFacts>;
  /**
   * @param keep takes what was made, as a stream that throws if it breaks off
   * @throws as `inspect`, and what `keep` throws
   */
  derive<T>(
    source: Source,
    recipe: Recipe,
    signal: AbortSignal,
    keep: (content: AsyncIterable<Uint8Array>, facts: PictureFacts) => Promise<T>,
  ): Promise<T>;
}

export interface DecodersOptions {
  /** Decoders at once; each uses one core. */
  readonly atOnce?: number;
  readonly limits?: { readonly inspect: PictureLimits; readonly derive: PictureLimits };
}

export function startDecoders({ atOnce = availableParallelism(), limits = allLimits }: DecodersOptions = {}): Decoders {
  const places = new Slots(atOnce);
  return {
    inspect: (source, signal) =>
      decode({ bytes: source.bytes, limits: limits.inspect }, source, signal, async (_none, facts) => facts),
    derive: (source, recipe, signal, keep) =>
      decode({ bytes: source.bytes, limits: limits.derive, recipe }, source, signal, keep),
  };

  async function decode<T>(task: Task, source: Source, signal: AbortSignal, keep: Keep<T>): Promise<T> {
    if (task.bytes > task.limits.bytes) {
      throw new PermanentError(
        'file-too-large',
        `The file has ${task.bytes} bytes; at most ${task.limits.bytes} are taken. Send a smaller one.`,
      );
    }
    await placeIn(places, signal);
    try {
      return await decodeInChild(task, source, signal, keep).catch((error: unknown) => {
        if (!(error instanceof DecoderCrashed)) throw error;
        // A decoder's way is the same each time: if it crashes again, it is the picture, and trying later is no use.
        return decodeInChild(task, source, signal, keep);
      });
    } catch (error) {
      if (!(error instanceof DecoderCrashed)) throw error;
      throw new PermanentError('corrupt-file', `The picture is damaged: ${error.message} Send a whole one.`);
    } finally {
      places.release();
    }
  }
}

type Keep<T> = (content: AsyncIterable<Uint8Array>, facts: PictureFacts) => Promise<T>;

/** The decoder ended by a fault of its own, such as a segmentation fault. */
class DecoderCrashed extends Error {}

async function placeIn(places: Slots, signal: AbortSignal): Promise<void> {
  const taken = Promise.resolve(places.take());
  try {
    await unlessAborted(taken, signal);
  } catch (error) {
    void taken.then(() => places.release()); // it comes when nobody waits for it any more
    throw error;
  }
}

async function decodeInChild<T>(task: Task, source: Source, signal: AbortSignal, keep: Keep<T>): Promise<T> {
  signal.throwIfAborted();
  const child = startDecoder();
  const end = endOf(child);
  const reply = replyOf(child, end, task.limits.seconds);
  const content = child.stdout!.pipe(new PassThrough()); // Node throws away what nobody reads when a child exits
  const timer = setTimeout(() => child.kill('SIGKILL'), task.limits.seconds * 1_000);
  try {
    child.send(task, () => {}); // if it can't be sent, the child has ended, which `reply` tells
    const said = await unlessAborted(Promise.race([reply, feed(child, source)]), signal);
    if ('broken' in said) throw new Error(`The decoder failed: ${said.broken}`);
    if ('refused' in said) throw new PermanentError(said.refused.code, said.refused.message);
    return await keep(whole(content, said.bytes), said.facts);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    await end;
  }
}

/** From TypeScript, as in the tests, what the last build made. */
const decoderPath = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/activities/files/decoder.js' : './decoder.js', import.meta.url),
);

function startDecoder(): ChildProcess {
  // Whatever a hostile picture does to its decoder, there is no password to be found there.
  const env = Object.fromEntries(passedOn.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  return fork(decoderPath, { execArgv: [], env, stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
}

const passedOn = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR', 'TEMP', 'SystemRoot'];

/** How a process ended, or that it never began. */
interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly words: string;
}

function endOf(child: ChildProcess): Promise<End> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2_000)));
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, words }));
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, words: error.message });
    });
  });
}

function replyOf(child: ChildProcess, end: Promise<End>, seconds: number): Promise<Reply> {
  const startedAt = performance.now();
  // What it said last is still on its way when it has ended, until the channel is closed.
  const closed = new Promise<void>((resolve) => child.once('disconnect', resolve));
  return new Promise((resolve, reject) => {
    child.once('message', (reply) => resolve(reply as Reply));
    void end.then(async (how) => {
      if (child.pid !== undefined) await closed;
      const timedOut = performance.now() - startedAt > seconds * 1_000;
      reject(timedOut ? new Error(`The picture was not decoded in ${seconds} s: the machine is busy.`) : blame(how));
    });
  });
}

/** Signals by which the kernel or the C library ends a process for a fault of its own. */
const faults: readonly (string | null)[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP'];

/**
 * Only a crash can be the picture's fault. A SIGKILL came from a person, or from the kernel because the machine has no
 * memory left (what the picture itself may take is watched by the decoder, which says so before it ends), and an exit
 * code from a broken installation: both may be over the next time.
 */
function blame({ code, signal, words }: End): Error {
  if (faults.includes(signal)) return new DecoderCrashed(`its decoder crashed twice (${signal}).`);
  const how = signal ? `ended by ${signal}` : code === null ? 'could not be started' : `ended with exit code ${code}`;
  return new Error(`The decoder was ${how} before it was done. ${words.trim()}`.trim());
}

/** Never resolves: the child's reply tells what became of it. @throws what the source throws */
async function feed(child: ChildProcess, source: Source): Promise<never> {
  try {
    await pipeline(await source.open(), child.stdin!);
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  }
  return new Promise(() => {});
}

/** The child has ended, or (premature close) the source broke off, which the child tells by the number of bytes. */
const isClosedPipe = (error: unknown) =>
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );

/** A child that is killed in the middle of writing must not leave half a picture for a whole one. */
async function* whole(content: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let got = 0;
  for await (const chunk of content) {
    got += chunk.length;
    yield chunk;
  }
  if (got !== bytes) throw new Error(`The decoder ended after ${got} of ${bytes} bytes. It is tried again.`);
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
