/** A thousand delayed jobs due within one minute: how late they begin, and whether any is early. */
import { Longhaul } from '../../client/index.js';
import { within, type Bench } from '../bench.js';
import { nowMs } from '../clock.js';
import { quantile, shown, units, type Table } from '../figures.js';
import { withStack } from '../stack.js';

const jobs = 1_000;
const spreadMs = 60_000;
/** Time to accept them all and have them wait. */
const leadMs = 120_000;

export async function delayedJobs({ sink, smtpUrl, report }: Bench): Promise<Table[]> {
  return withStack(smtpUrl, async ({ apiUrl }) => {
    const client = new Longhaul({ url: apiUrl });
    await sink.ask('reset', { delayMs: 0 });
    const firstDue = Date.now() + leadMs;
    const dueAt = Array.from({ length: jobs }, (_, n) => firstDue + Math.round((n * spreadMs) / jobs));
    const postedAt = nowMs();
    const { batch } = await client.startBatch(
      'email-campaign',
      dueAt.map((due, n) => ({
        input: { template: 'welcome', recipients: [{ email: `due${n}@example.com` }] },
        runAt: new Date(due).toISOString(),
      })),
    );
    const acceptedMs = nowMs() - postedAt;
    report(`delayed jobs: ${jobs} accepted in ${acceptedMs.toFixed(0)} ms`);
    await within(leadMs, 'the batch', client.result(batch!));
    const startedMs = nowMs() - postedAt;
    report(`delayed jobs: all wait after ${(startedMs / 1_000).toFixed(1)} s`);

    await within(leadMs + spreadMs + 60_000, 'the delayed jobs', sink.ask('until', jobs));
    const arrivedAt = await sink.ask('arrivedAt');
    const late = dueAt.map((due, n) => arrivedAt[`due${n}@example.com`]! - due);
    const early = late.filter((ms) => ms < 0).length;
    const at = (share: number) => shown([quantile(late, share)], units.ms);
    return [
      {
        title: `${jobs.toLocaleString('en')} delayed jobs due within one minute`,
        head: ['what', 'figure'],
        rows: [
          ['lateness, p50', at(0.5)],
          ['lateness, p99', at(0.99)],
          ['lateness, max', at(1)],
          ['early', String(early)],
          [`POST of the batch of ${jobs.toLocaleString('en')} → 202`, shown([acceptedMs], units.ms)],
          ['POST → all wait on their timers', shown([startedMs / 1_000], units.s)],
        ],
        note: 'From the due time to the moment that the SMTP server has taken the mail, so that each includes the whole work of its run. One run.',
      },
    ];
  });
}
