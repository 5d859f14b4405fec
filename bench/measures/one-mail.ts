/** One mail at a time, on a stack that is idle otherwise: what a password reset feels like. */
import { settle, within, type Bench } from '../bench.js';
import { quantile, ratios, shown, units, type Table } from '../figures.js';
import { endOf, inlineList, startCampaign, warm } from '../runs.js';
import { withStack, type BenchStack } from '../stack.js';

const delays = [0, 20];
const mailsPerRun = 40;

export async function oneMail(bench: Bench): Promise<Table[]> {
  return withStack(bench.smtpUrl, async (stack) => {
    const rows: string[][] = [];
    for (const delayMs of delays) {
      const ours: Sample[] = [];
      const floor: Sample[] = [];
      for (let run = -1; run < bench.runs; run++) {
        const bare = await sample(() => floorMail(bench, delayMs));
        const mine = await sample(() => ourMail(bench, stack, delayMs));
        if (run < 0) continue; // both have warmed up
        floor.push(bare);
        ours.push(mine);
        bench.report(
          `one mail at ${delayMs} ms, ${run + 1} of ${bench.runs}: p50 ${mine.p50.toFixed(1)} ms, floor ${bare.p50.toFixed(1)} ms`,
        );
      }
      for (const [name, key] of [
        ['p50', 'p50'],
        ['p95', 'p95'],
      ] as const) {
        const [mine, bare] = [ours.map((one) => one[key]), floor.map((one) => one[key])];
        rows.push([
          `POST → arrival, ${name}, ${delayMs} ms a mail`,
          shown(mine, units.fineMs),
          shown(bare, units.fineMs),
          shown(ratios(mine, bare), units.times),
        ]);
      }
      rows.push([
        `POST → 202, p50, ${delayMs} ms a mail`,
        shown(
          ours.map(({ accepted }) => accepted),
          units.fineMs,
        ),
        '',
        '',
      ]);
    }
    return [
      {
        title: 'One mail at a time',
        head: ['what', 'Longhaul', 'bare loop', 'ratio'],
        rows,
        note: `${mailsPerRun} mails a run, each in a run of its own, over open connections.`,
      },
    ];
  });
}

interface Mail {
  readonly arrivedMs: number;
  readonly acceptedMs: number;
}

interface Sample {
  readonly p50: number;
  readonly p95: number;
  readonly accepted: number;
}

async function sample(send: () => Promise<Mail>): Promise<Sample> {
  const mails: Mail[] = [];
  for (let at = 0; at < mailsPerRun; at++) mails.push(await send());
  await settle();
  const arrived = mails.map(({ arrivedMs }) => arrivedMs);
  return {
    p50: quantile(arrived, 0.5),
    p95: quantile(arrived, 0.95),
    accepted: quantile(
      mails.map(({ acceptedMs }) => acceptedMs),
      0.5,
    ),
  };
}

async function floorMail({ sink, floor }: Bench, delayMs: number): Promise<Mail> {
  await sink.ask('reset', { delayMs });
  const startedAt = await floor.ask('send', 1);
  const { lastAt } = await sink.ask('until', 1);
  return { arrivedMs: lastAt - startedAt, acceptedMs: 0 };
}

async function ourMail({ sink }: Bench, { apiUrl }: BenchStack, delayMs: number): Promise<Mail> {
  await sink.ask('reset', { delayMs });
  await warm(apiUrl);
  const arrived = sink.ask('until', 1);
  const started = await startCampaign(apiUrl, inlineList(1));
  const { lastAt } = await within(30_000, 'one mail', arrived);
  await endOf(apiUrl, started);
  return { arrivedMs: lastAt - started.postedAt, acceptedMs: started.acceptedAt - started.postedAt };
}
