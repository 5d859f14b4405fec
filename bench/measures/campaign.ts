/** 500 mails in one campaign, beside the same mails from a bare loop, in turns; what they cost in CPU and memory. */
import { connections, settle, within, type Bench } from '../bench.js';
import { ratios, shown, units, type Table } from '../figures.js';
import { cpuSecondsOf, memoryOf, type Memory } from '../processes.js';
import { endOf, inlineList, startCampaign, warm } from '../runs.js';
import { withStack, type BenchStack, type StackProcesses } from '../stack.js';

const mails = 500;
const delays = [0, 20];
/** Not counted, the same for both: JIT, pools, and the caches of a stack that has been up for a while. */
const warmUps = 2;

export async function campaign(bench: Bench): Promise<Table[]> {
  return withStack(bench.smtpUrl, async (stack) => {
    const processes = await stack.processes();
    const idle = await memoryOfAll(processes);
    const byDelay: { delayMs: number; turns: Turn[] }[] = [];
    for (const delayMs of delays) {
      const turns: Turn[] = [];
      for (let run = -warmUps; run < bench.runs; run++) {
        const floor = await floorTurn(bench, delayMs);
        const ours = await ourTurn(bench, stack, processes, delayMs);
        if (run < 0) continue;
        turns.push({ floor, ours });
        bench.report(
          `${mails} mails at ${delayMs} ms, ${run + 1} of ${bench.runs}: ${ours.lastMs.toFixed(0)} ms, floor ${floor.lastMs.toFixed(0)} ms`,
        );
      }
      byDelay.push({ delayMs, turns });
    }
    return [timeTable(byDelay), cpuTable(byDelay), memoryTable(idle, await memoryOfAll(processes))];
  });
}

interface FloorTurn {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly cpuSeconds: number;
}

interface OurTurn {
  readonly acceptedMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly cpuSeconds: Record<keyof StackProcesses, number>;
}

interface Turn {
  readonly floor: FloorTurn;
  readonly ours: OurTurn;
}

async function floorTurn({ sink, floor }: Bench, delayMs: number): Promise<FloorTurn> {
  await sink.ask('reset', { delayMs });
  const cpuBefore = await cpuSecondsOf(floor.pid);
  const startedAt = await floor.ask('send', mails);
  const { firstAt, lastAt } = await sink.ask('until', mails);
  await settle();
  return {
    firstMs: firstAt - startedAt,
    lastMs: lastAt - startedAt,
    cpuSeconds: (await cpuSecondsOf(floor.pid)) - cpuBefore,
  };
}

async function ourTurn(
  { sink }: Bench,
  { apiUrl }: BenchStack,
  processes: StackProcesses,
  delayMs: number,
): Promise<OurTurn> {
  await sink.ask('reset', { delayMs });
  const list = inlineList(mails);
  await warm(apiUrl);
  const before = await cpuOfAll(processes);
  const allArrived = sink.ask('until', mails);
  const started = await startCampaign(apiUrl, list);
  const { firstAt, lastAt } = await within(60_000, `${mails} mails`, allArrived);
  await endOf(apiUrl, started);
  await settle();
  const after = await cpuOfAll(processes);
  return {
    acceptedMs: started.acceptedAt - started.postedAt,
    firstMs: firstAt - started.postedAt,
    lastMs: lastAt - started.postedAt,
    cpuSeconds: {
      api: after.api - before.api,
      worker: after.worker - before.worker,
      temporal: after.temporal - before.temporal,
    },
  };
}

async function cpuOfAll({ api, worker, temporal }: StackProcesses) {
  return { api: await cpuSecondsOf(api), worker: await cpuSecondsOf(worker), temporal: await cpuSecondsOf(temporal) };
}

async function memoryOfAll({ api, worker, temporal }: StackProcesses): Promise<Record<keyof StackProcesses, Memory>> {
  return { api: await memoryOf(api), worker: await memoryOf(worker), temporal: await memoryOf(temporal) };
}

function timeTable(byDelay: readonly { delayMs: number; turns: readonly Turn[] }[]): Table {
  const rows = byDelay.flatMap(({ delayMs, turns }) => {
    const ours = turns.map((turn) => turn.ours);
    const floor = turns.map((turn) => turn.floor);
    const row = (what: string, key: 'firstMs' | 'lastMs') => {
      const [mine, bare] = [ours.map((turn) => turn[key]), floor.map((turn) => turn[key])];
      return [
        `${what}, ${delayMs} ms a mail`,
        shown(mine, units.ms),
        shown(bare, units.ms),
        shown(ratios(mine, bare), units.times),
      ];
    };
    return [
      row(`POST → last arrival`, 'lastMs'),
      row(`POST → first arrival`, 'firstMs'),
      [
        `POST → 202, ${delayMs} ms a mail`,
        shown(
          ours.map((turn) => turn.acceptedMs),
          units.fineMs,
        ),
        '',
        '',
      ],
    ];
  });
  return {
    title: `A campaign of ${mails} mails, sent inline, over ${connections} SMTP connections`,
    head: ['what', 'Longhaul', 'bare loop', 'ratio'],
    rows,
    note: 'The server takes so many ms to accept each mail; a mail arrives when it is accepted.',
  };
}

function cpuTable(byDelay: readonly { delayMs: number; turns: readonly Turn[] }[]): Table {
  return {
    title: `CPU of such a campaign`,
    head: ['', 'API', 'worker', 'API + worker', 'bare loop', 'ratio', 'Temporal'],
    rows: byDelay.map(({ delayMs, turns }) => {
      const of = (pick: (turn: Turn) => number) => turns.map(pick);
      const app = of(({ ours }) => ours.cpuSeconds.api + ours.cpuSeconds.worker);
      const floor = of((turn) => turn.floor.cpuSeconds);
      return [
        `${delayMs} ms a mail`,
        shown(
          of(({ ours }) => ours.cpuSeconds.api),
          units.s,
        ),
        shown(
          of(({ ours }) => ours.cpuSeconds.worker),
          units.s,
        ),
        shown(app, units.s),
        shown(floor, units.s),
        shown(ratios(app, floor), units.times),
        shown(
          of(({ ours }) => ours.cpuSeconds.temporal),
          units.s,
        ),
      ];
    }),
    note: 'User and system time of each process, all its threads, from the POST to 300 ms after the run has ended. The mail server and whoever POSTs are not in it.',
  };
}

function memoryTable(idle: Record<keyof StackProcesses, Memory>, used: Record<keyof StackProcesses, Memory>): Table {
  return {
    title: 'Memory (resident)',
    head: ['process', 'idle, just started', `after campaigns of ${mails}`, 'peak'],
    rows: (['api', 'worker', 'temporal'] as const).map((name) => [
      name,
      shown([idle[name].nowMb], units.mb),
      shown([used[name].nowMb], units.mb),
      shown([used[name].peakMb], units.mb),
    ]),
  };
}
