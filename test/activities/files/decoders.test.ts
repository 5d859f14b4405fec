import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { startDecoders, type Source } from '../../../activities/files/decoders.js';
import { recipes } from '../../../activities/files/recipes.js';
import { until } from '../../support/until.js';
import { decodersRunning, isRunning } from './decoders-running.js';
import { codeOf } from './pipeline-bench.js';
import { gifOf, quarters, slowGif } from './pictures.js';

const sourceOf = (content: Buffer): Source => ({ bytes: content.length, open: async () => Readable.from([content]) });
const never = new AbortController().signal;

afterEach(() => {
  vi.unstubAllEnvs();
});

async function nextDecoder(known: readonly number[] = []): Promise<number> {
  let fresh: number | undefined;
  await until('a decoder runs', async () => {
    fresh = (await decodersRunning()).find((pid) => !known.includes(pid));
    return fresh !== undefined;
  });
  return fresh!;
}

test('a decoder killed in the middle is no fault of the picture: the step fails, to be tried again', async () => {
  const inspecting = codeOf(startDecoders().inspect(sourceOf(slowGif()), never));
  process.kill(await nextDecoder(), 'SIGKILL');
  expect(await inspecting).toMatch(/^tried again: .*ended by SIGKILL/);
});

test('a decoder that crashes is tried once more at once', async () => {
  const inspecting = startDecoders().inspect(sourceOf(gifOf(200, 300)), never);
  process.kill(await nextDecoder(), 'SIGSEGV');
  await expect(inspecting).resolves.toEqual({ mediaType: 'image/gif', width: 300, height: 300 });
});

test('a picture that crashes its decoder twice is corrupt', async () => {
  const inspecting = codeOf(startDecoders().inspect(sourceOf(slowGif()), never));
  const first = await nextDecoder();
  process.kill(first, 'SIGSEGV');
  process.kill(await nextDecoder([first]), 'SIGABRT');
  expect(await inspecting).toBe('corrupt-file');
});

test('a cancelled decode ends at once with the reason, and its process with it', async () => {
  const cancel = new AbortController();
  const inspecting = expect(startDecoders().inspect(sourceOf(slowGif()), cancel.signal)).rejects.toThrow('not wanted');
  const pid = await nextDecoder();
  cancel.abort(new Error('not wanted'));
  await inspecting;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('cancelled while it waits for a place, it gives the place to the next', async () => {
  const decoders = startDecoders({ atOnce: 1 });
  const [first, second] = [new AbortController(), new AbortController()];
  const slow = expect(decoders.inspect(sourceOf(slowGif()), first.signal)).rejects.toThrow('first');
  await nextDecoder();
  const waiting = expect(decoders.inspect(sourceOf(slowGif()), second.signal)).rejects.toThrow('second');
  const last = decoders.inspect(sourceOf(await quarters().png().toBuffer()), never);
  second.abort(new Error('second'));
  await waiting;
  first.abort(new Error('first'));
  await slow;
  await expect(last).resolves.toMatchObject({ width: 400 });
});

test('a source that breaks off is not taken for a damaged picture', async () => {
  const content = await quarters().png().toBuffer();
  const broken: Source = {
    bytes: content.length,
    open: async () =>
      Readable.from(
        (async function* () {
          yield content.subarray(0, 500);
          throw new Error('the disk is away');
        })(),
      ),
  };
  expect(await codeOf(startDecoders().inspect(broken, never))).toBe('tried again: Error: the disk is away');

  const short: Source = { bytes: content.length, open: async () => Readable.from([content.subarray(0, 500)]) };
  expect(await codeOf(startDecoders().inspect(short, never))).toMatch(/^tried again: .*Only 500 of \d+ bytes/);
});

test('what was made comes whole, also to a slow taker', async () => {
  const content = await quarters(1_500, 1_500).png().toBuffer();
  let pid: number;
  const source: Source = {
    bytes: content.length,
    async open() {
      pid = await nextDecoder();
      return Readable.from([content]);
    },
  };
  await startDecoders().derive(source, recipes.jpeg, never, async (made, facts) => {
    await until('Node has seen its end', () => !isKnown(pid));
    const chunks: Uint8Array[] = [];
    for await (const chunk of made) chunks.push(chunk);
    expect(Buffer.concat(chunks).subarray(-2)).toEqual(Buffer.from([0xff, 0xd9]));
    expect(facts).toEqual({ mediaType: 'image/jpeg', width: 1_500, height: 1_500 });
  });
});

test('decoders run no more than so many at once', async () => {
  const decoders = startDecoders({ atOnce: 2 });
  const cancel = new AbortController();
  const all = Promise.allSettled(Array.from({ length: 5 }, () => decoders.inspect(sourceOf(slowGif()), cancel.signal)));
  await until('two decode', async () => (await decodersRunning()).length === 2);
  cancel.abort();
  await all;
  expect(await decodersRunning()).toEqual([]);
});

test('a decoder ends with its worker, even one that is killed', async () => {
  const code = `
    import { startDecoders } from ${JSON.stringify(new URL('../../../dist/activities/files/decoders.js', import.meta.url))};
    import { Readable } from 'node:stream';
    const content = Buffer.from(process.argv[1], 'base64');
    await startDecoders().inspect({ bytes: content.length, open: async () => Readable.from([content]) }, new AbortController().signal);
  `;
  const worker = spawn(process.execPath, ['--input-type=module', '-e', code, slowGif().toString('base64')]);
  let decoder: number | undefined;
  await until('it decodes', async () => {
    [decoder] = await decodersRunning(worker.pid);
    return decoder !== undefined && (await hasBegun(decoder));
  });
  worker.kill('SIGKILL');
  await until('the decoder has ended', async () => !(await isRunning(decoder!)), { withinMs: 2_000 });
});

test.runIf(process.platform === 'linux')(
  'the kernel ends a decoder rather than its worker, whose secrets it lacks',
  async () => {
    vi.stubEnv('API_KEYS', 'a-key-of-sixteen-letters');
    const cancel = new AbortController();
    const inspecting = Promise.allSettled([startDecoders().inspect(sourceOf(slowGif()), cancel.signal)]);
    const pid = await nextDecoder();
    await until(
      'it has offered itself',
      async () => (await readFile(`/proc/${pid}/oom_score_adj`, 'utf8')) === '1000\n',
    );
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('a-key-of-sixteen-letters');
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('workers/main');
    cancel.abort();
    await inspecting;
  },
);

/** Elsewhere than on Linux nobody can tell. */
const hasBegun = async (pid: number) =>
  process.platform !== 'linux' || (await readFile(`/proc/${pid}/oom_score_adj`, 'utf8')) === '1000\n';

/** Also as a zombie, until Node has asked how it ended. */
function isKnown(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
