/**
 * The mail catcher, a process of its own: takes every mail, keeps it, shows it, sends nothing on.
 * `node dist/bin/mail-catcher.js <SMTP port>`; DATA_DIR and MAIL_UI_PORT as everywhere.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { SMTPServer } from 'smtp-server';
import { makeDataDir, readConfig } from '../config.js';
import { openMailStore } from './mail-store.js';
import { mailUi } from './mail-ui.js';

const smtpPort = Number(process.argv[2]);
const config = readConfig(process.env);
const log = pino(
  { level: config.logLevel, base: { process: 'mail-catcher' } },
  pino.destination({ dest: 2, sync: true }),
);

makeDataDir(config.dataDir);
const store = openMailStore(join(config.dataDir, 'mails.db'));

const smtp = new SMTPServer({
  authOptional: true,
  allowInsecureAuth: true,
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  logger: false,
  onAuth: ({ username }, _session, done) => done(null, { user: username ?? '' }),
  onData(stream, { envelope }, done) {
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    const to = envelope.rcptTo.map(({ address }) => address);
    const chunks: Buffer[] = []; // stream/consumers' buffer() goes through a Blob: a fifth of the CPU per mail
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      // 250 only once it is kept: what counts as delivered is here.
      store.add({ from, to, raw: Buffer.concat(chunks) }).then(
        () => done(null, 'caught'),
        (error: Error) => {
          log.error({ error: error.message }, 'a mail could not be kept');
          done(Object.assign(new Error('could not be kept'), { responseCode: 451 }));
        },
      );
    });
  },
});
smtp.on('error', (error) => log.warn({ error: error.message }, 'an SMTP connection failed'));

const ui = mailUi(store).listen(config.mail.uiPort, '127.0.0.1');
smtp.listen(smtpPort, '127.0.0.1');
await Promise.all([once(ui, 'listening'), once(smtp.server, 'listening')]);
log.info({ smtp: `smtp://127.0.0.1:${smtpPort}`, ui: `http://127.0.0.1:${config.mail.uiPort}` }, 'catching mails');

// Whoever got no 250 by now sends again.
for (const end of ['SIGTERM', 'SIGINT', 'disconnect'] as const) {
  process.once(end, () => {
    store.close();
    process.exit(0);
  });
}
