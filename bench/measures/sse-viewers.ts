/** A thousand viewers of one campaign: what they ask of Temporal, what they cost the API, and how late they are told. */
import { Client, Connection } from '@temporalio/client';
import { startApiProcess, type ApiProcess } from '../api-process.js';
import { within, type Bench } from '../bench.js';
import type { CounterQuestions } from '../counter.js';
import { quantile, shown, units, type Table } from '../figures.js';
import { startHelper } from '../helper.js';
import { cpuSecondsOf, memoryOf } from '../processes.js';
import { endOf, inlineList, startCampaign } from '../runs.js';
import { startStack, withDataDir } from '../stack.js';
import type { Change, WatcherQuestions } from '../watchers.js';

const crowd = 1_000;
const mails = 5_000;
const delayMs = 20;

export async function sseViewers(bench: Bench): Promise<Table[]> {
  return withDataDir(async (dataDir) => {
    const stack = await startStack({ dataDir, smtpUrl: bench.smtpUrl });
    const counter = startHelper<CounterQuestions>('./counter.js');
    const watchers = startHelper<WatcherQuestions>('./watchers.js');
    let api: ApiProcess | undefined;
    try {
      const temporalAddress = await counter.ask('listen', stack.temporalAddress);
      api = await startApiProcess({ dataDir, temporalAddress });
      const byCrowd: { count: number; turns: Turn[] }[] = [];
      for (const count of [1, crowd]) {
        const turns: Turn[] = [];
        for (let run = 0; run < bench.runs; run++) {
          await bench.sink.ask('reset', { delayMs });
          const started = await startCampaign(stack.apiUrl, inlineList(mails));
          await counter.ask('reset');
          const cpuBefore = await cpuSecondsOf(api.pid);
          await watchers.ask('watch', { url: `${api.url}/v1/runs/${started.workflowId}/events`, count });
          const watchedAt = performance.now();
          const { nowMb } = await memoryOf(api.pid);
          await within(120_000, `${mails} mails`, endOf(stack.apiUrl, started));
          const changes = await changesOf(stack.temporalAddress, started.workflowId);
          const lags = await within(30_000, 'the end of every stream', watchers.ask('lags', { changes }));
          const seconds = (performance.now() - watchedAt) / 1_000;
          const { calls, peak } = await counter.ask('counts');
          const cpuSeconds = (await cpuSecondsOf(api.pid)) - cpuBefore;
          turns.push({ lags, calls, peak, seconds, cpuSeconds, nowMb, peakMb: (await memoryOf(api.pid)).peakMb });
          bench.report(
            `${count} viewers, ${run + 1} of ${bench.runs}: lag p99 ${quantile(lags, 0.99).toFixed(0)} ms, ${JSON.stringify(calls)}`,
          );
        }
        byCrowd.push({ count, turns });
      }
      return [table(byCrowd)];
    } finally {
      await api?.stop();
      await Promise.all([counter.stop(), watchers.stop()]);
      await stack.stop();
    }
  });
}

interface Turn {
  readonly lags: readonly number[];
  readonly calls: Readonly<Record<string, number>>;
  readonly peak: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly nowMb: number;
  readonly peakMb: number;
}

/** When the run's progress grew, and when it ended, by the server's own times in its history. */
async function changesOf(address: string, workflowId: string): Promise<Change[]> {
  const connection = await Connection.connect({ address });
  try {
    const { events } = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
    const changes: Change[] = [];
    let [done, told] = [0, 0];
    for (const event of events ?? []) {
      const at = Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
      const [result] = event.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
      if (result?.data) done += settled(JSON.parse(Buffer.from(result.data).toString()) as Partial<Slice>);
      if (event.workflowExecutionCompletedEventAttributes) changes.push({ at, done: null });
      // The workflow has heard of the steps that ended before its task was completed.
      else if (event.workflowTaskCompletedEventAttributes && done > told) changes.push({ at, done: (told = done) });
    }
    return changes;
  } finally {
    await connection.close();
  }
}

interface Slice {
  readonly sent: number;
  readonly failed: number;
  readonly duplicate: number;
  readonly unknown: number;
}

const settled = ({ sent = 0, failed = 0, duplicate = 0, unknown = 0 }: Partial<Slice>) =>
  sent + failed + duplicate + unknown;

function table(byCrowd: readonly { count: number; turns: readonly Turn[] }[]): Table {
  const row = (what: string, of: (turn: Turn) => number, unit: (typeof units)[keyof typeof units]) => [
    what,
    ...byCrowd.map(({ turns }) => shown(turns.map(of), unit)),
  ];
  const lag = (share: number) => (turn: Turn) => quantile(turn.lags, share);
  const calls = (name: string) => (turn: Turn) => turn.calls[name] ?? 0;
  const number = { name: '', digits: 0 };
  return {
    title: `Viewers of a campaign of ${mails} mails at ${delayMs} ms a mail`,
    head: ['what', ...byCrowd.map(({ count }) => (count === 1 ? '1 viewer' : `${count} viewers`))],
    rows: [
      row('change → viewer, p50', lag(0.5), units.ms),
      row('change → viewer, p99', lag(0.99), units.ms),
      row('change → viewer, max', lag(1), units.ms),
      row('long polls of Temporal at once', (turn) => turn.peak['GetWorkflowExecutionHistory'] ?? 0, number as never),
      row('long polls', calls('GetWorkflowExecutionHistory'), number as never),
      row('looks (describe)', calls('DescribeWorkflowExecution'), number as never),
      row('looks (query)', calls('QueryWorkflow'), number as never),
      row('watched for', ({ seconds }) => seconds, units.s),
      row('API CPU', ({ cpuSeconds }) => cpuSeconds, units.s),
      row('API memory, all connected', ({ nowMb }) => nowMb, units.mb),
      row('API memory, peak', ({ peakMb }) => peakMb, units.mb),
    ],
    note: 'A change is a workflow task that counted a slice, or the end, at the time that Temporal has written beside it; each viewer is told of it by the first event that has got so far. The viewers watch a second API process, which speaks to Temporal through a proxy that counts its calls; its CPU is that of all connects and events.',
  };
}
