/** The API within the test's own process, against the suite's Temporal server: with a namespace and storage of its own. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { inject } from 'vitest';
import { apiApp } from '../../api/app.js';
import { partsOf } from '../../api/parts.js';
import type { LiveOptions } from '../../api/live/live-runs.js';
import type * as schemas from '../../api/schemas.js';
import { close, listen, serverOf } from '../../api/server.js';
import type { Job } from '../../jobs/define-job.js';
import { jobs } from '../../jobs/index.js';
import type { Blobs } from '../../storage/blobs.js';
import { openStorage } from '../../storage/index.js';
import type { Ledger } from '../../storage/ledger.js';
import { clientConnection, clientOf } from '../../temporal/connection.js';
import { prepareNamespace } from '../../temporal/namespace.js';

export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly namespace: string;
  readonly dataDir: string;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  /** What was logged, at debug level. */
  readonly logged: string[];
  call(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Whatever JSON came: the test says what it expects. */
type Body = Omit<z.output<typeof schemas.run>, 'status'> &
  z.output<typeof schemas.runList> &
  z.output<typeof schemas.failureList> &
  z.output<typeof schemas.deadLetterList> &
  z.output<typeof schemas.file> &
  z.output<typeof schemas.jobTypeList> &
  Omit<z.output<typeof schemas.problem>, 'status'> & { readonly status: unknown };

interface Options {
  readonly apiKeys?: readonly string[];
  readonly address?: string;
  /** Shared with another API. */
  readonly namespace?: string;
  readonly ledger?: (real: Ledger) => Ledger;
  readonly live?: Partial<LiveOptions>;
}

export async function startApi({
  apiKeys = [],
  address = inject('temporal').address,
  namespace = `api-${randomBytes(6).toString('hex')}`,
  ledger,
  live,
}: Options = {}): Promise<TestApi> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longhaul-api-'));
  const settings = {
    address,
    namespace,
    apiKey: undefined,
    tls: { cert: undefined, key: undefined, ca: undefined, serverName: undefined },
  };
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const closing = new AbortController();
  const opened = await openStorage(dataDir);
  const storage = { ...opened, ledger: ledger?.(opened.ledger) ?? opened.ledger };
  const connection = clientConnection(settings);
  const client = clientOf(connection, settings);
  const namespaceReady = prepareNamespace(connection, namespace, 30 * 86_400_000, log, closing.signal);
  namespaceReady.catch(() => undefined); // the requests tell

  const app = apiApp(
    partsOf({
      ...{ client, ...storage, namespaceReady, apiKeys, log },
      ...(live && { live }),
      closing: closing.signal,
      jobs: jobs as readonly unknown[] as readonly Job[],
      uiUrl: 'http://ui.test',
    }),
  );
  const server = serverOf(app);
  await listen(server, 0, '127.0.0.1');
  if (address === inject('temporal').address) await namespaceReady;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const call: TestApi['call'] = async (path, init) => answerOf(await fetch(url + path, init));
  return {
    url,
    namespace,
    dataDir,
    client,
    ledger: storage.ledger,
    blobs: storage.blobs,
    logged,
    call,
    post: (path, body, headers = {}) =>
      call(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await close(server, 500);
      await connection.close();
      await opened.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? (JSON.parse(text) as Body) : (text as unknown as Body),
  };
}

export const recipients = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ email: `someone-${index}@example.com`, name: `Someone ${index}` }));

export const campaign = (count: number) => ({ input: { template: 'welcome', recipients: recipients(count) } });
