/** One real Temporal server for the whole suite, in memory, on free ports: vitest's globalSetup. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestProject } from 'vitest/node';
import { leashed } from '../../bin/leash.js';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import { findTemporalCli } from '../../bin/temporal-cli.js';
import { until } from './until.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporal: { address: string; uiUrl: string; cli: string };
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const cli = await findTemporalCli({ env: process.env, report: (line) => process.stderr.write(`${line}\n`) });
  const [port, uiPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const [command, ...args] = leashed([cli, ...temporalArgs({ port, uiPort }, 'default', undefined)]);
  const server = spawn(command, args, { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  const uiUrl = `http://127.0.0.1:${uiPort}`;
  await until('the Temporal server serves', async () => (await fetch(`${uiUrl}/api/v1/namespaces/default`)).ok);

  provide('temporal', { address: `127.0.0.1:${port}`, uiUrl, cli });
  return async () => {
    server.kill('SIGTERM');
    await once(server, 'exit');
  };
}
