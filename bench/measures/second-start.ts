/** `npm start` on a data directory that has been used, as after a reboot or a deploy. */
import { within, type Bench } from '../bench.js';
import { shown, units, type Table } from '../figures.js';
import { endOf, inlineList, startCampaign } from '../runs.js';
import { startStack, withDataDir } from '../stack.js';

export async function secondStart({ runs, sink, smtpUrl, report }: Bench): Promise<Table[]> {
  return withDataDir(async (dataDir) => {
    const first = await startStack({ dataDir, smtpUrl });
    try {
      await sink.ask('reset', { delayMs: 0 });
      await within(
        60_000,
        'a campaign',
        startCampaign(first.apiUrl, inlineList(500)).then((run) => endOf(first.apiUrl, run)),
      );
    } finally {
      await first.stop();
    }

    const readyMs: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const stack = await startStack({ dataDir, smtpUrl });
      await stack.stop();
      readyMs.push(stack.readyMs);
      report(`second start, ${run} of ${runs}: ${stack.readyMs.toFixed(0)} ms`);
    }
    return [
      {
        title: '`npm start` → `ready`',
        head: ['what', 'time'],
        rows: [
          ['first start, empty data directory', shown([first.readyMs], units.ms)],
          ['second start', shown(readyMs, units.ms)],
        ],
        note: 'From starting Node to `ready` on its standard output: Temporal, worker and API, with an SMTP server that is already there.',
      },
    ];
  });
}
