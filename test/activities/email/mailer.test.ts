import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smtpMailer, type Mailer } from '../../../activities/email/mailer.js';
import { openMailbox, type Mailbox } from '../../support/mailbox.js';

let mailbox: Mailbox;
let mailer: Mailer;

beforeEach(async () => {
  mailbox = await openMailbox();
  const { port } = new URL(mailbox.url);
  mailer = smtpMailer({ host: '127.0.0.1', port: Number(port), secure: false, connections: 2 }, 'me@example.org');
});
afterEach(async () => {
  mailer.close();
  await mailbox.close();
});

const send = (address = 'you@example.com') =>
  mailer.send({ to: { name: '', address }, subject: 's', text: 't', html: '<p>t</p>', messageId: '<1@example.org>' });

describe.each(['first', 'later'] as const)('on a %s mail of a connection', (which) => {
  beforeEach(async () => {
    if (which === 'later') await send();
  });

  test('a refusal is told with the reply of the server', async () => {
    mailbox.behaviour.atRecipient = () => ({ code: 550, text: 'no such user' });
    expect(await send()).toEqual({ state: 'refused', permanent: true, reply: '550 no such user' });
    mailbox.behaviour.atRecipient = () => ({ code: 451, text: 'later' });
    expect(await send()).toEqual({ state: 'refused', permanent: false, reply: '451 later' });
    mailbox.behaviour.atRecipient = () => undefined;
    mailbox.behaviour.atData = () => ({ code: 554, text: 'spam' });
    expect(await send()).toEqual({ state: 'refused', permanent: true, reply: '554 spam' });
  });

  test('a connection that breaks once the mail went out counts as handed over, and is not tried again by the pool', async () => {
    mailbox.behaviour.dropAfterTaking = () => true;
    expect(await send('lost@example.com')).toMatchObject({ state: 'lost', handedOver: true });
    expect(mailbox.to('lost@example.com')).toHaveLength(1);
  });
});

test('a connection that breaks before the mail went out does not count as handed over', async () => {
  mailbox.behaviour.atRecipient = () => 'drop';
  expect(await send()).toMatchObject({ state: 'lost', handedOver: false });
});

test('a server that is away is told apart from a refusal, also if it was there before', async () => {
  await send();
  await mailbox.close();
  expect(await send()).toMatchObject({ state: 'away', reason: expect.stringContaining('ECONNREFUSED') });
  await mailbox.open();
  expect(await send()).toEqual({ state: 'accepted' });
});

test('an address that SMTP cannot carry is refused for good, not sent to somebody else', async () => {
  expect(await send('a@example.com>\r\nRCPT TO:<b@example.com')).toMatchObject({ state: 'refused', permanent: true });
  expect(mailbox.size).toBe(0);
});
