/** A thousand dead letters, found, counted and redriven by filter. */
import { Longhaul } from '../../client/index.js';
import { within, type Bench } from '../bench.js';
import { nowMs } from '../clock.js';
import { shown, units, type Table } from '../figures.js';
import { withStack } from '../stack.js';

const letters = 1_000;
const tag = 'bench';

export async function redrive({ smtpUrl, report }: Bench): Promise<Table[]> {
  return withStack(smtpUrl, async ({ apiUrl }) => {
    const client = new Longhaul({ url: apiUrl });
    const { fileId } = await client.upload(new TextEncoder().encode('no picture'));
    const { batch, items } = await client.startBatch(
      'file-pipeline',
      Array.from({ length: letters }, () => ({ input: { fileId }, tags: [tag] })),
    );
    await within(300_000, 'the batch', client.result(batch!));
    for (const item of items) if (item.outcome === 'accepted') await client.result(item.workflowId);
    report(`redrive: ${letters} runs have failed`);

    const [lookMs, { groups }] = await timed(() => client.deadLetters.list({ tag }));
    const [dryMs, dry] = await timed(() => client.deadLetters.redrive({ tag, dryRun: true }));
    if (dry.count !== letters || groups[0]?.count !== letters)
      throw new Error(`Not ${letters} letters: ${JSON.stringify(dry)}`);
    const [acceptedMs, { bulk }] = await timed(() => client.deadLetters.redrive({ tag }));
    const startedAt = nowMs();
    await within(300_000, 'the redrive', client.result(bulk!));
    const startedS = (nowMs() - startedAt + acceptedMs) / 1_000;
    for (const item of items) if (item.outcome === 'accepted') await client.result(item.workflowId);
    const endedS = (nowMs() - startedAt + acceptedMs) / 1_000;
    return [
      {
        title: `Redrive of ${letters.toLocaleString('en')} dead letters`,
        head: ['what', 'figure'],
        rows: [
          ['GET /v1/dead-letters, groups and first page', shown([lookMs], units.ms)],
          ['dry run', shown([dryMs], units.ms)],
          ['POST of the redrive → 202', shown([acceptedMs], units.ms)],
          ['POST → all are started again', shown([startedS], units.s)],
          ['POST → all have ended again', shown([endedS], units.s)],
          ['redriven', shown([letters / startedS], units.perSecond)],
        ],
        note: 'Runs of one step that fails at once, on an idle stack; each redrive is a run anew, which fails and is a letter again. One run.',
      },
    ];
  });
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const startedAt = nowMs();
  const result = await work();
  return [nowMs() - startedAt, result];
}
