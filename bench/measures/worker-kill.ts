/** `kill -9` of the worker in the middle of a campaign; `npm start` brings it up again. */
import { settle, within, type Bench } from '../bench.js';
import { nowMs } from '../clock.js';
import { shown, units, type Table } from '../figures.js';
import { endOf, inlineList, startCampaign } from '../runs.js';
import { withStack, type BenchStack } from '../stack.js';

const mails = 500;
const left = 300;
const delayMs = 20;

export async function workerKill(bench: Bench): Promise<Table[]> {
  const { sink, floor, report } = bench;
  const kills: Kill[] = [];
  const floorMs: number[] = [];
  for (let run = 1; run <= bench.runs; run++) {
    await sink.ask('reset', { delayMs });
    const startedAt = await floor.ask('send', left);
    floorMs.push((await sink.ask('until', left)).lastAt - startedAt);
    // A stack for each: a child that dies again and again is started later and later.
    const kill = await withStack(bench.smtpUrl, (stack) => killOnce(bench, stack));
    kills.push(kill);
    report(
      `kill -9, ${run} of ${bench.runs}: last mail after ${kill.lastMs.toFixed(0)} ms, ${kill.missed} missed, ${kill.repeated} twice`,
    );
  }
  const of = (pick: (kill: Kill) => number) => kills.map(pick);
  const total = (pick: (kill: Kill) => number) => String(of(pick).reduce((sum, value) => sum + value, 0));
  return [
    {
      title: `\`kill -9\` of the worker with ${left} of ${mails} mails left, ${delayMs} ms each`,
      head: ['what', 'figure'],
      rows: [
        [
          'kill → next arrival',
          shown(
            of(({ nextMs }) => nextMs),
            units.ms,
          ),
        ],
        [
          'kill → last arrival',
          shown(
            of(({ lastMs }) => lastMs),
            units.ms,
          ),
        ],
        [`${left} mails from the bare loop, nothing killed`, shown(floorMs, units.ms)],
        ['recipients missed, all kills together', total(({ missed }) => missed)],
        [
          'mails sent twice, of each kill',
          shown(
            of(({ repeated }) => repeated),
            { name: '', digits: 0 },
          ),
        ],
        ['Message-IDs beyond one for each recipient, all kills together', total(({ strangers }) => strangers)],
      ],
      note: 'A mail that is sent twice keeps its Message-ID.',
    },
  ];
}

interface Kill {
  readonly nextMs: number;
  readonly lastMs: number;
  readonly missed: number;
  readonly repeated: number;
  readonly strangers: number;
}

async function killOnce({ sink }: Bench, stack: BenchStack): Promise<Kill> {
  const { worker } = await stack.processes();
  await sink.ask('reset', { delayMs });
  const started = await startCampaign(stack.apiUrl, inlineList(mails));
  await within(30_000, `${mails - left} mails`, sink.ask('until', mails - left));
  process.kill(worker, 'SIGKILL');
  const killedAt = nowMs();
  // What had been handed over is still accepted for a moment: the next arrival is the new worker's.
  await settle();
  const { recipients } = await sink.ask('arrivals');
  const nextAt = (await within(60_000, 'the mail after the kill', sink.ask('until', recipients + 1))).lastAt;
  await within(60_000, 'the rest of the mails', endOf(stack.apiUrl, started));
  const all = await sink.ask('arrivals');
  return {
    nextMs: nextAt - killedAt,
    lastMs: all.lastAt - killedAt,
    missed: mails - all.recipients,
    repeated: all.mails - all.recipients,
    strangers: all.messageIds - all.recipients,
  };
}
