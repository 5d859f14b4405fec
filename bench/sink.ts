/**
 * The mail server of the bench, a process of its own: real SMTP, as cheap as it can be, since it shares the machine with
 * what is measured. A mail has arrived when the server accepts it, after `delayMs`.
 */
import { SMTPServer } from 'smtp-server';
import { nowMs } from './clock.js';
import { answerQuestions } from './helper.js';

export interface Arrivals {
  readonly firstAt: number;
  readonly lastAt: number;
  /** Mails accepted, repeated ones too. */
  readonly mails: number;
  readonly recipients: number;
  readonly messageIds: number;
}

export type SinkQuestions = typeof questions;

let delayMs = 0;
let firstAt = 0;
let lastAt = 0;
let mails = 0;
/** By recipient, when its first mail was accepted, in Unix milliseconds. */
let recipients = new Map<string, number>();
let messageIds = new Set<string>();
let awaited: { recipients: number; resolve: (arrivals: Arrivals) => void } | undefined;

const server = new SMTPServer({
  authOptional: true,
  hideSTARTTLS: true,
  disableReverseLookup: true,
  logger: false,
  onData(stream, session, done) {
    const { rcptTo } = session.envelope; // another one once this mail is accepted
    let messageId: string | undefined;
    stream.on('data', (chunk: Buffer) => (messageId ??= messageIdIn(chunk)));
    stream.once('end', () => {
      if (delayMs === 0) accept();
      else setTimeout(accept, delayMs);
    });
    const accept = () => {
      done();
      lastAt = nowMs();
      if (mails++ === 0) firstAt = lastAt;
      for (const { address } of rcptTo) if (!recipients.has(address)) recipients.set(address, Date.now());
      if (messageId !== undefined) messageIds.add(messageId);
      if (awaited !== undefined && recipients.size >= awaited.recipients) {
        awaited.resolve(arrivals());
        awaited = undefined;
      }
    };
  },
});
server.on('error', () => undefined); // a killed worker's connections: its mails come again on new ones

const questions = {
  listen: () =>
    new Promise<number>((resolve) => {
      const listening = server.listen(0, '127.0.0.1', () => resolve((listening.address() as { port: number }).port));
    }),
  /** Forgets what came so far. */
  reset(options: { delayMs: number }) {
    delayMs = options.delayMs;
    firstAt = lastAt = mails = 0;
    recipients = new Map();
    messageIds = new Set();
    awaited = undefined;
  },
  /** Answers at once when so many different recipients have got their mail. */
  until: (wanted: number) =>
    new Promise<Arrivals>((resolve) => {
      if (recipients.size >= wanted) resolve(arrivals());
      else awaited = { recipients: wanted, resolve };
    }),
  arrivals,
  arrivedAt: () => Object.fromEntries(recipients),
};
answerQuestions(questions);

function arrivals(): Arrivals {
  return { firstAt, lastAt, mails, recipients: recipients.size, messageIds: messageIds.size };
}

/** It stands in the head of the mail, which is in its first chunk; a long one on a line of its own. */
function messageIdIn(chunk: Buffer): string | undefined {
  const header = chunk.indexOf('Message-ID:');
  if (header === -1) return undefined;
  const from = chunk.indexOf('<', header) + 1;
  return chunk.toString('latin1', from, chunk.indexOf('>', from));
}
