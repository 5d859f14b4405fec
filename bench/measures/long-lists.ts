/** Uploaded lists of 10,000 and 100,000: the rate must not fall, nor memory and histories grow with the list. */
import { Client, Connection } from '@temporalio/client';
import { settle, within, type Bench } from '../bench.js';
import { nowMs } from '../clock.js';
import { median, shown, units, type Table } from '../figures.js';
import { memoryOf } from '../processes.js';
import { endOf, startCampaign, uploadedList } from '../runs.js';
import { withStack, type BenchStack } from '../stack.js';

const sizes = [10_000, 100_000];

export async function longLists(bench: Bench): Promise<Table[]> {
  const lists: List[][] = [];
  for (let run = 1; run <= bench.runs; run++) {
    const turn: List[] = [];
    for (const size of sizes) {
      // A stack for each: peaks of memory are those of this list.
      const list = await withStack(bench.smtpUrl, (stack) => sendList(bench, stack, size));
      turn.push(list);
      bench.report(
        `${size} recipients, ${run} of ${bench.runs}: ${list.perSecond.toFixed(0)} a second, floor ${list.floorPerSecond.toFixed(0)}, worker ${list.workerMb.toFixed(0)} MB`,
      );
    }
    lists.push(turn);
  }
  const rows = (what: string, show: (of: (pick: (list: List) => number) => number[]) => string) => [
    what,
    ...sizes.map((_, at) => show((pick) => lists.map((turn) => pick(turn[at]!)))),
  ];
  const rateRatio = lists.map(([small, large]) => large!.perSecond / small!.perSecond);
  return [
    {
      title: 'Long lists, uploaded as CSV, 0 ms a mail',
      head: ['what', ...sizes.map((size) => `${size.toLocaleString('en-US')} recipients`)],
      rows: [
        rows('rate, POST → last arrival', (of) =>
          shown(
            of(({ perSecond }) => perSecond),
            units.perSecond,
          ),
        ),
        rows('rate, first → last arrival', (of) =>
          shown(
            of(({ sendingPerSecond }) => sendingPerSecond),
            units.perSecond,
          ),
        ),
        rows('rate of the bare loop', (of) =>
          shown(
            of(({ floorPerSecond }) => floorPerSecond),
            units.perSecond,
          ),
        ),
        ['rate beside that of 10,000', '', shown(rateRatio, units.times)],
        rows('upload', (of) =>
          shown(
            of(({ uploadMs }) => uploadMs),
            units.ms,
          ),
        ),
        rows('POST → first arrival', (of) =>
          shown(
            of(({ firstMs }) => firstMs),
            units.ms,
          ),
        ),
        rows('API, peak', (of) =>
          shown(
            of(({ apiMb }) => apiMb),
            units.mb,
          ),
        ),
        rows('worker, peak', (of) =>
          shown(
            of(({ workerMb }) => workerMb),
            units.mb,
          ),
        ),
        rows('Temporal, peak', (of) =>
          shown(
            of(({ temporalMb }) => temporalMb),
            units.mb,
          ),
        ),
        rows('executions in the chain', (of) => String(median(of(({ histories }) => histories.length)))),
        rows('largest history, events', (of) => String(Math.max(...of(largest('events'))))),
        rows('largest history, KB', (of) => String(Math.ceil(Math.max(...of(largest('bytes'))) / 1_000))),
      ],
      note: 'The bare loop has its list in memory; ours checks and stores it first. Each list has a stack of its own, just started.',
    },
  ];
}

interface History {
  readonly events: number;
  readonly bytes: number;
}

interface List {
  readonly perSecond: number;
  readonly sendingPerSecond: number;
  readonly floorPerSecond: number;
  readonly uploadMs: number;
  readonly firstMs: number;
  readonly apiMb: number;
  readonly workerMb: number;
  readonly temporalMb: number;
  readonly histories: readonly History[];
}

async function sendList({ sink, floor }: Bench, stack: BenchStack, size: number): Promise<List> {
  await sink.ask('reset', { delayMs: 0 });
  const floorStartedAt = await floor.ask('send', size);
  const bare = await sink.ask('until', size);
  await settle();

  const uploadStartedAt = nowMs();
  const list = await uploadedList(stack.apiUrl, size);
  const uploadMs = nowMs() - uploadStartedAt;
  await sink.ask('reset', { delayMs: 0 });
  const started = await startCampaign(stack.apiUrl, list);
  const { firstAt, lastAt } = await within(60_000 + 10 * size, `${size} mails`, sink.ask('until', size));
  await endOf(stack.apiUrl, started);
  const processes = await stack.processes();
  return {
    perSecond: (size / (lastAt - started.postedAt)) * 1_000,
    sendingPerSecond: (size / (lastAt - firstAt)) * 1_000,
    floorPerSecond: (size / (bare.lastAt - floorStartedAt)) * 1_000,
    uploadMs,
    firstMs: firstAt - started.postedAt,
    apiMb: (await memoryOf(processes.api)).peakMb,
    workerMb: (await memoryOf(processes.worker)).peakMb,
    temporalMb: (await memoryOf(processes.temporal)).peakMb,
    histories: await historiesOf(stack, started.workflowId),
  };
}

const largest = (key: keyof History) => (list: List) => Math.max(...list.histories.map((history) => history[key]));

/** Of each execution of the run: it may have continued as new. */
async function historiesOf({ temporalAddress }: BenchStack, workflowId: string): Promise<History[]> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const { workflow } = new Client({ connection });
    const histories: History[] = [];
    // Backwards from the last one: each names the one before it.
    for (let runId: string | undefined = undefined; ;) {
      const { historyLength, historySize, runId: own } = await workflow.getHandle(workflowId, runId).describe();
      histories.unshift({ events: historyLength, bytes: historySize ?? 0 });
      const before = await continuedFrom(workflow, workflowId, own);
      if (before === undefined) return histories;
      runId = before;
    }
  } finally {
    await connection.close();
  }
}

async function continuedFrom(
  workflow: Client['workflow'],
  workflowId: string,
  runId: string,
): Promise<string | undefined> {
  const { history } = await workflow.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const before = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  return before === undefined || before === null || before === '' ? undefined : before;
}
