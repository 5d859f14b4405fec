import { randomBytes } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import type { ConnectionLike } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { clientConnection, clientOf } from '../../temporal/connection.js';
import { prepareNamespace } from '../../temporal/namespace.js';
import { nativeConnection } from '../../temporal/native-connection.js';
import { searchAttributes } from '../../temporal/search-attributes.js';
import type { TemporalSettings } from '../../temporal/settings.js';

const day = 86_400_000;
const settingsAt = (address: string): TemporalSettings => ({
  address,
  namespace: `namespace-${randomBytes(6).toString('hex')}`,
  apiKey: undefined,
  tls: { cert: undefined, key: undefined, ca: undefined, serverName: undefined },
});

const lines: string[] = [];
const log = {
  info: (_: object, line: string) => void lines.push(`info ${line}`),
  warn: (_: object, line: string) => void lines.push(`warn ${line}`),
};

let connections: ConnectionLike[];
beforeAll(async () => {
  const settings = settingsAt(inject('temporal').address);
  connections = [clientConnection(settings), clientConnection(settings), await nativeConnection(settings, { log })];
});
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

async function stateOf(namespace: string) {
  const { config } = await connections[0]!.workflowService.describeNamespace({ namespace });
  const { customAttributes } = await connections[0]!.operatorService.listSearchAttributes({ namespace });
  return {
    days: Number(config!.workflowExecutionRetentionTtl!.seconds) / 86_400,
    names: Object.keys(customAttributes).sort(),
  };
}

const ours = Object.values(searchAttributes)
  .map(({ name }) => name)
  .sort();

test('three processes that prepare one namespace at once leave it ready, and again is harmless', async () => {
  const settings = settingsAt(inject('temporal').address);
  const prepare = (connection: ConnectionLike) => prepareNamespace(connection, settings.namespace, 30 * day, log);
  await Promise.all(connections.map(prepare));
  expect(await stateOf(settings.namespace)).toEqual({ days: 30, names: ours });
  await Promise.all(connections.map(prepare));

  const connection = clientConnection(settings);
  const { workflow } = clientOf(connection, settings);
  await workflow.start('anything', {
    workflowId: 'x',
    taskQueue: 'nobody',
    typedSearchAttributes: [{ key: searchAttributes.tenant, value: 'default' }],
  });
  await connection.close();
});

test('retention is raised, and never lowered', async () => {
  const { namespace } = settingsAt(inject('temporal').address);
  for (const [wanted, days] of [
    [2, 2],
    [5, 5],
    [3, 5],
  ] as const) {
    await prepareNamespace(connections[0]!, namespace, wanted * day, log);
    expect((await stateOf(namespace)).days).toBe(days);
  }
});

test('a search attribute of another type is told, with what to do', async () => {
  const { namespace } = settingsAt(inject('temporal').address);
  const [connection] = connections;
  await connection!.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await expect
    .poll(
      () =>
        connection!.operatorService.addSearchAttributes({ namespace, searchAttributes: { DueAt: 2 } }).then(
          () => 'added',
          () => 'not yet',
        ),
      { timeout: 15_000 },
    )
    .toBe('added');
  await expect(prepareNamespace(connection!, namespace, day, log)).rejects.toThrow(
    /DueAt .* another type than DATETIME\. Use another namespace/,
  );
});

test('where we may not, one clear warning tells what has to be there', async () => {
  const refuse = async () => {
    throw Object.assign(new Error('7 PERMISSION_DENIED'), { code: 7, details: 'Request unauthorized.' });
  };
  const [real] = connections;
  const cloud: ConnectionLike = {
    ...real!,
    workflowService: real!.workflowService,
    operatorService: Object.assign(Object.create(real!.operatorService) as ConnectionLike['operatorService'], {
      listSearchAttributes: refuse,
    }),
    withDeadline: (_, run) => run(),
  };
  lines.length = 0;
  await prepareNamespace(cloud, 'default', day, log);
  const warnings = lines.filter((line) => line.startsWith('warn'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('Tenant (KEYWORD)');
});

test('while Temporal is not up it is waited for, until told to stop', async () => {
  const settings = settingsAt(`127.0.0.1:${await freePort('127.0.0.1')}`);
  const stop = new AbortController();
  const connection = clientConnection(settings);
  const preparing = prepareNamespace(connection, settings.namespace, day, log, stop.signal);
  const connecting = nativeConnection(settings, { log, signal: stop.signal });
  const both = Promise.allSettled([preparing, connecting]);
  await expect.poll(() => lines.some((line) => line.includes('does not answer yet')), { timeout: 10_000 }).toBe(true);
  stop.abort(new Error('enough'));
  expect((await both).map((each) => ((each as PromiseRejectedResult).reason as Error).message)).toEqual([
    'enough',
    'enough',
  ]);
  await connection.close();
});

test('a worker’s connection is a real one', () => {
  expect(connections[2]).toBeInstanceOf(NativeConnection);
});
