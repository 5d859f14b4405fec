/** A real SMTP server inside the test, that keeps what it took and misbehaves as told. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export interface Delivery {
  readonly to: string;
  readonly from: string;
  readonly messageId: string;
  readonly raw: string;
  /** Date.now() when it was taken. */
  readonly at: number;
}

/** What is answered for a recipient: undefined takes it. */
export type Reply = { readonly code: number; readonly text: string } | 'drop' | undefined;

export interface MailboxOptions {
  /** Per message, between DATA and the answer. */
  delayMs?: number;
  /** Answers RCPT TO. `attempt` counts the tries for this address, from 1. `'drop'` cuts the connection. */
  atRecipient?: (address: string, attempt: number) => Reply;
  /** Answers the end of DATA, after the delay. A mail that is dropped here has not been taken. */
  atData?: (address: string, attempt: number) => Reply;
  /** Cuts the connection after the mail was taken and before the answer: the sender can't know. */
  dropAfterTaking?: (address: string) => boolean;
}

export class Mailbox {
  /** May be changed while it runs. */
  readonly behaviour: MailboxOptions;
  readonly deliveries: Delivery[] = [];
  /** Open now. */
  connections = 0;
  /** Ever opened. */
  connectionsEver = 0;
  mostConnections = 0;
  readonly #tries = new Map<string, number>();
  readonly #sockets = new Map<string, Socket>();
  #server: SMTPServer | undefined;
  #port = 0;

  constructor(behaviour: MailboxOptions = {}) {
    this.behaviour = behaviour;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.#port}`;
  }

  get size(): number {
    return this.deliveries.length;
  }

  /** The distinct addresses that got at least one mail, sorted. */
  recipients(): string[] {
    return [...new Set(this.deliveries.map(({ to }) => to))].sort();
  }

  messageIds(): Set<string> {
    return new Set(this.deliveries.map(({ messageId }) => messageId));
  }

  /** Deliveries to one address. */
  to(address: string): Delivery[] {
    return this.deliveries.filter(({ to }) => to === address);
  }

  triesFor(address: string): number {
    return this.#tries.get(address) ?? 0;
  }

  /** On the same port as before, if it was open once. */
  async open(): Promise<this> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      logger: false,
      onConnect: (session, done) => this.#connected(session, done),
      onClose: (session) => this.#closed(session),
      onRcptTo: ({ address }, session, done) => {
        const attempt = this.triesFor(address) + 1;
        this.#tries.set(address, attempt);
        this.#answer(this.behaviour.atRecipient?.(address, attempt), session, done);
      },
      onData: (stream, session, done) => void this.#take(stream, session, done),
    });
    server.server.on('connection', (socket: Socket) => {
      this.#sockets.set(`${socket.remotePort}`, socket);
    });
    server.on('error', () => undefined); // cut connections, mostly by us
    server.listen(this.#port, '127.0.0.1');
    await once(server.server, 'listening');
    this.#port = (server.server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Cuts all connections and takes no new ones, as if the server were gone. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #take(
    stream: NodeJS.ReadableStream,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
  ): Promise<void> {
    const raw = await text(stream).catch(() => undefined);
    if (raw === undefined) return; // the sender died half-way through
    const { delayMs = 0, atData, dropAfterTaking } = this.behaviour;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const to = session.envelope.rcptTo[0]!.address;
    const reply = atData?.(to, this.triesFor(to));
    if (reply !== undefined) return this.#answer(reply, session, done);

    const { mailFrom } = session.envelope;
    this.deliveries.push({
      to,
      from: mailFrom === false ? '' : mailFrom.address,
      messageId: /^message-id:\s*(\S+)/im.exec(raw)?.[1] ?? '',
      raw,
      at: Date.now(),
    });
    this.#answer(dropAfterTaking?.(to) ? 'drop' : undefined, session, done);
  }

  #answer(reply: Reply, session: SMTPServerSession, done: (error?: Error | null) => void): void {
    if (reply === 'drop') this.#sockets.get(`${session.remotePort}`)?.destroy();
    else done(reply && Object.assign(new Error(reply.text), { responseCode: reply.code }));
  }

  #connected(_session: SMTPServerSession, done: (error?: Error | null) => void): void {
    this.connections++;
    this.connectionsEver++;
    this.mostConnections = Math.max(this.mostConnections, this.connections);
    done();
  }

  #closed(session: SMTPServerSession): void {
    this.connections--;
    this.#sockets.delete(`${session.remotePort}`);
  }
}

export const openMailbox = (behaviour?: MailboxOptions): Promise<Mailbox> => new Mailbox(behaviour).open();
