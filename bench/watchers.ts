/** Those who watch a run, a thousand in one process: each a connection of its own, read as cheaply as can be. */
import { get } from 'node:http';
import { answerQuestions } from './helper.js';

export type WatcherQuestions = typeof questions;

/** What a run's history says: when it was so far, in ms since 1970. */
export interface Change {
  readonly at: number;
  /** Infinity, as null over IPC: the end. */
  readonly done: number | null;
}

interface Arrival {
  readonly at: number;
  readonly done: number;
}

const opened = 50; // at once
let viewers: Arrival[][] = [];
let closed: Promise<unknown> = Promise.resolve();
let known = new Map<string, number>();

const questions = {
  /** Answers once each has had its first event. */
  async watch({ url, count }: { url: string; count: number }) {
    viewers = [];
    known = new Map();
    const closings: Promise<void>[] = [];
    for (let at = 0; at < count; at += opened) {
      const started = Array.from({ length: Math.min(opened, count - at) }, () => viewer(url));
      closings.push(...started.map((one) => one.closed));
      await Promise.all(started.map((one) => one.first));
    }
    closed = Promise.all(closings);
  },
  /** Answers once all have been told the end. @returns of each change and viewer how much later it was told */
  async lags({ changes }: { changes: readonly Change[] }) {
    await closed;
    return viewers.flatMap((arrivals) =>
      changes.flatMap(({ at, done }) => {
        const told = arrivals.find((arrival) => arrival.done >= (done ?? Infinity));
        if (told === undefined) throw new Error(`A viewer was never told of ${done ?? 'the end'}`);
        return told === arrivals[0] ? [] : [told.at - at]; // what was so when it came is no change
      }),
    );
  },
};
answerQuestions(questions);

function viewer(url: string) {
  const arrivals: Arrival[] = [];
  viewers.push(arrivals);
  let told!: () => void;
  const first = new Promise<void>((resolve) => (told = resolve));
  const closed = new Promise<void>((resolve, reject) => {
    const request = get(url, { agent: false, headers: { Accept: 'text/event-stream' } }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`));
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          if (!block.startsWith('id: ')) continue;
          arrivals.push({ at: performance.timeOrigin + performance.now(), done: doneIn(block) });
          told();
        }
      });
      response.once('end', () =>
        arrivals.at(-1)?.done === Infinity ? resolve() : reject(new Error('no end was told')),
      );
      response.once('error', reject);
    });
    request.once('error', reject);
  });
  closed.catch(() => told()); // whoever waits for `closed` hears of it
  return { first, closed };
}

/** Parsed once, however many get it. */
function doneIn(block: string): number {
  const id = block.slice(4, block.indexOf('\n'));
  let done = known.get(id);
  if (done === undefined) {
    const [, event, data] = /\nevent: (\w+)\ndata: (.*)/.exec(block)!;
    done =
      event === 'end' ? Infinity : ((JSON.parse(data!) as { progress: { done: number } | null }).progress?.done ?? 0);
    known.set(id, done);
  }
  return done;
}
