/** `npm start` as a whole. Signals and ends are those of real processes. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listening, processesOf } from '../support/leftovers.js';
import { repository } from '../support/process.js';
import { until } from '../support/until.js';
import { freePorts, spawnWholeStack, startWholeStack, type WholeStack } from '../support/whole-stack.js';

test('it prints ready with the URLs, and nothing else on stdout', async () => {
  await using stack = await startWholeStack();
  const { PORT, TEMPORAL_UI_PORT, MAIL_UI_PORT } = stack.env;
  expect((await fetch(`${stack.url}/readyz`)).status).toBe(200);
  expect(stack.stdout.split('\n')).toEqual([
    'ready',
    `  API          http://127.0.0.1:${PORT}`,
    `  Temporal UI  http://127.0.0.1:${TEMPORAL_UI_PORT}`,
    `  Mails        http://127.0.0.1:${MAIL_UI_PORT}`,
    '',
  ]);
});

test('logs are JSON lines on stderr, from start to end', async () => {
  const stack = await startWholeStack({ env: { LOG_LEVEL: 'info' } });
  await stack.interrupt();
  await stack[Symbol.asyncDispose]();
  const lines = stack.stderr.trim().split('\n');
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
});

describe('it leaves nothing behind', () => {
  test.each([
    ['node', {}],
    ['npm start', { command: ['npm', 'start'] as const }],
  ])('after Ctrl-C in %s: exit 0, no process, nothing on the ports', async (_, command) => {
    await using stack = await startWholeStack(command);
    expect(await stack.interrupt()).toEqual({ code: 0, signal: null });
    expect(await listening(stack.ports)).toEqual([]);
    expect(processesOf(stack.dataDir)).toEqual([]);
  });

  test('after SIGTERM twice within a second, as npm sends it', async () => {
    await using stack = await startWholeStack();
    process.kill(stack.pid, 'SIGTERM');
    process.kill(stack.pid, 'SIGTERM');
    expect(await stack.ended()).toEqual({ code: 0, signal: null });
    expect(processesOf(stack.dataDir)).toEqual([]);
  });

  test('after a kill -9 of the parent', async () => {
    await using stack = await startWholeStack();
    expect(processesOf(stack.dataDir).length).toBeGreaterThan(3);
    await stack.kill();
    await until('nothing is on the ports', async () => (await listening(stack.ports)).length === 0, {
      withinMs: 10_000,
    });
    await until('no process is left', () => processesOf(stack.dataDir).length === 0, { withinMs: 15_000 });
  });

  test('after a kill -9 of npm, which can hand nothing on', async () => {
    await using stack = await startWholeStack({ command: ['npm', 'start'] });
    await stack.kill();
    await until('no process is left', () => processesOf(stack.dataDir).length === 0, { withinMs: 20_000 });
    expect(await listening(stack.ports)).toEqual([]);
  });

  test('a second Ctrl-C after a second ends at once, though a worker is still busy', async () => {
    await using stack = await startWholeStack();
    process.kill(processesOf(stack.dataDir).find(({ command }) => command.includes('workers/main'))!.pid, 'SIGSTOP');
    process.kill(stack.pid, 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // a signal sooner than that counts as npm's double
    const secondAt = Date.now();
    process.kill(stack.pid, 'SIGINT');
    expect((await stack.ended()).code).toBe(1);
    expect(Date.now() - secondAt).toBeLessThan(3_000);
    await until('no process is left', () => processesOf(stack.dataDir).length === 0, { withinMs: 5_000 });
  });
});

describe('what can not work is refused before anything starts', () => {
  test('a taken port is named, with its setting', async () => {
    const ports = await freePorts();
    const other = createServer().listen(Number(ports['TEMPORAL_UI_PORT']), '127.0.0.1');
    await once(other, 'listening');
    const { code, stderr } = await endOf({ ...ports });
    other.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Port ${ports['TEMPORAL_UI_PORT']} (TEMPORAL_UI_PORT) is taken. Stop what listens there, or set TEMPORAL_UI_PORT to a free port.\n`,
    );
  });

  test('one port for two', async () => {
    const ports = await freePorts();
    const { code, stderr } = await endOf({ ...ports, MAIL_UI_PORT: ports['PORT']! });
    expect(code).toBe(1);
    expect(stderr).toContain(`PORT and MAIL_UI_PORT are both ${ports['PORT']}. Give each its own port.`);
  });

  test('a second stack on the same DATA_DIR', async () => {
    await using stack = await startWholeStack();
    const { code, stderr } = await endOf({ ...(await freePorts()), DATA_DIR: stack.dataDir });
    expect(code).toBe(1);
    expect(stderr).toContain(`A stack is already running on ${stack.dataDir} (process ${stack.pid}, ${stack.url}).`);
    expect((await fetch(`${stack.url}/readyz`)).status).toBe(200);
  });

  test('a wrong setting', async () => {
    const { code, stderr } = await endOf({ PORT: 'http' });
    expect(code).toBe(1);
    expect(stderr).toContain('PORT must be a port');
  });

  test('a host that is not of this machine is named as HOST', async () => {
    const { code, stderr } = await endOf({ HOST: 'nowhere.invalid', API_KEYS: '0123456789abcdef' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^HOST must be an address of this machine, got "nowhere\.invalid" \(.+\)\.\n$/);
  });

  test.each([{ TEMPORAL_API_KEY: 'secret' }, { TEMPORAL_TLS_CA: '/etc/hostname' }])(
    'a secured Temporal without its address: %o',
    async (env) => {
      const { code, stderr } = await endOf(env);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `${Object.keys(env)[0]} can't be used with the Temporal server that is started here. Set TEMPORAL_ADDRESS too, or unset it.\n`,
      );
    },
  );

  test.each(['start', 'api', 'worker'])('a DATA_DIR that can not be, by npm run %s', async (script) => {
    for (const path of ['/etc/hostname', '/proc/nope']) {
      await using stack = await spawnWholeStack({ dataDir: path, command: ['npm', 'run', '--silent', script] });
      expect((await stack.ended()).code).toBe(1);
      expect(stack.stderr).toMatch(new RegExp(`^DATA_DIR must be a folder .*, got "${path}" \\(.+\\)\\.\n$`));
    }
  });

  test.each([
    ['start', '--x', 2],
    ['start', '--help', 0],
    ['demo', '--nonsense', 2],
    ['demo', '--help', 0],
  ])('npm run %s -- %s shows the usage', async (script, argument, expected) => {
    await using stack = await spawnWholeStack({ command: ['npm', 'run', '--silent', script, '--', argument] });
    expect((await stack.ended()).code).toBe(expected);
    expect(stack.stdout).toBe('');
    expect(stack.stderr).toContain('Usage: npm ');
    if (expected !== 0) expect(stack.stderr).toContain(argument);
  });

  test('no Temporal CLI to be had', async () => {
    const { code, stderr } = await endOf({ ...(await freePorts()), TEMPORAL_CLI_PATH: '/nowhere/temporal' });
    expect(code).toBe(1);
    expect(stderr).toContain('TEMPORAL_CLI_PATH: /nowhere/temporal is no file that may be run');
    expect(stderr).toContain('Set TEMPORAL_CLI_PATH, or put temporal ≥ 1.9 on the PATH');
  });
});

test('stopped before it is ready, it does not say ready', async () => {
  await using stack = await spawnWholeStack({ env: { LOG_LEVEL: 'info' } });
  await until('something has started', () => stack.stderr.includes('"process":"mail-catcher"'));
  expect(await stack.interrupt()).toEqual({ code: 0, signal: null });
  expect(stack.stdout).toBe('');
});

test('what a worker does not serve is said', async () => {
  await using stack = await startWholeStack({ env: { WORKER_QUEUES: 'email', LOG_LEVEL: 'info' } });
  expect(stack.stderr).toContain('WORKER_QUEUES is email: runs for files wait until a worker elsewhere serves them.');
  await until('the worker polls', () => stack.stderr.includes('worker is polling'));
  const lines = stack.stderr.trim().split('\n');
  expect(JSON.parse(lines.find((line) => line.includes('worker is polling'))!)).toMatchObject({
    taskQueues: ['email'],
    address: `127.0.0.1:${stack.env['TEMPORAL_PORT']}`,
    namespace: 'default',
  });
});

test('two stacks run side by side', async () => {
  await using one = await startWholeStack();
  await using two = await startWholeStack();
  const { run } = await one.client.start('email-campaign', {
    template: 'welcome',
    recipients: [{ email: 'a@one.example' }],
  });
  expect((await one.client.result(run)).status).toBe('completed');
  expect(await countAt(one)).toBe(1);
  expect(await countAt(two)).toBe(0);
});

test.each(['api/main', 'workers/main', 'mail-catcher', 'temporal server'])(
  'a dead %s is started again, and the next job is done',
  async (name) => {
    await using stack = await startWholeStack();
    const find = () =>
      processesOf(stack.dataDir).find(({ command }) => command.includes(name) && !command.startsWith('sh'));
    const { pid } = find()!;
    process.kill(pid, 'SIGKILL');
    await until('another one runs', () => (find()?.pid ?? pid) !== pid);
    await until('the stack is ready again', async () => (await fetch(`${stack.url}/readyz`)).ok);

    const { run } = await stack.client.start('email-campaign', {
      template: 'welcome',
      recipients: [{ email: 'a@after.example' }],
    });
    expect((await stack.client.result(run, { waitSeconds: 60 })).status).toBe('completed');
    expect(await countAt(stack)).toBe(1);
  },
);

test('runs, files and mails survive a kill -9 of every process, at the same links', async () => {
  await using stack = await startWholeStack();
  const { fileId } = await stack.client.upload(readFileSync(join(repository, 'bin/sample.jpg')), {
    mediaType: 'image/jpeg',
  });
  const { run } = await stack.client.start('email-campaign', {
    template: 'welcome',
    recipients: Array.from({ length: 20 }, (_, at) => ({ email: `guest-${at}@kept.example` })),
  });
  const before = await stack.client.result(run);
  const { links } = await stack.client.run(run);

  await stack.killAll();
  await stack.start();

  expect(await stack.client.result(run)).toEqual(before);
  expect((await stack.client.run(run)).links).toEqual(links);
  expect((await stack.client.file(fileId)).status).toBe(200);
  expect(await countAt(stack)).toBe(20);
});

test('right after a kill -9 of the parent it can be started again: the ports are waited for', async () => {
  await using stack = await startWholeStack();
  await stack.kill();
  await stack.start();
  expect((await fetch(`${stack.url}/readyz`)).status).toBe(200);
});

const countAt = async (stack: WholeStack) =>
  ((await (await fetch(`${stack.mailUrl}/api/messages/count`)).json()) as { count: number }).count;

/** Of a start that is refused. */
async function endOf({
  DATA_DIR: dataDir,
  ...env
}: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  await using stack = await spawnWholeStack({ env, ...(dataDir !== undefined && { dataDir }) });
  const { code } = await stack.ended();
  expect(stack.stdout).toBe('');
  return { code, stderr: stack.stderr };
}
