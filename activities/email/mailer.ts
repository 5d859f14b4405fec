/** Sends one mail over a pool of SMTP connections, and tells exactly how that ended. */
import { createTransport } from 'nodemailer';

export interface Mail {
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Stable for an effect: a mail sent again keeps it, so that receivers can drop the second. */
  readonly messageId: string;
}

export type Delivery =
  | { readonly state: 'accepted' }
  /** The server answered 4xx (`permanent: false`) or 5xx; `reply` begins with its code. */
  | { readonly state: 'refused'; readonly permanent: boolean; readonly reply: string }
  /** The connection broke. If `handedOver`, the mail may have arrived all the same. */
  | { readonly state: 'lost'; readonly handedOver: boolean; readonly reason: string }
  /** There was no connection to begin with: server down, name unknown, login refused. */
  | { readonly state: 'away'; readonly reason: string };

export interface Mailer {
  readonly connections: number;
  send(mail: Mail): Promise<Delivery>;
  close(): void;
}

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly connections: number;
  readonly auth?: { readonly user: string; readonly pass: string };
}

export function smtpMailer({ connections, ...server }: SmtpSettings, from: string): Mailer {
  const pool = createTransport({
    ...server,
    pool: true,
    maxConnections: connections,
    maxMessages: Infinity,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 60_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  pool.use('stream', (mail, done) => {
    const create = mail.message.createReadStream.bind(mail.message);
    mail.message.createReadStream = (options) => ((mail.data as TrackedMail).track.body = create(options));
    done();
  });
  return {
    connections,
    async send(mail) {
      const message: TrackedMail = { ...mail, from, track: {} };
      try {
        await pool.sendMail(message);
        return { state: 'accepted' };
      } catch (error) {
        return deliveryOf(error as SmtpError, message.track.body);
      }
    },
    close: () => pool.close(),
  };
}

/**
 * A lost connection is ambiguous only if bytes of the mail had gone out: `body` is the stream that carries them, from
 * the moment that a connection takes the mail. nodemailer copies a message and keeps what its fields refer to.
 */
interface TrackedMail extends Mail {
  readonly from: string;
  readonly track: { body?: { readonly readableDidRead: boolean } };
}

/** What nodemailer's errors carry: https://nodemailer.com/errors */
interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly syscall?: string;
  readonly response?: string;
  readonly responseCode?: number;
}

const beforeAnyMail = new Set(['EDNS', 'EAUTH', 'ETLS', 'EPROXY']);

function deliveryOf(error: SmtpError, body: TrackedMail['track']['body']): Delivery {
  const reason = error.response ?? error.message;
  if (body === undefined || error.syscall === 'connect' || beforeAnyMail.has(error.code ?? ''))
    return { state: 'away', reason };
  if (error.responseCode !== undefined)
    return { state: 'refused', permanent: error.responseCode >= 500, reply: reason };
  if (error.code === 'EENVELOPE' || error.code === 'EMESSAGE')
    return { state: 'refused', permanent: true, reply: reason };
  return { state: 'lost', handedOver: body.readableDidRead, reason };
}
