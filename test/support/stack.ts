/**
 * API and worker processes, as many as a test wants, against the suite's Temporal server: with a namespace, a DATA_DIR
 * and a mailbox of their own. `await using stack = await startStack()`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFailed } from 'vitest';
import {
  Longhaul,
  type InputOf,
  type JobType,
  type Outcome,
  type ResultOf,
  type Run,
  type StartOptions,
} from '../../client/index.js';
import { freePort } from '../../bin/ports.js';
import { openMailbox, type Mailbox, type MailboxOptions } from './mailbox.js';
import { TestProcess, type Ended } from './process.js';
import { until } from './until.js';

export interface TestStackOptions {
  readonly workers?: number;
  readonly apis?: number;
  /** How the mailbox behaves; `stack.mailbox.behaviour` changes it later. */
  readonly mail?: MailboxOptions;
  /** Another SMTP server than the mailbox. */
  readonly smtp?: string;
  /** For every process. */
  readonly env?: Record<string, string>;
  /** Kept at the end if given. */
  readonly dataDir?: string;
  readonly namespace?: string;
}

export interface RunHandle<Type extends JobType> {
  readonly workflowId: string;
  readonly replayed: boolean;
  /** As the API answered the start. */
  readonly run: Run<Type>;
  now(): Promise<Run<Type>>;
  status(): Promise<string>;
  /** Waits for the end, two minutes at most. */
  outcome(): Promise<Outcome<Type>>;
  /** Waits for the end. @throws if it is not `completed` */
  result(): Promise<ResultOf<Type>>;
}

export async function startStack(options: TestStackOptions = {}): Promise<TestStack> {
  const mailbox = await openMailbox({ ...options.mail });
  const stack = new TestStack(options, mailbox);
  printLogsOnFailure(stack);
  try {
    const { workers = 1, apis = 1 } = options;
    await Promise.all([
      ...Array.from({ length: apis }, () => stack.startApi()),
      ...Array.from({ length: workers }, () => stack.startWorker()),
    ]);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
  return stack;
}

export class TestStack {
  readonly dataDir: string;
  readonly namespace: string;
  readonly mailbox: Mailbox;
  readonly env: Record<string, string>;
  readonly #isOwnDataDir: boolean;
  readonly #processes = new Map<string, TestProcess>();
  readonly #urls = new Map<string, string>();
  #logs: string | undefined;
  #named = { api: 0, worker: 0 };

  constructor({ dataDir, namespace, smtp, env }: TestStackOptions, mailbox: Mailbox) {
    const temporal = inject('temporal');
    this.#isOwnDataDir = dataDir === undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'longhaul-test-'));
    this.namespace = namespace ?? `test-${randomBytes(6).toString('hex')}`;
    this.mailbox = mailbox;
    this.env = {
      DATA_DIR: this.dataDir,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_UI_URL: temporal.uiUrl,
      TEMPORAL_NAMESPACE: this.namespace,
      SMTP_URL: smtp ?? mailbox.url,
      ...env,
    };
  }

  /** Of the first API process. */
  get url(): string {
    return this.urlOf('api-1');
  }

  urlOf(api: string): string {
    const url = this.#urls.get(api);
    if (url === undefined) throw new Error(`There is no API process "${api}" in this stack`);
    return url;
  }

  get client(): Longhaul {
    return this.clientOf('api-1');
  }

  clientOf(api: string): Longhaul {
    return new Longhaul({ url: this.urlOf(api), apiKey: this.env['API_KEYS']?.split(',')[0] });
  }

  async start<Type extends JobType>(
    type: Type,
    input: InputOf<Type>,
    options?: StartOptions,
  ): Promise<RunHandle<Type>> {
    const { run, replayed } = await this.client.start(type, input, options);
    return this.follow(run, replayed);
  }

  follow<Type extends JobType>(run: Run<Type>, replayed = false): RunHandle<Type> {
    const { workflowId } = run;
    const outcome = () => this.client.result<Type>(workflowId, { waitSeconds: 120 });
    return {
      workflowId,
      replayed,
      run,
      now: () => this.client.run<Type>(workflowId),
      status: async () => (await this.client.run(workflowId)).status,
      outcome,
      async result() {
        const { status, result, error } = await outcome();
        if (status !== 'completed') throw new Error(`${workflowId} is ${status}: ${JSON.stringify(error)}`);
        return result!;
      },
    };
  }

  /** Resolves once it answers. @returns its name: `api-1`, `api-2`, … */
  async startApi(env: Record<string, string> = {}): Promise<string> {
    const name = `api-${++this.#named.api}`;
    const port = await freePort('127.0.0.1');
    this.#urls.set(name, `http://127.0.0.1:${port}`);
    await this.#started(name, 'api/main.js', { PORT: String(port), ...env }, `http://127.0.0.1:${port}/readyz`);
    return name;
  }

  /** Resolves once it polls its task queues. @returns its name: `worker-1`, `worker-2`, … */
  async startWorker(env: Record<string, string> = {}): Promise<string> {
    const name = `worker-${++this.#named.worker}`;
    const port = await freePort('127.0.0.1');
    await this.#started(
      name,
      'workers/main.js',
      { WORKER_HEALTH_PORT: String(port), ...env },
      `http://127.0.0.1:${port}/`,
    );
    return name;
  }

  process(name: string): TestProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`There is no process "${name}" in this stack`);
    return found;
  }

  /** SIGKILL. */
  kill(name: string): Promise<Ended> {
    return this.process(name).kill();
  }

  /** SIGTERM, and how it ended. */
  stop(name: string): Promise<Ended> {
    return this.process(name).stop();
  }

  log(name: string): string {
    return this.process(name).log;
  }

  /** The end of each process's log. */
  logs(): string {
    return (
      this.#logs ?? [...this.#processes.values()].map(({ name, log }) => `--- ${name}\n${log.slice(-4_000)}`).join('\n')
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#logs = this.logs();
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
    await this.mailbox.close();
    if (this.#isOwnDataDir) rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #started(name: string, script: string, env: Record<string, string>, health: string): Promise<void> {
    const child = new TestProcess(name, script, { ...this.env, ...env }, join(this.dataDir, `${name}.log`));
    this.#processes.set(name, child);
    const isUp = async () => child.hasEnded || (await fetch(health)).ok;
    const fault = await until(`${name} is ready`, isUp).catch((error: Error) => error);
    if (child.hasEnded) throw new Error(`${name} has ended before it was ready:\n${child.log.slice(-2_000)}`);
    if (fault instanceof Error) throw new Error(`${fault.message}\n${child.log.slice(-2_000)}`);
  }
}

function printLogsOnFailure(stack: TestStack): void {
  try {
    onTestFailed(() => void process.stderr.write(`${stack.logs()}\n`));
  } catch {
    // outside a test, as in beforeAll: nothing tells of a failure there
  }
}
