/** Fetches a file: gives up on a silent server within seconds, and shows how far it is on stderr. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SingleBar } from 'cli-progress';

const answerMs = 4_000; // an unreachable source should cost seconds; fetch by itself waits 10 s to connect, 300 s for headers
const silenceMs = 15_000;

export async function openUrl(url: string): Promise<{ response: Response; silence: () => void; end: () => void }> {
  const abort = new AbortController();
  const giveUp = (afterMs: number) =>
    setTimeout(() => abort.abort(new Error(`${new URL(url).host} was silent for ${afterMs / 1000} s`)), afterMs);
  let timer = giveUp(answerMs);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const silence = () => {
      clearTimeout(timer);
      timer = giveUp(silenceMs);
      timer.unref();
    };
    silence();
    return { response, silence, end: () => clearTimeout(timer) };
  } catch (error) {
    clearTimeout(timer);
    throw new Error(worded(url, error), { cause: error });
  }
}

export async function download(
  url: string,
  path: string,
  { what, report }: { what: string; report: (line: string) => void },
): Promise<void> {
  const { response, silence, end } = await openUrl(url);
  const total = Number(response.headers.get('content-length') ?? 0);
  report(`Fetching ${what}${total > 0 ? `, ${megabytes(total)} MB,` : ''} from ${new URL(url).host}`);
  const bar = progressBar(total);
  try {
    await pipeline(
      Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          silence();
          bar?.increment(chunk.length);
          yield chunk;
        }
      },
      createWriteStream(path),
    );
  } catch (error) {
    throw new Error(worded(url, error), { cause: error });
  } finally {
    end();
    bar?.stop();
  }
}

function progressBar(total: number): SingleBar | undefined {
  if (!process.stderr.isTTY || total === 0) return undefined;
  const bar = new SingleBar({
    stream: process.stderr,
    format: '  {bar} {percentage} %, {shown} MB',
    formatValue: String,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
  });
  bar.start(total, 0, { shown: megabytes(total) });
  return bar;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

function worded(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.includes(new URL(url).host) ? message : `${new URL(url).host}: ${message}`;
}
