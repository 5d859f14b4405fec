/** Records the scenarios against a real server, with real processes. `npm run record-histories -- -t batch` for some. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { temporalArgs } from '../../bin/temporal-args.js';
import { caller } from '../support/caller.js';
import { startStack, type TestStackOptions } from '../support/stack.js';
import { until } from '../support/until.js';
import { recordedNames, writeHistory } from './history-file.js';
import { scenarios, type House, type Reached, type Scenario } from './scenarios.js';

/** `refused…` are refused for good, `busy…` for now, each once. */
const options: TestStackOptions = {
  mail: {
    atRecipient: (to, attempt) => {
      if (to.startsWith('refused') && attempt === 1) return { code: 550, text: 'no such user' };
      return to.startsWith('busy') && attempt === 1 ? { code: 451, text: 'try again later' } : undefined;
    },
  },
};

describe('served', () => {
  let house: House;
  beforeAll(async () => {
    house = await open(options);
  });
  afterAll(() => close(house));
  record(scenarios.served, () => house);
});

describe('no worker at first', () => {
  record(scenarios.unserved, () => open({ ...options, workers: 0 }), close);
});

describe('continued as new', () => {
  let server: ChildProcess;
  let house: House;
  beforeAll(async () => {
    // What is suggested after 4,096 events by default comes early: the same code, in a file of a size to commit.
    const [port, uiPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
    const args = temporalArgs({ port, uiPort }, 'default', undefined);
    const early = ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=12'];
    server = spawn(inject('temporal').cli, [...args, ...early], { stdio: 'ignore' });
    const url = `http://127.0.0.1:${uiPort}/api/v1/namespaces/default`;
    await until('Temporal serves', async () => (await fetch(url)).ok);
    house = await open({ ...options, env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}` } });
  });
  afterAll(async () => {
    await close(house);
    server.kill('SIGTERM');
    await once(server, 'exit');
  });
  record(scenarios.continued, () => house);
});

function record(
  of: Record<string, Scenario>,
  house: () => House | Promise<House>,
  after: (house: House) => Promise<void> = async () => undefined,
): void {
  test.each(Object.entries(of))('%s', async (name, reach) => {
    const in_ = await house();
    try {
      await keep(name, in_, await reach(in_));
    } finally {
      await after(in_);
    }
  });
}

async function keep(name: string, { temporal }: House, { workflowId, runId }: Reached): Promise<void> {
  const chain = [];
  for (let next = runId ?? (await firstOf(temporal, workflowId)); next !== '';) {
    const history = await temporal.workflow.getHandle(workflowId, next).fetchHistory();
    chain.push(history);
    next = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? '';
  }
  for (const old of recordedNames().filter((one) => one === name || one.replace(/-\d+$/, '') === name)) {
    rmSync(fileURLToPath(new URL(`${old}.json`, import.meta.url)));
  }
  for (const [at, history] of chain.entries()) writeHistory(chain.length === 1 ? name : `${name}-${at + 1}`, history);
}

/** Of the latest chain under this ID. */
async function firstOf(temporal: Client, workflowId: string): Promise<string> {
  const { raw } = await temporal.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo!.firstRunId!;
}

async function open(options: TestStackOptions): Promise<House> {
  const stack = await startStack(options);
  const connection = await Connection.connect({ address: stack.env['TEMPORAL_ADDRESS']! });
  return { stack, api: caller(stack), temporal: new Client({ connection, namespace: stack.namespace }) };
}

async function close({ stack, temporal }: House): Promise<void> {
  await temporal.connection.close();
  await stack[Symbol.asyncDispose]();
}
