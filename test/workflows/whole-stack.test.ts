import { expect, test } from 'vitest';
import { addressesOf, campaignOf } from '../support/campaigns.js';
import { openMailbox } from '../support/mailbox.js';
import { until } from '../support/until.js';
import { startWholeStack } from '../support/whole-stack.js';

test.each(['resend', 'hold'] as const)(
  'everything killed in the middle of a campaign (%s) and started again: nobody is missed, and the accounts add up',
  async (onAmbiguous) => {
    await using mailbox = await openMailbox({ delayMs: 20 });
    await using stack = await startWholeStack({ env: { SMTP_URL: mailbox.url } });
    const { run } = await stack.client.start('email-campaign', campaignOf(600), { onAmbiguous });
    await until('a hundred mails are out', () => mailbox.size > 100);

    await stack.killAll();
    expect(mailbox.size).toBeLessThan(600);
    await stack.start();

    const { status, result } = await stack.client.result<'email-campaign'>(run, { waitSeconds: 100 });
    expect(status).toBe('completed');
    expect(result!.sent + result!.unknown).toBe(600);
    const repeated = mailbox.size - mailbox.recipients().length;
    if (onAmbiguous === 'resend') {
      expect(mailbox.recipients()).toEqual(addressesOf(600));
      expect(repeated).toBeLessThanOrEqual(10 + 10); // the connections, and what ended within 10 ms
    } else {
      expect(repeated).toBe(0);
      expect(mailbox.recipients().length).toBeGreaterThanOrEqual(result!.sent);
    }
    expect(mailbox.messageIds().size).toBe(mailbox.recipients().length);
  },
);
