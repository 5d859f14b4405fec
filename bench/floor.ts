/**
 * The floor: the same mails from a bare loop over the same kind of pool, in a process of its own, without any queue. It
 * forgets all when it dies, and knows nothing of what it sent.
 */
import { createTransport, type Transporter } from 'nodemailer';
import { renderMail } from '../templates/index.js';
import { nowMs } from './clock.js';
import { answerQuestions } from './helper.js';
import { recipientsOf } from './recipients.js';

export type FloorQuestions = typeof questions;

let pool: Transporter;
let connections = 0;

const questions = {
  connect(options: { port: number; connections: number }) {
    connections = options.connections;
    pool = createTransport({
      host: '127.0.0.1',
      port: options.port,
      pool: true,
      maxConnections: connections,
      maxMessages: Infinity,
    });
  },
  /** Answers when all have been accepted. @returns when it began, by the clock of clock.ts */
  async send(count: number) {
    const recipients = recipientsOf(count);
    const startedAt = nowMs();
    let next = 0;
    const lane = async () => {
      for (let at = next++; at < count; at = next++) {
        const recipient = recipients[at]!;
        await pool.sendMail({
          ...renderMail('welcome', recipient),
          from: 'Longhaul <no-reply@localhost>',
          to: { name: recipient.name, address: recipient.email },
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(connections, count) }, lane));
    return startedAt;
  },
};
answerQuestions(questions);
