/**
 * `npm run bench`: prints what Longhaul costs beside a bare loop over the same SMTP pool, in the same run, in turns.
 * Tables go to stdout, how far it is to stderr.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { connections, type Bench, type Measurement } from './bench.js';
import { markdown, type Table } from './figures.js';
import type { FloorQuestions } from './floor.js';
import { startHelper } from './helper.js';
import { campaign } from './measures/campaign.js';
import { delayedJobs } from './measures/delayed-jobs.js';
import { longLists } from './measures/long-lists.js';
import { oneMail } from './measures/one-mail.js';
import { redrive } from './measures/redrive.js';
import { secondStart } from './measures/second-start.js';
import { sseViewers } from './measures/sse-viewers.js';
import { workerKill } from './measures/worker-kill.js';
import type { SinkQuestions } from './sink.js';
import { stopStacks } from './stack.js';

const measurements: Record<string, Measurement> = {
  campaign,
  'one-mail': oneMail,
  'second-start': secondStart,
  'worker-kill': workerKill,
  'long-lists': longLists,
  'sse-viewers': sseViewers,
  'delayed-jobs': delayedJobs,
  redrive,
};

const usage = `Usage: npm run bench -- [--only ${Object.keys(measurements).join(',')}] [--runs 5] [--json]`;

const wanted = readArgs(process.argv.slice(2));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void endAll(signal));

const sink = startHelper<SinkQuestions>('./sink.js');
const floor = startHelper<FloorQuestions>('./floor.js');
try {
  const port = await sink.ask('listen');
  await floor.ask('connect', { port, connections });
  const bench: Bench = {
    runs: wanted.runs,
    sink,
    floor,
    smtpUrl: `smtp://127.0.0.1:${port}?connections=${connections}`,
    report: (line) => process.stderr.write(`${line}\n`),
  };
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, ${process.platform} ${process.arch}`;
  const tables: Table[] = [];
  if (!wanted.json)
    print(`${machine}. Medians of ${wanted.runs} (lowest–highest); a ratio is that of each run's own pair.\n`);
  for (const measure of wanted.measurements) {
    const measured = await measure(bench);
    tables.push(...measured);
    if (!wanted.json) measured.forEach((table) => print(markdown(table)));
  }
  if (wanted.json) print(JSON.stringify({ machine, runs: wanted.runs, tables }));
} finally {
  await Promise.all([sink.stop(), floor.stop()]);
}

function readArgs(args: string[]): { measurements: Measurement[]; runs: number; json: boolean } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string' },
        runs: { type: 'string', default: '5' },
        json: { type: 'boolean', default: false },
      },
    });
    const names = values.only?.split(',') ?? Object.keys(measurements);
    const unknown = names.find((name) => !Object.hasOwn(measurements, name));
    if (unknown !== undefined) throw new Error(`There is no measurement "${unknown}".`);
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs must be 1 or more, got "${values.runs}".`);
    return { measurements: names.map((name) => measurements[name]!), runs, json: values.json };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    process.exit(2);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The helpers end by themselves once we are gone. */
async function endAll(signal: string): Promise<void> {
  process.stderr.write(`${signal}: stopping\n`);
  await stopStacks();
  process.exit(130);
}
