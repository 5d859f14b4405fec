/**
 * The local stack: Temporal, the mail catcher, a worker and the API as four child processes, started together. What is
 * given from elsewhere (TEMPORAL_ADDRESS, SMTP_URL) is not started.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { ConfigError, type Config } from '../config.js';
import { lockDataDir } from './data-dir-lock.js';
import { leashed } from './leash.js';
import { freePort, requireFree, type WantedPort } from './ports.js';
import { keepRunning, type ChildPlan } from './supervise.js';
import { findTemporalCli } from './temporal-cli.js';
import { temporalArgs } from './temporal-args.js';

export interface Stack {
  readonly links: { readonly api: string; readonly temporalUi: string; readonly mail?: string };
  /** Resolves once the API answers for Temporal and the ledger; false if it was stopped before. @throws NotReady */
  ready(): Promise<boolean>;
  /** API, then worker, then Temporal and the catcher: what still runs may use what it needs to its end. */
  stop(): Promise<void>;
  /** Ends all at once, by force. */
  kill(): void;
}

export interface StackOptions {
  readonly config: Config;
  /** What the config was read from; the children get it too. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** What a person should know while the stack comes up. */
  readonly report: (line: string) => void;
}

export class NotReady extends Error {
  constructor(url: string, afterMs: number, last: string) {
    super(`The stack was not ready after ${afterMs / 1000} s: ${url} ${last}. What is logged above says why.`);
    this.name = 'NotReady';
  }
}

const readyWithinMs = 60_000;
const graceMs = { api: 15_000, worker: 35_000, temporal: 10_000, mailCatcher: 2_000 };

/** @throws ConfigError, StackRunning, PortsTaken, NoTemporalCli: before anything is started */
export async function startStack({ config, env, log, report }: StackOptions): Promise<Stack> {
  refuseSecuredLocalTemporal(config);
  const links = linksOf(config);
  const lock = lockDataDir(config.dataDir, { pid: process.pid, api: links.api });
  try {
    // After a kill -9 the processes of the last stack need a moment to see that it is gone.
    await requireFree(portsOf(config), lock.lastOneDied ? 10_000 : 0);
    const { queues, unserved } = config.worker;
    if (unserved.length > 0) {
      report(
        `WORKER_QUEUES is ${queues.join(',')}: runs for ${unserved.join(',')} wait until a worker elsewhere serves them.`,
      );
    }
    const plans = await plansOf(config, env, report);
    const children = plans.map((stage) => stage.map((plan) => keepRunning(plan, log)));
    const stages = children.toReversed();

    let isEnding = false;
    return {
      links,
      ready: () => untilReady(config, () => isEnding),
      async stop() {
        isEnding = true;
        for (const stage of stages) await Promise.all(stage.map((child) => child.stop()));
        lock.release();
      },
      kill() {
        isEnding = true;
        for (const child of children.flat()) child.kill();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The server brought up here takes neither: each child would fail to connect, again and again. */
function refuseSecuredLocalTemporal({ localTemporal, temporal: { apiKey, tls } }: Config): void {
  if (localTemporal === undefined) return;
  const settings = {
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS_CERT: tls.cert,
    TEMPORAL_TLS_KEY: tls.key,
    TEMPORAL_TLS_CA: tls.ca,
    TEMPORAL_TLS_SERVER_NAME: tls.serverName,
  };
  const given = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) return;
  throw new ConfigError([
    `${given.join(', ')} can't be used with the Temporal server that is started here. Set TEMPORAL_ADDRESS too, or unset ${given.length > 1 ? 'them' : 'it'}.`,
  ]);
}

const linksOf = (config: Config): Stack['links'] => ({
  api: config.publicUrl ?? apiHere(config),
  temporalUi: config.temporal.uiUrl,
  ...(config.mail.smtp === undefined && { mail: mailUiHere(config) }),
});

/** Where this machine reaches the API. */
export function apiHere({ host, port }: Config): string {
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${local}:${port}`;
}

const mailUiHere = ({ mail }: Config) => `http://127.0.0.1:${mail.uiPort}`;

function portsOf({ host, port, localTemporal, mail }: Config): WantedPort[] {
  const loopback = '127.0.0.1';
  return [
    { setting: 'PORT', port, host },
    ...(localTemporal === undefined
      ? []
      : [
          { setting: 'TEMPORAL_PORT', port: localTemporal.port, host: loopback },
          { setting: 'TEMPORAL_UI_PORT', port: localTemporal.uiPort, host: loopback },
        ]),
    ...(mail.smtp === undefined ? [{ setting: 'MAIL_UI_PORT', port: mail.uiPort, host: loopback }] : []),
  ];
}

/** In the order in which they depend on each other: what comes later is stopped first. */
async function plansOf(config: Config, env: NodeJS.ProcessEnv, report: (line: string) => void): Promise<ChildPlan[][]> {
  const smtpPort = config.mail.smtp === undefined ? await chooseSmtpPort(config.dataDir) : undefined;
  const childEnv = {
    ...env,
    DATA_DIR: config.dataDir,
    TEMPORAL_ADDRESS: config.temporal.address,
    TEMPORAL_UI_URL: config.temporal.uiUrl,
    ...(smtpPort !== undefined && { SMTP_URL: `smtp://127.0.0.1:${smtpPort}` }),
  };

  const base: ChildPlan[] = [];
  if (config.localTemporal !== undefined) {
    const cli = await findTemporalCli({ env, report });
    const args = temporalArgs(config.localTemporal, config.temporal.namespace, join(config.dataDir, 'temporal.db'));
    base.push({ name: 'temporal', command: leashed([cli, ...args]), env, tie: 'stdin', graceMs: graceMs.temporal });
  }
  if (smtpPort !== undefined) {
    const command = nodeCommand('./mail-catcher.js', String(smtpPort));
    base.push({ name: 'mail-catcher', command, env: childEnv, tie: 'ipc', graceMs: graceMs.mailCatcher });
  }
  return [
    base,
    [
      {
        name: 'worker',
        command: nodeCommand('../workers/main.js'),
        env: childEnv,
        tie: 'ipc',
        graceMs: graceMs.worker,
      },
    ],
    [{ name: 'api', command: nodeCommand('../api/main.js'), env: childEnv, tie: 'ipc', graceMs: graceMs.api }],
  ];
}

const nodeCommand = (script: string, ...args: string[]): [string, ...string[]] => [
  process.execPath,
  fileURLToPath(new URL(script, import.meta.url)),
  ...args,
];

/** The catcher's port is kept where `npm run worker` looks for it, and stays the same while it is free. */
async function chooseSmtpPort(dataDir: string): Promise<number> {
  const file = join(dataDir, 'smtp-port');
  const kept = await freePort('127.0.0.1', keptPort(file));
  writeFileSync(file, String(kept));
  return kept;
}

function keptPort(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function untilReady(config: Config, isEnding: () => boolean): Promise<boolean> {
  const needed = [`${apiHere(config)}/readyz`];
  if (config.mail.smtp === undefined) needed.push(`${mailUiHere(config)}/api/messages/count`);
  const startedAt = Date.now();
  for (const url of needed) {
    while (!isEnding()) {
      const answer = await look(url);
      if (answer === 200) break;
      if (Date.now() - startedAt > readyWithinMs) throw new NotReady(url, readyWithinMs, answer);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  return !isEnding();
}

/** Not by `fetch`, which takes 0.1 s of CPU to load while everything else wants to start. */
function look(url: string): Promise<200 | string> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 200 : `answers ${response.statusCode}`);
    });
    request.on('timeout', () => request.destroy(new Error('silent for 5 s')));
    request.on('error', (error) => resolve(`does not answer (${error.message})`));
  });
}
