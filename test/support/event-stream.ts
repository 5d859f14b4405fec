/** Reads server-sent events as they come, by the letter of the specification and without coming back by itself. */
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { until } from './until.js';

export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
  readonly at: number;
}

export interface EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly events: StreamEvent[];
  readonly comments: string[];
  readonly retries: string[];
  readonly isClosed: boolean;
  /** Of each event the data. */
  readonly runs: LiveRun[];
  has(what: string, isSo: (runs: LiveRun[]) => boolean): Promise<void>;
  closed(): Promise<void>;
  leave(): void;
}

export interface LiveRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: string;
  readonly progress: { readonly done: number; readonly total: number | null; readonly message: string } | null;
  readonly stale?: true;
}

export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const request = get(url, { agent: false, headers: { Accept: 'text/event-stream', ...headers } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const events: StreamEvent[] = [];
  const [comments, retries]: string[][] = [[], []];
  let isClosed = false;
  let text = '';
  let fields = new Map<string, string>();
  request.on('error', () => undefined); // 'close' follows
  response.on('error', () => undefined);
  response.once('close', () => (isClosed = true));
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line)!;
      if (line === '') {
        if (fields.has('data'))
          events.push({
            id: fields.get('id') ?? '',
            event: fields.get('event') ?? 'message',
            data: fields.get('data')!,
            at: performance.now(),
          });
        fields = new Map();
      } else if (name === '') comments!.push(value!);
      else if (name === 'retry') retries!.push(value!);
      else fields.set(name!, value!);
    }
  });
  const runs = () => events.map(({ data }) => JSON.parse(data) as LiveRun);
  return {
    status: response.statusCode!,
    headers: response.headers,
    events,
    comments: comments!,
    retries: retries!,
    get isClosed() {
      return isClosed;
    },
    get runs() {
      return runs();
    },
    has: (what, isSo) => until(what, () => isSo(runs()), { everyMs: 5 }),
    closed: () => until('the stream is closed', () => isClosed, { everyMs: 5 }),
    leave: () => request.destroy(),
  };
}
