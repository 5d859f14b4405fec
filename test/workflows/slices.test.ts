import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Slice, SliceOutcome, SlicePlan } from '../../jobs/slices.js';

const plan: SlicePlan = {
  step: 'workSlice',
  rows: 10,
  window: 2,
  sliceMs: 2_000,
  historyBytes: 20_000,
  rounds: 'refusedForNow',
};

let bundle: { code: string };
let connections: { client: Connection; native: NativeConnection };

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const { address } = inject('temporal');
  connections = { client: await Connection.connect({ address }), native: await NativeConnection.connect({ address }) };
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('fixtures/sliced.mjs', import.meta.url)),
    ignoreModules: ['zod'],
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
});
afterAll(async () => {
  await connections.client.close();
  await connections.native.close();
});

/** Runs the workflow over `count` rows, each slice answered by `work`. */
async function run(count: number, work: (slice: Slice) => SliceOutcome, options: Partial<SlicePlan> = {}) {
  const taskQueue = `sliced-${Math.random().toString(36).slice(2)}`;
  const slices: Slice[] = [];
  const worker = await Worker.create({
    connection: connections.native,
    taskQueue,
    workflowBundle: bundle,
    activities: {
      workSlice: async (slice: Slice) => {
        slices.push(slice);
        return work(slice);
      },
    },
  });
  const client = new Client({ connection: connections.client });
  const counts = await worker.runUntil(async () => {
    const handle = await client.workflow.start('sliced', {
      taskQueue,
      workflowId: taskQueue,
      args: [{ count, plan: { ...plan, ...options } }],
    });
    return (await handle.result()) as unknown;
  });
  return { counts, slices, client, workflowId: taskQueue };
}

const all = ({ from, to }: Slice): SliceOutcome => ({ ...none, sent: to - from });
const none: SliceOutcome = { sent: 0, failed: 0, duplicate: 0, unknown: 0, retry: 0, next: null };
const rowsOf = (slices: Slice[]) =>
  slices.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, n) => from + n));

test('every row is handed out once, in slices of at most the plan', async () => {
  const { counts, slices } = await run(95, all);
  expect(counts).toEqual({ sent: 95, failed: 0, duplicate: 0, unknown: 0 });
  expect(rowsOf(slices).sort((a, b) => a - b)).toEqual(Array.from({ length: 95 }, (_, n) => n));
  expect(Math.max(...slices.map(({ from, to }) => to - from))).toBe(10);
});

test('a slice that stops early is gone on with where it stopped', async () => {
  const { counts, slices } = await run(40, (slice) => {
    const to = Math.min(slice.to, slice.from + 3); // three rows, and time is up
    return { ...none, sent: to - slice.from, next: to < slice.to ? to : null };
  });
  expect(counts).toMatchObject({ sent: 40 });
  expect(slices.every(({ from, to }) => from < to)).toBe(true);
});

test('a long list continues as new, drops no row and counts none twice', async () => {
  const { counts, slices, client, workflowId } = await run(1_200, all);
  expect(counts).toEqual({ sent: 1_200, failed: 0, duplicate: 0, unknown: 0 });
  expect(rowsOf(slices).sort((a, b) => a - b)).toEqual(Array.from({ length: 1_200 }, (_, n) => n));

  const described = await client.workflow.getHandle(workflowId).describe();
  expect(described.raw.workflowExecutionInfo!.firstRunId).not.toBe(described.runId);
  expect(described.historySize!).toBeLessThan(60_000);
});

test('rows refused for now come again in later rounds, over the whole list, until none is left', async () => {
  const refused = new Map([
    [7, 2],
    [33, 1],
  ]); // row → how many rounds it is refused
  const { counts, slices } = await run(40, ({ from, to, round }) => {
    const rows = Array.from({ length: to - from }, (_, n) => from + n);
    const mine = rows.filter((row) => round === 0 || (refused.get(row) ?? 0) >= round);
    const retry = mine.filter((row) => (refused.get(row) ?? 0) > round).length;
    return { ...none, sent: mine.length - retry, retry };
  });
  expect(counts).toEqual({ sent: 40, failed: 0, duplicate: 0, unknown: 0 });
  expect([...new Set(slices.map(({ round }) => round))]).toEqual([0, 1, 2]);
  expect(slices.filter(({ round }) => round === 1).map(({ from, to }) => [from, to])).toEqual([
    [0, 20],
    [20, 40],
  ]);
  expect(slices.every(({ isLastRound }) => !isLastRound)).toBe(true);
});
