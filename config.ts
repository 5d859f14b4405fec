/** The environment, read and checked once. Every setting is listed in README.md, "Settings". */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import addressparser from 'nodemailer/lib/addressparser';
import { z } from 'zod';
import { toMs } from './jobs/durations.js';
import { taskQueues } from './jobs/define-job.js';

export class ConfigError extends Error {
  constructor(faults: string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
  }
}

const wholeNumber = (from: number, to: number, what = 'a whole number') =>
  z
    .string()
    .transform(Number)
    .refine(
      (number) => Number.isInteger(number) && number >= from && number <= to,
      `must be ${what} from ${from} to ${to}`,
    );
const port = () => wholeNumber(1, 65_535, 'a port');
const flag = () =>
  z
    .enum(['0', '1', 'false', 'true'], { error: 'must be 0 or 1' })
    .default('0')
    .transform((text) => text === '1' || text === 'true');
const oneLine = () => z.string().refine((text) => !/[\r\n\0]/.test(text), 'must be one line');

/** `smtp://user:pass@host:port?connections=10`. Nothing of a wrong one is shown: any part may be a password's. */
const smtpUrl = oneLine().transform((text, ctx) => {
  try {
    const url = new URL(text);
    const connections = Number(url.searchParams.get('connections') ?? 10);
    const secure = url.protocol === 'smtps:';
    if (!secure && url.protocol !== 'smtp:') throw new Error('protocol');
    // A password with a bare / ? or # ends the host too early, and its rest is here.
    if (!/^\/?$/.test(url.pathname) || url.hash !== '' || url.search.includes('@')) throw new Error('rest');
    const unknown = [...url.searchParams.keys()].filter((name) => name !== 'connections');
    if (unknown.length > 0) {
      ctx.addIssue(
        `must have no query parameter but connections, got ${unknown.map((name) => `"${name}"`).join(', ')}`,
      );
      return z.NEVER;
    }
    if (url.hostname === '' || !Number.isInteger(connections) || connections < 1 || connections > 1_000)
      throw new Error('parts');
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || (secure ? 465 : 587)),
      secure,
      connections,
      ...(url.username !== '' && {
        auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
      }),
    };
  } catch {
    ctx.addIssue(
      'must be smtp://host:port or smtps://user:password@host:port, with ?connections=1 to 1000 if wanted. In the user and the password write / as %2F, @ as %40, : as %3A, and ? # % as %3F %23 %25. Leave it unset for the local catcher.',
    );
    return z.NEVER;
  }
});

/** A path. Instead of a path, someone may give what belongs in the file: never shown. */
const pemFile = () =>
  z.string().superRefine((path, ctx) => {
    try {
      readFileSync(path);
    } catch (error) {
      const shown = path.includes('-----BEGIN') ? 'PEM text' : JSON.stringify(path);
      ctx.addIssue(
        `must be the path of a PEM file that can be read, got ${shown} (${(error as NodeJS.ErrnoException).code})`,
      );
    }
  });

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

const environment = z.object({
  PORT: port().default(3000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  DATA_DIR: z.string().default('.data'),
  RETENTION: z
    .string()
    .default('30d')
    .transform((text, ctx) => {
      try {
        const ms = toMs(text);
        if (ms >= toMs('1s') && ms <= toMs('3650d')) return ms;
      } catch {
        // worded below
      }
      ctx.addIssue(
        `must be a duration from 1s to 3650d, like 30d or 48h (Temporal itself takes no less than 1h), got "${text}"`,
      );
      return z.NEVER;
    }),
  LOG_LEVEL: z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }).default('info'),
  API_KEYS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((key) => key.trim())
        .filter((key) => key !== ''),
    )
    .refine((keys) => keys.every((key) => key.length >= 16), 'must be a comma list of keys of 16 characters or more'),
  TEMPORAL_ADDRESS: z
    .string()
    .refine(
      (text) => port().safeParse(/^\S+:(\d+)$/.exec(text)?.[1]).success,
      'must be host:port, with a port from 1 to 65535',
    )
    .optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_TLS_CERT: pemFile().optional(),
  TEMPORAL_TLS_KEY: pemFile().optional(),
  TEMPORAL_TLS_CA: pemFile().optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  TEMPORAL_CLI_PATH: z.string().optional(),
  TEMPORAL_PORT: port().default(7233),
  TEMPORAL_UI_PORT: port().default(8233),
  TEMPORAL_UI_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  WORKER_QUEUES: z
    .string()
    .default(taskQueues.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(taskQueues, { error: `must be a comma list of ${taskQueues.join(', ')}` })).min(1)),
  // Below 4, one run's two slices could take more than half of the slots.
  WORKER_CONCURRENCY: wholeNumber(4, 1_000).default(20),
  // Of 1 the SDK would make 2.
  WORKER_CACHED_WORKFLOWS: z
    .string()
    .transform(Number)
    .refine(
      (number) => Number.isInteger(number) && number >= 0 && number !== 1 && number <= 100_000,
      'must be 0 for none, or a whole number from 2 to 100000',
    )
    .optional(),
  WORKER_HEALTH_PORT: port().optional(),
  SMTP_URL: smtpUrl.optional(),
  MAIL_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'must be a domain, like example.com')
    .default('localhost'),
  MAIL_FROM: oneLine().refine(isOneAddress, 'must be one address, me@example.com or Name <me@example.com>').optional(),
  MAIL_RATE: z
    .string()
    .transform(Number)
    .refine((rate) => rate > 0 && rate <= 100_000, 'must be mails per second: more than 0, at most 100000')
    .optional(),
  MAIL_UI_PORT: port().default(8025),
  DATABASE_URL: z
    .undefined({ error: 'is not supported yet: leave it unset; the ledger is a SQLite file in DATA_DIR' })
    .optional(),
  BLOB_URL: z.undefined({ error: 'is not supported yet: leave it unset; files are kept in DATA_DIR' }).optional(),
  SHARED_DATA_DIR: flag(),
});

export type Config = ReturnType<typeof readConfig>;
export const settingNames = Object.keys(environment.shape);

/**
 * @param env empty values count as unset
 * @throws ConfigError that names every wrong setting and what it should be
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => settingNames.includes(name) && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => worded(String(path[0]), message, given[String(path[0])])),
    );

  const e = parsed.data;
  const faults: string[] = [];
  const publicHost = !isLoopback(e.HOST);
  if (publicHost && e.API_KEYS.length === 0) {
    faults.push(
      `HOST is "${e.HOST}", which others can reach, but API_KEYS is unset. Set API_KEYS, or leave HOST at 127.0.0.1.`,
    );
  }
  if (e.TEMPORAL_ADDRESS !== undefined && !isLoopback(e.TEMPORAL_ADDRESS.replace(/:\d+$/, '')) && !e.SHARED_DATA_DIR) {
    faults.push(
      `TEMPORAL_ADDRESS is "${e.TEMPORAL_ADDRESS}", which other hosts share, but the ledger and the files are in DATA_DIR on this one. Set SHARED_DATA_DIR=1 if every process sees the same DATA_DIR.`,
    );
  }
  if ((e.TEMPORAL_TLS_CERT === undefined) !== (e.TEMPORAL_TLS_KEY === undefined)) {
    faults.push('TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY go together. Set both to paths of PEM files, or neither.');
  }
  if (faults.length > 0) throw new ConfigError(faults);

  const dataDir = resolve(e.DATA_DIR.replace(/^~(?=\/)/, homedir()));
  return {
    port: e.PORT,
    host: e.HOST,
    publicUrl: e.PUBLIC_URL?.replace(/\/$/, ''),
    dataDir,
    retentionMs: e.RETENTION,
    logLevel: e.LOG_LEVEL,
    apiKeys: e.API_KEYS,
    temporal: {
      address: e.TEMPORAL_ADDRESS ?? `127.0.0.1:${e.TEMPORAL_PORT}`,
      namespace: e.TEMPORAL_NAMESPACE,
      apiKey: e.TEMPORAL_API_KEY,
      tls: {
        cert: e.TEMPORAL_TLS_CERT,
        key: e.TEMPORAL_TLS_KEY,
        ca: e.TEMPORAL_TLS_CA,
        serverName: e.TEMPORAL_TLS_SERVER_NAME,
      },
      uiUrl: (e.TEMPORAL_UI_URL ?? `http://127.0.0.1:${e.TEMPORAL_UI_PORT}`).replace(/\/$/, ''),
    },
    /** The server that `npm start` brings up; undefined if TEMPORAL_ADDRESS names another. */
    localTemporal: e.TEMPORAL_ADDRESS === undefined ? { port: e.TEMPORAL_PORT, uiPort: e.TEMPORAL_UI_PORT } : undefined,
    worker: {
      queues: [...new Set(e.WORKER_QUEUES)],
      unserved: taskQueues.filter((queue) => !e.WORKER_QUEUES.includes(queue)),
      concurrency: e.WORKER_CONCURRENCY,
      /** Undefined: as many as the SDK holds to fit the memory. */
      cachedWorkflows: e.WORKER_CACHED_WORKFLOWS,
      healthPort: e.WORKER_HEALTH_PORT,
    },
    mail: {
      smtp: e.SMTP_URL,
      domain: e.MAIL_DOMAIN,
      from: e.MAIL_FROM ?? `Longhaul <no-reply@${e.MAIL_DOMAIN}>`,
      ratePerSecond: e.MAIL_RATE,
      uiPort: e.MAIL_UI_PORT,
    },
  };
}

/**
 * Makes DATA_DIR if need be. Not by a recursive mkdir: Node's never returns where a folder can't be made in one that is
 * there, as in /proc.
 * @throws ConfigError
 */
export function makeDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir);
    if (!statSync(dataDir).isDirectory()) throw new Error('it is a file');
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new ConfigError([
      `DATA_DIR must be a folder that is there or can be made, and written to, got "${dataDir}" (${(error as Error).message}).`,
    ]);
  }
}

function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 }); // it will hold addresses
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was faster
  }
}

export const isLoopback = (host: string) => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** The parser takes nearly anything, hence the second look. */
function isOneAddress(text: string): boolean {
  const [first, ...others] = addressparser(text);
  const address = first?.address ?? ''; // a group has none
  const isSane = /^[^\s@<>()[\]\\,;:"]+@[\p{L}\p{N}]+([.-]+[\p{L}\p{N}]+)*$/u.test(address) && !address.includes('..');
  const isAllOfIt = text.trim() === address || text.trim().endsWith(`<${address}>`);
  return others.length === 0 && isSane && isAllOfIt;
}

function worded(name: string, message: string, value: string | undefined): string {
  const secret = /KEY|URL/.test(name);
  return `${name} ${message}${secret || value === undefined || message.includes('got') ? '' : `, got ${JSON.stringify(value)}`}.`.replace(
    /\.\.$/,
    '.',
  );
}
