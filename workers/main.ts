/** A worker process: `npm run worker`. Runs the workflows and activities of the task queues in WORKER_QUEUES. */
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker, type NativeConnection } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { ConfigError, makeDataDir, readConfig, type Config } from '../config.js';
import type { TaskQueue } from '../jobs/define-job.js';
import { jobs } from '../jobs/index.js';
import type { Ledger } from '../storage/ledger.js';
import { prepareNamespace } from '../temporal/namespace.js';
import { nativeConnection } from '../temporal/native-connection.js';
import { failStepsOfDeadProcesses } from './dead-holders.js';
import { serveHealth } from './health.js';
import { jitteredRetry } from './jittered-retry.js';
import { refuseExpired, refusePaused } from './refused-steps.js';
import { roles, shutdown } from './roles.js';
import { runHeader } from './run-header.js';
import { deadLetterSweep } from './sweep-dead-letters.js';
import { retentionSweep } from './sweep-retention.js';
import { openTools } from './tools.js';
import { wakeResumed } from './wake-resumed.js';

const jobTypes = jobs.map(({ type }) => type);
const lookForTheDeadMs = 2_000;
const wakeMs = 500;
const sweepMs = 10_000;
const retentionSweepMs = 60_000;

try {
  await main();
  process.exit(0); // pools and timers may still be open; all work has ended
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  makeDataDir(config.dataDir);
  const log = pino({ level: config.logLevel, base: { process: 'worker' } }, pino.destination(2));
  // The SDK's own handlers go after the first signal, and npm sends two: the second would kill us.
  // `forward`: without it the SDK's native half writes lines of its own to the terminal, which are no JSON.
  Runtime.install({
    shutdownSignals: [],
    logger: sdkLogger(log),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  });
  const stopping = stopSignal(log);

  const tools = await openTools(config);
  try {
    const connection = await nativeConnection(config.temporal, { log, signal: stopping });
    await prepareNamespace(connection, config.temporal.namespace, config.retentionMs, log, stopping);
    const client = new Client({ connection, namespace: config.temporal.namespace });
    const activities = tools.activitiesWith(client);
    const turns = [
      everyNowAndThen(lookForTheDeadMs, () => failStepsOfDeadProcesses(tools.ledger, client, log), log),
      everyNowAndThen(wakeMs, () => wakeResumed(tools.ledger, client), log),
      everyNowAndThen(sweepMs, deadLetterSweep(tools.ledger, client, jobTypes), log),
      everyNowAndThen(
        Math.min(retentionSweepMs, config.retentionMs),
        retentionSweep(tools.ledger, client, config.retentionMs),
        log,
      ),
    ];
    const workers = await Promise.all(
      config.worker.queues.map((queue) =>
        createWorker(queue, config, connection, { activities, ledger: tools.ledger }),
      ),
    );
    if (config.worker.healthPort !== undefined) {
      const states = () =>
        Object.fromEntries(config.worker.queues.map((queue, at) => [queue, workers[at]!.getState()]));
      await serveHealth({ port: config.worker.healthPort, host: config.host }, states);
    }

    // Until told to stop, even if that was while the workers were made; resolves once running steps have ended.
    const running = workers.map((worker) => worker.runUntil(aborted(stopping)));
    const { address, namespace } = config.temporal;
    log.info({ taskQueues: config.worker.queues, address, namespace }, 'worker is polling');
    await Promise.all(running);
    for (const turn of turns) clearInterval(turn);
    await connection.close();
  } catch (error) {
    if (!stopping.aborted) throw error; // else: told to stop before Temporal answered
  } finally {
    await tools.close();
  }
  log.info({}, 'worker stopped');
}

function createWorker(
  queue: TaskQueue,
  config: Config,
  connection: NativeConnection,
  { activities, ledger }: { activities: object; ledger: Ledger },
): Promise<Worker> {
  return Worker.create({
    ...roles(config.worker.concurrency)[queue],
    ...shutdown,
    connection,
    namespace: config.temporal.namespace,
    taskQueue: queue,
    identity: `longhaul-worker ${hostname()}:${process.pid} ${queue}`,
    workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
    activities,
    ...(config.worker.cachedWorkflows !== undefined && { maxCachedWorkflows: config.worker.cachedWorkflows }),
    interceptors: { activity: [runHeader, refuseExpired, refusePaused(ledger), jitteredRetry] },
    maxHeartbeatThrottleInterval: '1s', // by default up to 0.8 of a step's heartbeat timeout: so long a cancel would take
    stickyQueueScheduleToStartTimeout: '2s', // by default 10 s: so long a run would wait for a worker that died
  });
}

/** Aborts on SIGTERM, SIGINT, or when the process that started us is gone. A second signal after a second ends at once. */
function stopSignal(log: Logger): AbortSignal {
  const stop = new AbortController();
  let firstAt = 0;
  const onSignal = (signal: string) => {
    if (firstAt === 0) {
      firstAt = Date.now();
      log.info({ signal }, 'stopping: running steps may end');
      stop.abort();
    } else if (Date.now() - firstAt > 1_000) {
      process.exit(1);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('disconnect', () => {
    onSignal('disconnect');
    // A local Temporal is gone as well then: what could not be told to it by now never will be.
    setTimeout(() => process.exit(1), 5_000).unref();
  });
  return stop.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** At once and then regularly; a failure is logged once, for the next turn may do better. */
function everyNowAndThen(ms: number, work: () => Promise<void>, log: Logger): NodeJS.Timeout {
  let running = false;
  const turn = () => {
    if (running) return;
    running = true;
    work()
      .catch((error: unknown) => log.warn({ err: error }, 'housekeeping failed; the next turn may do better'))
      .finally(() => (running = false));
  };
  turn();
  return setInterval(turn, ms);
}

function sdkLogger(log: Logger): DefaultLogger {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  // The SDK is talkative at INFO: what matters to an operator is at WARN and above.
  return new DefaultLogger(log.levelVal <= 20 ? 'DEBUG' : 'WARN', ({ level, message, meta: { error, ...meta } = {} }) =>
    log[levels[level]]({ ...meta, ...(error instanceof Error && { err: error }) }, message),
  );
}
