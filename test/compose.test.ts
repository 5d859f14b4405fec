/**
 * docker-compose.yml and the Dockerfile, as far as they can be held to their word without Docker: the compose schema
 * (dclint carries it), every setting against config.ts, and the files and commands that they name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig, settingNames } from '../config.js';
import { toMs } from '../jobs/durations.js';
import { shutdown } from '../workers/roles.js';

interface Service {
  image: string;
  build?: string;
  command?: string[];
  entrypoint?: string[];
  restart: string;
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  configs?: { source: string; target: string }[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  configs: Record<string, { content: string }>;
}

const root = new URL('../', import.meta.url);
const path = new URL('docker-compose.yml', root).pathname;
const source = readFileSync(path, 'utf8');
const { services, volumes, configs } = parse(source, { merge: true }) as Compose;
/** Of dclint's rules these are of taste, but for the first: one image is built once and run by two services. */
const offRules = [
  'no-build-and-image',
  'service-dependencies-alphabetical-order',
  'service-keys-order',
  'service-ports-alphabetical-order',
  'services-alphabetical-order',
  'top-level-properties-order',
];

// Not by import: its types name files without their endings, which TypeScript can't find.
const require = createRequire(import.meta.url);
const { DCLinter } = require('dclint') as {
  DCLinter: new (config: object) => {
    lintFiles(paths: string[], recursive: boolean): { messages: { line: number; rule: string; message: string }[] }[];
  };
};

const secrets = { API_KEYS: '0123456789abcdef', POSTGRES_PASSWORD: 'a-password' };
const ours = ['api', 'worker'];

describe('docker-compose.yml', () => {
  test('follows the compose schema', () => {
    const rules = Object.fromEntries(offRules.map((rule) => [rule, 0]));
    const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
    const faults = linter.lintFiles([path], false).flatMap(({ messages }) => messages);
    expect(faults.map(({ line, rule, message }) => `${line}: ${rule}: ${message}`)).toEqual([]);
  });

  test.each(ours)('gives the %s only settings that there are, with values that are right', (name) => {
    expect(Object.keys(settingsOf(name)).filter((setting) => !settingNames.includes(setting))).toEqual([]);
    const config = readConfig(settingsOf(name));
    expect(config).toMatchObject({
      dataDir: '/data',
      temporal: { address: 'temporal:7233', namespace: 'default', uiUrl: 'http://127.0.0.1:8233' },
    });
  });

  test('the API is reached from outside its container by key, and links to where the browser is', () => {
    const config = readConfig(settingsOf('api', { PORT: '4000', TEMPORAL_UI_PORT: '9000' }));
    expect(config).toMatchObject({ host: '0.0.0.0', port: 3000, apiKeys: [secrets.API_KEYS] });
    expect(config).toMatchObject({ publicUrl: 'http://127.0.0.1:4000', temporal: { uiUrl: 'http://127.0.0.1:9000' } });
    expect(services['api']!.ports).toEqual(['127.0.0.1:${PORT:-3000}:3000']);
  });

  test('the worker sends to the mail catcher, or to SMTP_URL where it is set', () => {
    expect(readConfig(settingsOf('worker')).mail.smtp).toMatchObject({ host: 'mail', port: 1025 });
    expect(readConfig(settingsOf('worker', { SMTP_URL: 'smtps://u:p@mx.example.com' })).mail.smtp).toMatchObject({
      host: 'mx.example.com',
    });
    expect(services['worker']!.healthcheck!.test.join(' ')).toContain(
      `127.0.0.1:${settingsOf('worker')['WORKER_HEALTH_PORT']}`,
    );
  });

  test('what is set in .env is handed on', () => {
    for (const name of [
      'RETENTION',
      'LOG_LEVEL',
      'WORKER_QUEUES',
      'WORKER_CONCURRENCY',
      'WORKER_CACHED_WORKFLOWS',
      'MAIL_DOMAIN',
      'MAIL_FROM',
      'MAIL_RATE',
    ]) {
      expect(settingsOf('worker', { [name]: 'asked' })[name], name).toBe('asked');
    }
  });

  test('does not start without API keys and a database password', () => {
    expect(() => environmentOf('api', { POSTGRES_PASSWORD: 'x' })).toThrow(/set API_KEYS in \.env/);
    for (const name of ['temporal', 'temporal-schema', 'postgres']) {
      expect(() => environmentOf(name, { API_KEYS: secrets.API_KEYS })).toThrow(/set POSTGRES_PASSWORD in \.env/);
    }
  });

  test('holds no secret', () => {
    const named = Object.values(services).flatMap(({ environment }) => Object.entries(environment));
    for (const [name, value] of named) if (/KEY|PASS|PWD|SECRET|TOKEN/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/);
  });

  test('publishes every port on this host alone', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(3);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+$/);
  });

  test('every image has a version, every service comes back after a crash and says whether it works', () => {
    for (const [name, service] of Object.entries(services)) {
      if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d+\.\d+/);
      const endsByItself = name === 'temporal-schema';
      expect(service.restart, name).toBe(endsByItself ? 'on-failure:5' : 'unless-stopped');
      if (!endsByItself) expect(service.healthcheck?.test[0], name).toBe('CMD');
    }
  });

  test('what a service waits for can be waited for', () => {
    for (const [name, { depends_on = {} }] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_healthy') expect(services[other]?.healthcheck, `${name} → ${other}`).toBeDefined();
        else expect([other, condition]).toEqual(['temporal-schema', 'service_completed_successfully']);
      }
    }
    expect(Object.keys(services['temporal']!.depends_on!)).toEqual(['temporal-schema']);
    for (const name of ours) expect(Object.keys(services[name]!.depends_on!), name).toEqual(['temporal']);
  });

  test('API and worker share one data volume', () => {
    for (const name of ours) expect(services[name]!.volumes, name).toEqual(['data:/data']);
    for (const { volumes: used = [] } of Object.values(services)) {
      for (const volume of used) expect(volumes).toHaveProperty(volume.split(':')[0]!);
    }
  });

  test('a stop leaves the worker the time that it takes', () => {
    expect(toMs(services['worker']!.stop_grace_period!)).toBeGreaterThan(toMs(shutdown.shutdownForceTime) + 10_000);
  });

  test("Temporal gets the settings that the project's figures rest on", () => {
    const { configs: mounted, environment } = services['temporal']!;
    expect(environment['DYNAMIC_CONFIG_FILE_PATH']).toBe(mounted![0]!.target);
    expect(parse(configs[mounted![0]!.source]!.content)).toEqual({
      'history.transferProcessorMaxPollRPS': [{ value: 1000 }],
      'history.timerProcessorMaxPollRPS': [{ value: 1000 }],
      'history.timerProcessorMaxTimeShift': [{ value: '10ms' }],
      'frontend.namespaceRPS.visibility': [{ value: 100 }],
    });
  });
});

describe('the Dockerfile', () => {
  const instructions = instructionsOf(readFileSync(new URL('Dockerfile', root), 'utf8'));
  const stages = instructions.filter(({ name }) => name === 'FROM');
  const last = instructions.slice(instructions.lastIndexOf(stages.at(-1)!));
  const value = (name: string) => last.filter((instruction) => instruction.name === name).map(({ rest }) => rest);

  test('builds in one stage, on a current LTS, and keeps only what runs', () => {
    expect(stages).toHaveLength(2);
    expect(instructions[0]).toEqual({ name: 'ARG', rest: expect.stringMatching(/^NODE=node:24-\w+-slim$/) as string });
    expect(value('COPY').every((rest) => rest.startsWith('--from=build /app/'))).toBe(true);
    const run = instructions.filter(({ name }) => name === 'RUN').map(({ rest }) => rest);
    expect(run).toContain('npm ci --ignore-scripts');
    expect(run).toContain('npm run build && npm prune --omit=dev --ignore-scripts');
  });

  test('runs as nobody in particular', () => {
    expect(value('USER')).toEqual(['node']);
  });

  test('starts Node itself, with what the build makes', () => {
    const commands = [JSON.parse(value('CMD')[0]!) as string[], services['worker']!.command!];
    for (const [program, file] of commands) {
      expect(program).toBe('node');
      const built = /^dist\/(.+)\.js$/.exec(file!)?.[1];
      expect(existsSync(new URL(`${built}.ts`, root)), file).toBe(true);
    }
    expect(value('HEALTHCHECK')[0]).toContain('/healthz');
  });

  test('is given every folder that the build reads', () => {
    const kept = readFileSync(new URL('.dockerignore', root), 'utf8').match(/(?<=^!).+/gm)!;
    const { exclude } = parse(readFileSync(new URL('tsconfig.build.json', root), 'utf8')) as { exclude: string[] };
    const read = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory()
        ? holdsCode(entry.name)
          ? [entry.name]
          : []
        : entry.name.endsWith('.ts')
          ? [entry.name]
          : [],
    );
    expect(kept).toEqual(expect.arrayContaining(read.filter((name) => !exclude.includes(name))));
    expect(kept).toEqual(
      expect.arrayContaining(['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']),
    );
    expect(kept.filter((name) => name.startsWith('.') || exclude.includes(name))).toEqual([]);
  });
});

/** What a service sees of its environment, with these variables in .env. */
function environmentOf(name: string, dotEnv: Record<string, string>): Record<string, string> {
  const entries = Object.entries(services[name]!.environment);
  return Object.fromEntries(entries.map(([key, value]) => [key, interpolated(value, dotEnv)]));
}

const settingsOf = (name: string, dotEnv: Record<string, string> = {}) =>
  environmentOf(name, { ...secrets, ...dotEnv });

/** `${NAME:-default}`, also one within the other, and `${NAME:?message}`, as Compose reads them. */
function interpolated(text: string, dotEnv: Record<string, string>): string {
  const innermost = /\$\{(\w+):([-?])([^${}]*)\}/;
  const found = innermost.exec(text);
  if (found === null) return text;
  const [whole, name, sign, rest] = found;
  const value = dotEnv[name!] ?? '';
  if (value === '' && sign === '?') throw new Error(`${name}: ${rest}`);
  return interpolated(
    text.replace(whole, () => value || rest!),
    dotEnv,
  );
}

function holdsCode(folder: string): boolean {
  if (folder.startsWith('.') || folder === 'node_modules' || folder === 'dist') return false;
  return readdirSync(new URL(`${folder}/`, root), { recursive: true }).some((name) => String(name).endsWith('.ts'));
}

/** The instructions of a Dockerfile, continued lines joined. */
function instructionsOf(dockerfile: string): { name: string; rest: string }[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`no instruction of a Dockerfile: ${line}`);
      return { name, rest: rest! };
    });
}
