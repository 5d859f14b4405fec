import { expect, test } from 'vitest';
import { Problem } from '../../client/index.js';
import { startStack } from '../support/stack.js';
import { until } from '../support/until.js';

test('the life of a run through the client: delayed, moved, paused, failed, redriven, discarded, in batches', async () => {
  const refused = new Set(['no@x.example', 'never@x.example']);
  await using stack = await startStack({
    mail: { atRecipient: (to) => (refused.has(to) ? { code: 550, text: 'no such user' } : undefined) },
  });
  const { client } = stack;
  const mailTo = (...emails: string[]) => ({
    template: 'welcome' as const,
    recipients: emails.map((email) => ({ email })),
  });

  const { run } = await client.start('email-campaign', mailTo('yes@x.example', 'no@x.example'), {
    ...{ runAt: new Date(Date.now() + 3_600_000), priority: 1, tags: ['life'] },
  });
  expect(run).toMatchObject({ status: 'scheduled', tags: ['life'] });
  expect((await client.why(run)).why).toMatch(/waits for its time/);
  expect((await client.reschedule(run, { delay: '2h', by: 'ada' })).status).toBe('scheduled');
  expect((await client.pause(run, { by: 'ada', reason: 'wait' })).status).toBe('paused');
  expect((await client.resume(run)).status).toBe('scheduled');
  await client.runNow(run);
  expect((await client.result(run)).result).toMatchObject({ sent: 1, failed: 1 });
  expect((await client.run(run)).acts!.map(({ act }) => act)).toEqual(['run-now', 'resume', 'pause', 'reschedule']);

  expect((await client.deadLetters.list({ tag: 'life' })).groups).toMatchObject([{ code: 'mail-refused', count: 1 }]);
  refused.delete('no@x.example');
  expect(await client.deadLetters.redrive({ tag: 'life', dryRun: true })).toMatchObject({ count: 1, runs: 1 });
  const { bulk } = await client.deadLetters.redrive({ tag: 'life', by: 'ada' });
  await client.result(bulk!);
  expect((await client.items(bulk!)).items).toMatchObject([{ workflowId: run.workflowId, outcome: 'done' }]);
  expect((await client.result(run)).result).toMatchObject({ sent: 2, failed: 0 });

  const { batch, items } = await client.startBatch('email-campaign', [
    { input: mailTo('never@x.example'), tags: ['batched'] },
    { input: mailTo('nobody') },
  ]);
  expect(items.map(({ outcome }) => outcome)).toEqual(['accepted', 'refused']);
  await client.result(batch!);
  const [first] = items;
  await client.result((first as { workflowId: string }).workflowId);
  expect(await client.deadLetters.discard({ tag: 'batched', reason: 'gone' })).toMatchObject({ count: 1 });
  const again = await client.redrive((first as { workflowId: string }).workflowId).catch((error: unknown) => error);
  expect(again).toBeInstanceOf(Problem);

  await client.pauseJobType('email-campaign', { reason: 'stop' });
  const { run: held } = await client.start('email-campaign', mailTo('held@x.example'), { tags: ['held'] });
  await until('it waits', async () => (await client.run(held)).status === 'paused');
  await until('it is listed', async () => (await client.runs({ tag: 'held', status: 'paused' })).runs.length === 1);
  const { bulk: cancelled } = await client.cancelAll({ tag: 'held', reason: 'no more' });
  await client.result(cancelled!);
  expect((await client.result(held)).status).toBe('cancelled');
  await client.resumeJobType('email-campaign');

  const { run: last } = await client.start('email-campaign', mailTo('last@x.example'), { delay: '1h' });
  expect((await client.terminate(last, { reason: 'test is over' })).status).toBe('terminated');
});
