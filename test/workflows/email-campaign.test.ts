import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { addressesOf, addressOf, campaignOf } from '../support/campaigns.js';
import { startStack } from '../support/stack.js';
import { until } from '../support/until.js';

test('500 recipients get one mail each, and the accounts add up', async () => {
  await using stack = await startStack();
  const run = await stack.start('email-campaign', campaignOf(500));
  const result = await run.result();

  expect(result).toEqual({
    recipients: 500,
    sent: 500,
    failed: 0,
    duplicate: 0,
    unknown: 0,
    failures: { href: `/v1/runs/${run.workflowId}/failures` },
  });
  expect(stack.mailbox.size).toBe(500);
  expect(stack.mailbox.recipients()).toEqual(addressesOf(500));
  expect(stack.mailbox.messageIds().size).toBe(500);
  expect((await run.now()).progress).toMatchObject({ done: 500, total: 500, unit: 'mail' });
});

test('a mail has all headers, text and HTML, and greets by the name as given', async () => {
  await using stack = await startStack({ env: { MAIL_DOMAIN: 'example.org' } });
  const name = 'Zoë "Z" <script>alert(1)</script> 🦊, & Sons';
  const run = await stack.start('email-campaign', {
    template: 'welcome',
    recipients: [{ email: '  Zoe@Example.com ', name }],
  });
  await run.result();

  const mail = await simpleParser(stack.mailbox.deliveries[0]!.raw);
  expect(mail.from?.value).toEqual([{ name: 'Longhaul', address: 'no-reply@example.org' }]);
  expect(mail.to).toMatchObject({ value: [{ name, address: 'Zoe@example.com' }] });
  expect(mail.subject).toBeTruthy();
  expect(Date.now() - mail.date!.getTime()).toBeLessThan(60_000);
  expect(mail.messageId).toMatch(/^<[0-9a-f]{64}@example\.org>$/);
  expect(mail.text).toContain(name);
  expect(mail.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(mail.html).not.toContain('<script>');
});

test('an address that stands twice in a list, in whatever spelling, gets one mail', async () => {
  await using stack = await startStack();
  const recipients = [
    ...campaignOf(300).recipients,
    { email: ' USER7@example.com' },
    { email: addressOf(7) },
    { email: addressOf(299) },
  ];
  const result = await (await stack.start('email-campaign', { template: 'welcome', recipients })).result();

  expect(result).toMatchObject({ recipients: 303, sent: 300, duplicate: 3, failed: 0, unknown: 0 });
  expect(stack.mailbox.size).toBe(300);
});

describe('what the server refuses', () => {
  test('for now (4xx) is tried again within 5 s of the first pass, for good (5xx) never', async () => {
    await using stack = await startStack({
      mail: {
        atRecipient: (address, attempt) => {
          if (address === addressOf(3) && attempt === 1) return { code: 451, text: 'greylisted, come back' };
          if (address === addressOf(5)) return { code: 550, text: 'no such user' };
          return undefined;
        },
        atData: (address, attempt) =>
          address === addressOf(8) && attempt === 1 ? { code: 452, text: 'mailbox is full just now' } : undefined,
      },
    });
    const run = await stack.start('email-campaign', campaignOf(20));
    const result = await run.result();

    expect(result).toMatchObject({ recipients: 20, sent: 19, failed: 1, duplicate: 0, unknown: 0 });
    expect(stack.mailbox.recipients()).toEqual(addressesOf(20).filter((address) => address !== addressOf(5)));
    expect(stack.mailbox.triesFor(addressOf(5))).toBe(1);
    const firstPassEnd = stack.mailbox.deliveries[16]!.at;
    for (const address of [addressOf(3), addressOf(8)]) {
      const [delivery] = stack.mailbox.to(address);
      expect(delivery!.at - firstPassEnd).toBeGreaterThan(500);
      expect(delivery!.at - firstPassEnd).toBeLessThan(5_000);
    }
    const { failures, nextCursor } = await stack.client.failures(run.workflowId);
    expect(nextCursor).toBeNull();
    expect(failures).toEqual([
      {
        index: 5,
        email: addressOf(5),
        status: 'failed',
        code: 'mail-refused',
        message: '550 no such user',
        attempts: 1,
      },
    ]);
  });

  test('the pauses before a second try are spread, not one burst', async () => {
    await using stack = await startStack({
      mail: { atRecipient: (_, attempt) => (attempt === 1 ? { code: 451, text: 'later' } : undefined) },
    });
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        stack.start('email-campaign', { template: 'welcome', recipients: [{ email: addressOf(n) }] }),
      ),
    );
    await Promise.all(runs.map((run) => run.result()));

    const pauses = await Promise.all(
      runs.map(async (run, n) => stack.mailbox.to(addressOf(n))[0]!.at - Date.parse((await run.now()).createdAt)),
    );
    expect(Math.min(...pauses)).toBeGreaterThan(900);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(700); // drawn from 1 to 3 s
  });
});

describe('when things break', () => {
  test('a mail server that is away costs nobody an attempt: the run waits, and finishes when it is back', async () => {
    await using stack = await startStack();
    await stack.mailbox.close();
    const run = await stack.start('email-campaign', campaignOf(50));
    await until('the worker has met the closed door', () => /can't be reached/.test(stack.log('worker-1')), {
      withinMs: 20_000,
    });
    expect(await run.status()).toBe('running');
    await stack.mailbox.open();

    expect(await run.result()).toMatchObject({ sent: 50, failed: 0, unknown: 0 });
    expect(stack.mailbox.size).toBe(50);
  });

  test('a connection lost before the mail was handed over is tried again', async () => {
    await using stack = await startStack({
      mail: { atRecipient: (address, attempt) => (address === addressOf(2) && attempt === 1 ? 'drop' : undefined) },
    });
    const run = await stack.start('email-campaign', campaignOf(10), { onAmbiguous: 'hold' });
    expect(await run.result()).toMatchObject({ sent: 10, unknown: 0 });
    expect(stack.mailbox.size).toBe(10);
  });

  test('a connection lost after the mail was taken: sent again with the same Message-ID, or held as unknown', async () => {
    const lostOnce = () => {
      let lost = false;
      return (address: string) => address === addressOf(2) && !lost && (lost = true);
    };
    await using resending = await startStack({ mail: { dropAfterTaking: lostOnce() } });
    expect(await (await resending.start('email-campaign', campaignOf(10))).result()).toMatchObject({
      sent: 10,
      unknown: 0,
    });
    const twice = resending.mailbox.to(addressOf(2));
    expect(twice).toHaveLength(2);
    expect(twice[0]!.messageId).toBe(twice[1]!.messageId);

    resending.mailbox.behaviour.dropAfterTaking = lostOnce();
    const held = await resending.start('email-campaign', campaignOf(10), { onAmbiguous: 'hold' });
    expect(await held.result()).toMatchObject({ recipients: 10, sent: 9, failed: 0, unknown: 1 });
    const { failures } = await resending.client.failures(held.workflowId);
    expect(failures).toMatchObject([{ index: 2, email: addressOf(2), status: 'unknown', code: 'connection-lost' }]);
  });

  test.each([
    ['resend', 'is missed, and only mails on their way come twice'],
    ['hold', 'gets a mail twice'],
  ] as const)('after kill -9 of a worker with %s, nobody %s', async (onAmbiguous, _promise) => {
    await using stack = await startStack({ workers: 2, mail: { delayMs: 20 } });
    const run = await stack.start('email-campaign', campaignOf(1_000), { onAmbiguous });
    await until('a hundred mails are out', () => stack.mailbox.size > 100);
    await stack.kill('worker-1');
    await stack.kill('worker-2'); // whichever had the slices
    await stack.startWorker();
    const { sent, failed, duplicate, unknown } = await run.result();

    expect({ failed, duplicate }).toEqual({ failed: 0, duplicate: 0 });
    expect(sent + unknown).toBe(1_000);
    expect(stack.mailbox.messageIds().size).toBe(stack.mailbox.recipients().length);
    const repeated = stack.mailbox.size - stack.mailbox.recipients().length;
    if (onAmbiguous === 'resend') {
      expect(stack.mailbox.recipients()).toEqual(addressesOf(1_000));
      expect(repeated).toBeLessThanOrEqual(2 * (10 + 10)); // per worker: 10 connections, and what ended within 10 ms
    } else {
      expect(repeated).toBe(0);
      expect(unknown).toBeGreaterThan(0);
      const { failures } = await stack.client.failures(run.workflowId, { limit: 200 });
      expect(failures.map(({ status }) => status)).toEqual(Array(unknown).fill('unknown'));
      const silent = addressesOf(1_000).filter((address) => stack.mailbox.to(address).length === 0);
      expect(failures.map(({ email }) => email)).toEqual(expect.arrayContaining(silent));
    }
  });

  test('SIGTERM ends a worker politely within seconds with exit 0, and the other finishes its run with no mail twice', async () => {
    await using stack = await startStack({ workers: 1, mail: { delayMs: 20 } });
    const run = await stack.start('email-campaign', campaignOf(1_000));
    await until('a hundred mails are out', () => stack.mailbox.size > 100);
    const stopping = stack.stop('worker-1');
    await stack.startWorker();
    expect((await stopping).code).toBe(0);

    expect(await run.result()).toMatchObject({ sent: 1_000 });
    expect(stack.mailbox.size).toBe(1_000);
  });
});

test('two workers share one campaign', async () => {
  await using stack = await startStack({ workers: 2, mail: { delayMs: 20 } });
  await (await stack.start('email-campaign', campaignOf(4_000))).result();

  expect(stack.mailbox.mostConnections).toBeGreaterThan(10); // 10 connections a worker: one alone opens no more
  expect(stack.mailbox.size).toBe(4_000);
});

test('a cancelled campaign stops within seconds, and says how far it came', async () => {
  await using stack = await startStack({ mail: { delayMs: 20 } });
  const run = await stack.start('email-campaign', campaignOf(5_000));
  await until('a hundred mails are out', () => stack.mailbox.size > 100);
  await stack.client.cancel(run.workflowId);
  expect(await run.outcome()).toMatchObject({ status: 'cancelled' });

  const { size } = stack.mailbox;
  expect(size).toBeLessThan(3_000);
  const next = await stack.start('email-campaign', campaignOf(1)); // had mails of the cancelled run been on their way, they would come before it
  await next.result();
  expect(stack.mailbox.size).toBe(size + 1);
});

test('MAIL_RATE is kept', async () => {
  await using stack = await startStack({ env: { MAIL_RATE: '20' } });
  await (await stack.start('email-campaign', campaignOf(60))).result();
  const [first, last] = [stack.mailbox.deliveries[0]!.at, stack.mailbox.deliveries.at(-1)!.at];
  expect(last - first).toBeGreaterThan(2_000); // 59 intervals of 50 ms, less what the first one waited for its connection
});
