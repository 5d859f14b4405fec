/** An API process: `npm run api`. Takes jobs over HTTP and tells of runs; any number may run side by side. */
import { pino } from 'pino';
import { ConfigError, makeDataDir, readConfig } from '../config.js';
import { jobs } from '../jobs/index.js';
import type { Job } from '../jobs/define-job.js';
import { openStorage } from '../storage/index.js';
import { clientConnection, clientOf } from '../temporal/connection.js';
import { prepareNamespace } from '../temporal/namespace.js';
import { apiApp } from './app.js';
import { partsOf } from './parts.js';
import { close, listen, serverOf } from './server.js';

const graceMs = 5_000;

try {
  await main();
  process.exit(0); // a call to Temporal may still be open; nobody waits for it any more
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : wordsOf(error)}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  makeDataDir(config.dataDir);
  const log = pino({ level: config.logLevel, base: { process: 'api' } }, pino.destination(2));
  const closing = stopSignal();

  const storage = await openStorage(config.dataDir);
  const connection = clientConnection(config.temporal);
  const client = clientOf(connection, config.temporal);
  const namespaceReady = prepareNamespace(connection, config.temporal.namespace, config.retentionMs, log, closing);
  namespaceReady.catch((error: unknown) => {
    if (!closing.aborted) log.error({ err: error }, 'No runs can be started');
  });

  const app = apiApp(
    partsOf({
      ...{ client, ...storage, namespaceReady, log, closing },
      jobs: jobs as readonly unknown[] as readonly Job[],
      uiUrl: config.temporal.uiUrl,
      apiKeys: config.apiKeys,
    }),
  );
  const server = serverOf(app);
  await listen(server, config.port, config.host);
  log.info({ url: config.publicUrl ?? `http://${config.host}:${config.port}` }, 'API is listening');

  await aborted(closing);
  log.info({}, 'API is stopping');
  await close(server, graceMs);
  await connection.close();
  await storage.close();
}

/** SIGTERM, Ctrl-C, or the end of the parent that started us. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(event, () => stop.abort());
  return stop.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
