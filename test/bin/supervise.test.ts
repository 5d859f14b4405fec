import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leashed } from '../../bin/leash.js';
import { keepRunning, type Child, type ChildPlan } from '../../bin/supervise.js';
import { until } from '../support/until.js';

const quiet = pino({ level: 'silent' });
let folder: string;
let children: Child[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhaul-supervise-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.stop()));
  rmSync(folder, { recursive: true, force: true });
});

test('a child that dies is started again, half a second later at the earliest', async () => {
  const child = keep(standIn('setInterval(() => {}, 1000)'));
  const first = child.pid!;
  const diedAt = Date.now();
  process.kill(first, 'SIGKILL');

  await until('it runs again', () => child.pid !== undefined && child.pid !== first);
  expect(Date.now() - diedAt).toBeGreaterThanOrEqual(490);
  expect(isAlive(child.pid!)).toBe(true);
});

test('a child that keeps dying is started again at growing intervals', async () => {
  const log = join(folder, 'starts');
  keep(standIn(`require('node:fs').appendFileSync(${JSON.stringify(log)}, Date.now() + '\\n'); process.exit(3)`));
  const starts = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map(Number) : []);
  await until('it was started four times', () => starts().length >= 4);
  const gaps = starts().map((at, nth) => at - (starts()[nth - 1] ?? at));
  expect(gaps[1]).toBeGreaterThanOrEqual(490);
  expect(gaps[2]).toBeGreaterThanOrEqual(990);
  expect(gaps[3]).toBeGreaterThanOrEqual(1_990);
});

test('what a dead child has started dies with it', async () => {
  const pidFile = join(folder, 'grandchild');
  const child = keep(
    standIn(
      `const { pid } = require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' });
       require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(pid)); setInterval(() => {}, 1000)`,
    ),
  );
  await until('the grandchild runs', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
  process.kill(child.pid!, 'SIGKILL');
  await until('the grandchild is gone', () => !isAlive(Number(readFileSync(pidFile, 'utf8'))));
});

test('a stopped child ends politely and is not started again', async () => {
  const file = join(folder, 'polite');
  const child = keep(
    standIn(
      `process.on('SIGTERM', () => { require('node:fs').writeFileSync(${JSON.stringify(file)}, 'bye'); process.exit(0) });
       require('node:fs').writeFileSync(${JSON.stringify(file)}, 'up'); setInterval(() => {}, 1000)`,
    ),
  );
  await until('it listens for the signal', () => existsSync(file) && readFileSync(file, 'utf8') === 'up');
  await child.stop();
  expect(readFileSync(file, 'utf8')).toBe('bye');
  expect(child.pid).toBeUndefined();
});

test('a child that will not stop is killed once its grace is over', async () => {
  const file = join(folder, 'up');
  const child = keep({
    ...standIn(
      `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync(${JSON.stringify(file)}, ''); setInterval(() => {}, 1000)`,
    ),
    graceMs: 300,
  });
  await until('it ignores the signal', () => existsSync(file));
  const pid = child.pid!;
  await child.stop();
  expect(isAlive(pid)).toBe(false);
});

test('a command that does not exist is no crash: it is tried again', async () => {
  const child = keep({ ...standIn(''), command: [join(folder, 'nothing')] });
  await child.stop();
  expect(child.pid).toBeUndefined();
});

test('what is on a leash dies when the process that holds it is killed', async () => {
  const pidFile = join(folder, 'leashed');
  const [command, ...args] = leashed(['sh', '-c', `echo $$ > ${pidFile}; exec sleep 60`]);
  const holder = `const c = require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)},
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] }); setInterval(() => c, 1000)`;
  const parent = spawn(process.execPath, ['-e', holder], { stdio: 'ignore' });
  await until('it runs', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(isAlive(pid)).toBe(true);

  parent.kill('SIGKILL');
  await until('it is gone', () => !isAlive(pid), { withinMs: 3_000 });
});

test('a leash hands SIGTERM on, waits, and passes on the exit code', async () => {
  const file = join(folder, 'trap.sh');
  writeFileSync(file, `trap 'sleep 0.2; exit 7' TERM\necho up\nwhile :; do sleep 0.05; done\n`);
  const [command, ...args] = leashed(['sh', file]);
  const leash = spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(leash.stdout, 'data');
  leash.kill('SIGTERM');
  expect(await once(leash, 'exit')).toEqual([7, null]);
  process.kill(-leash.pid!, 'SIGKILL'); // the rest of the leash, as the supervisor does
});

const standIn = (code: string): ChildPlan => ({
  name: 'stand-in',
  command: [process.execPath, '-e', code],
  env: process.env,
  tie: 'ipc',
  graceMs: 5_000,
});

function keep(plan: ChildPlan): Child {
  const child = keepRunning(plan, quiet);
  children.push(child);
  return child;
}

/** A zombie is dead: nobody here reaps orphans. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  return !/\) Z /.test(stat);
}
