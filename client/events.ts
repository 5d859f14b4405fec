/** A run's events as they come, over `fetch`, which can send a key: an EventSource of a browser can't. Comes back by itself. */

export interface StreamedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Heartbeats come every 15 s: a connection silent for longer is gone, though nobody has said so. */
const silentMs = 45_000;
const maxPauseMs = 30_000;

interface Options {
  /** Opens the stream after an event, or throws what refuses it. */
  readonly open: (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>;
  /** How long to wait before it is opened again; undefined for an error that will not pass. */
  readonly pauseAfter: (error: unknown) => number | undefined;
  readonly lastEventId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ends after `end`, which comes once, or at once if that was seen before. */
export async function* eventsOf({ open, pauseAfter, lastEventId, signal }: Options): AsyncGenerator<StreamedEvent> {
  let seen = lastEventId;
  let retryMs = 1_000;
  for (let failures = 0; ; failures++) {
    let waitMs = Math.min(retryMs * 2 ** failures, maxPauseMs);
    const attempt = new AbortController();
    const abort = () => attempt.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const response = await open(seen, attempt.signal);
      if (response.status === 204) return;
      for await (const field of eventsIn(response, attempt)) {
        failures = 0;
        waitMs = retryMs;
        if (typeof field === 'number') {
          waitMs = retryMs = field;
          continue;
        }
        seen = field.id;
        yield field;
        if (field.event === 'end') return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      const pause = pauseAfter(error);
      if (pause === undefined) throw error;
      waitMs = Math.max(waitMs, pause);
    } finally {
      signal?.removeEventListener('abort', abort);
      attempt.abort(); // whoever leaves the loop early leaves the stream
    }
    await pauseFor(waitMs, signal);
  }
}

/** Events, and the `retry:` of the server as a number. */
async function* eventsIn(response: Response, attempt: AbortController): AsyncGenerator<StreamedEvent | number> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { id: '', event: 'message', data: '' };
  for (;;) {
    const silent = setTimeout(() => attempt.abort(new TypeError('The event stream is silent')), silentMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(silent));
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [, name, text = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name === 'retry') yield Number(text);
      else if (name !== undefined) event = { ...event, [name]: text };
      else if (line === '' && event.data !== '') {
        yield event;
        event = { id: '', event: 'message', data: '' };
      }
    }
  }
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
  signal?.throwIfAborted();
}
