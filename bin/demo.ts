/** `npm run demo`: the main job on a stack of its own, through the REST API. `-- --json` for programs. */
import { relative } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../config.js';
import { Longhaul } from '../client/index.js';
import { runDemo, type DemoReport } from './demo-run.js';
import { demoProgress } from './demo-progress.js';
import { flagsOf } from './flags.js';
import { refuse } from './refusals.js';
import { startStack } from './stack.js';
import { untilSignal } from './until-signal.js';

const asJson = flagsOf(
  `Usage: npm run demo [-- --json]
  --json  the report as one line of JSON on stdout
Settings come from the environment: README.md, "Settings".`,
  ['json'],
).has('json');

// Never someone else's server: what is shown is what the catcher counted, and nothing may leave this machine.
const localOnly = {
  SMTP_URL: '',
  WORKER_QUEUES: '',
  TEMPORAL_ADDRESS: '',
  TEMPORAL_API_KEY: '',
  TEMPORAL_TLS_CERT: '',
  TEMPORAL_TLS_KEY: '',
  TEMPORAL_TLS_CA: '',
  TEMPORAL_TLS_SERVER_NAME: '',
};
const env = { ...process.env, ...localOnly, LOG_LEVEL: process.env['LOG_LEVEL'] || 'warn' };

try {
  const config = readConfig(env);
  const log = pino({ level: config.logLevel, base: { process: 'stack' } }, pino.destination({ dest: 2, sync: true }));
  const progress = demoProgress();
  const stack = await startStack({ config, env, log, report: progress.say });
  const signal = untilSignal(() => {
    stack.kill();
    process.exit(1);
  });

  const { links } = stack;
  const demo = async () => {
    progress.say('Starting Temporal, a worker, the API and the mail catcher');
    if (!(await stack.ready())) return signal;
    const client = new Longhaul({ url: links.api, apiKey: config.apiKeys[0] });
    return runDemo(client, links.mail!, progress);
  };
  try {
    const report = await Promise.race([demo(), signal]);
    progress.end();
    if (typeof report === 'string') {
      process.stderr.write(`${report}: stopping\n`);
      process.exitCode = 1;
    } else {
      const { campaign, file, faults } = report;
      const text = asJson ? JSON.stringify({ campaign, file, links }) : summary(report);
      process.stdout.write(`${text}\n`);
      for (const fault of faults) process.stderr.write(`${fault}\n`);
      if (faults.length > 0) process.exitCode = 1;
    }
  } finally {
    progress.end();
    await stack.stop();
  }

  function summary({ campaign, file, runLinks }: DemoReport): string {
    const { delivered, recipients, wallMs, acceptMs } = campaign;
    const rows = file.derivatives.map(
      ({ name, mediaType, width, height, bytes }) =>
        `  ${name.padEnd(12)}${mediaType.padEnd(12)}${`${width} × ${height}`.padEnd(14)}${(bytes / 1_000).toFixed(1)} kB`,
    );
    return [
      '',
      `E-mails   ${delivered} of ${recipients} delivered in ${(wallMs / 1_000).toFixed(2)} s; the request was answered in ${acceptMs} ms`,
      `          ${campaign.workflowId}`,
      `          ${runLinks.campaign}`,
      `Picture   ${file.derivatives.length} derivatives, each fetched and decoded`,
      `          ${file.workflowId}`,
      `          ${runLinks.file}`,
      ...rows,
      '',
      `All is kept in ${shortest(config.dataDir)}. \`npm start\` brings it up again, at the same links:`,
      `  API          ${links.api}`,
      `  Temporal UI  ${links.temporalUi}`,
      `  Mails        ${links.mail}`,
    ].join('\n');
  }
} catch (error) {
  refuse(error);
}

function shortest(path: string): string {
  const here = relative('.', path);
  return here === '' || here.startsWith('..') ? path : here;
}
