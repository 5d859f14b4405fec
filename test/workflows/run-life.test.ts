/** What every run has in common, around workflow code that only a test has. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { stepContext, type StepContext } from '../../activities/step-context.js';
import type { DeadLetterNote } from '../../jobs/run-life.js';
import { describeRun } from '../../temporal/describe-run.js';
import { memoKey, type RunMemo } from '../../temporal/memo.js';
import { prepareNamespace } from '../../temporal/namespace.js';
import { runHeader } from '../../workers/run-header.js';
import { until } from '../support/until.js';

const namespace = `life-${randomBytes(6).toString('hex')}`;
const done: string[] = [];
const letters: DeadLetterNote[] = [];
const contexts: StepContext[] = [];
let connections: { client: Connection; native: NativeConnection };
let client: Client;
let stop: () => void;
let stopped: Promise<void>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address } = inject('temporal');
  connections = { client: await Connection.connect({ address }), native: await NativeConnection.connect({ address }) };
  client = new Client({ connection: connections.client, namespace });
  await prepareNamespace(connections.client, namespace, 86_400_000, { info() {}, warn() {} });
  const worker = await Worker.create({
    connection: connections.native,
    namespace,
    taskQueue: 'files',
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('fixtures/life.mjs', import.meta.url)),
      workflowInterceptorModules: [fileURLToPath(new URL('../../dist/workflows/run-life/index.js', import.meta.url))],
      ignoreModules: ['zod'],
      logger: new DefaultLogger('ERROR'),
    }),
    activities: {
      async inspectFile(name: string) {
        contexts.push(stepContext());
        if (name === 'broken') throw ApplicationFailure.nonRetryable('broken', 'corrupt-file', { attempt: 1 });
        done.push(name);
      },
      async makeDerivative({ undo }: { undo: string }) {
        done.push(`undo ${undo}`);
      },
      async keepDeadLetter(note: DeadLetterNote) {
        letters.push(note);
      },
    },
    interceptors: { activity: [runHeader] },
  });
  const running = new Promise<void>((resolve) => (stop = resolve));
  stopped = worker.runUntil(running);
});
beforeEach(() => {
  for (const list of [done, letters, contexts]) list.length = 0;
});
afterAll(async () => {
  stop();
  await stopped;
  await connections.client.close();
  await connections.native.close();
});

const start = (what: string, memo: Partial<RunMemo> = {}): Promise<WorkflowHandle> =>
  client.workflow.start('file-pipeline', {
    workflowId: `file-pipeline:${randomBytes(8).toString('hex')}`,
    taskQueue: 'files',
    args: [{ what }],
    memo: { [memoKey]: { v: 1, tenant: 'default', fingerprint: 'f', onAmbiguous: 'resend', ...memo } },
  });
const statusOf = async ({ workflowId }: WorkflowHandle) => (await describeRun(client, workflowId))?.status;
const failed = (handle: WorkflowHandle) => handle.result().catch((error: unknown) => error);

test('a cancelled run undoes what it has done, the latest first, and is cancelled only then', async () => {
  const run = await start('undo');
  await until('both are done', () => done.length === 2);
  await run.cancel();
  expect(await failed(run)).toBeInstanceOf(WorkflowFailedError);
  expect(done).toEqual(['first', 'second', 'undo second', 'undo first']);
  expect(await statusOf(run)).toBe('cancelled');
  expect(letters).toEqual([]);
});

test('a paused run that is cancelled undoes what it has done all the same', async () => {
  const run = await start('undo');
  await until('both are done', () => done.length === 2);
  await run.executeUpdate('pause');
  await run.cancel();
  await until('it undoes', () => done.includes('undo first'), { withinMs: 10_000 });
  expect(await failed(run)).toBeInstanceOf(WorkflowFailedError);
});

test('a failed run undoes too, and leaves one dead letter with its cause', async () => {
  const run = await start('fail');
  await failed(run);
  expect(done).toEqual(['first', 'undo first']);
  expect(letters).toMatchObject([{ code: 'corrupt-file', step: 'inspectFile', message: 'broken', attempts: 1 }]);
});

test('a delayed run that takes longer than its deadline has timed out, counted from when it began', async () => {
  const began = Date.now() - 86_400_000 + 1_500; // the deadline of a file-pipeline is a day
  const times = { runAt: new Date(began - 1_000).toISOString(), startedAt: new Date(began).toISOString() };
  const run = await start('sleep', times);
  const startedAt = Date.now();
  await failed(run);
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  expect(await statusOf(run)).toBe('timedOut');
  expect(letters).toMatchObject([{ code: 'deadline-exceeded' }]);
});

test('what has changed of a run goes along when it continues as new: begun now, it does not wait again', async () => {
  const run = await start('continue', { runAt: new Date(Date.now() + 3_600_000).toISOString() });
  await run.executeUpdate('runNow');
  await run.result();
  expect(done).toEqual(['first', 'second']);
  const facts = await describeRun(client, run.workflowId);
  expect(facts?.runId).not.toBe(facts?.firstRunId);
  expect(Date.parse(facts!.memo.startedAt!)).toBeLessThan(Date.now());
});

test('a step of a schedule’s run knows for which time it was started', async () => {
  const scheduleId = `s-${randomBytes(4).toString('hex')}`;
  const schedule = await client.schedule.create({
    scheduleId,
    spec: { intervals: [{ every: '1s' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'file-pipeline',
      workflowId: `file-pipeline:${scheduleId}`,
      taskQueue: 'files',
      args: [{ what: 'scheduled' }],
      memo: { [memoKey]: { v: 1, tenant: 'default', fingerprint: 'f', onAmbiguous: 'resend', schedule: scheduleId } },
    },
    state: { remainingActions: 1 },
  });
  await until('its step runs', () => contexts.length === 1);
  await schedule.delete();
  const [{ scheduledFor, holder }] = contexts as [StepContext];
  const nominal = new Date(scheduledFor!).toISOString().replace('.000Z', 'Z');
  expect(holder.workflowId).toBe(`file-pipeline:${scheduleId}-${nominal}`);
  expect((await describeRun(client, holder.workflowId))?.dueAt?.toISOString()).toBe(scheduledFor);
});
