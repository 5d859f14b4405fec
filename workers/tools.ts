/** What the activities need of the outside world, opened once per process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { smtpMailer, type SmtpSettings } from '../activities/email/mailer.js';
import { allActivities } from '../activities/index.js';
import { Slots } from '../activities/lists/slots.js';
import { stepContext } from '../activities/step-context.js';
import { ConfigError, type Config } from '../config.js';
import { openStorage } from '../storage/index.js';
import { otherRuns } from './other-runs.js';
import { pacer } from './pacer.js';

/** @throws ConfigError without a mail server to send to */
export async function openTools({ dataDir, mail, worker }: Config) {
  const smtp = mail.smtp ?? (worker.queues.includes('email') ? await localCatcher(dataDir) : unused);
  const { ledger, blobs, close } = await openStorage(dataDir);
  const mailer = smtpMailer(smtp, mail.from);
  const connections = new Slots(mailer.connections);
  const pace = mail.ratePerSecond === undefined ? undefined : pacer(mail.ratePerSecond);
  /** The same tools for all task queues of the process. */
  const activitiesWith = (client: Client) =>
    allActivities({
      otherRuns: otherRuns(client, ledger),
      ledger,
      blobs,
      stepContext,
      mailer,
      connections,
      mailDomain: mail.domain,
      ...(pace && { pace }),
    });
  return {
    ledger,
    activitiesWith,
    close: async () => {
      mailer.close();
      await close();
    },
  };
}

/** A worker without the queue `email` never connects. */
const unused: SmtpSettings = { host: '127.0.0.1', port: 25, secure: false, connections: 1 };

/** The port of the mail catcher that `npm start` keeps in DATA_DIR. */
async function localCatcher(dataDir: string): Promise<SmtpSettings> {
  const port = Number(await readFile(join(dataDir, 'smtp-port'), 'utf8').catch(() => ''));
  if (!(port > 0)) {
    throw new ConfigError([
      `There is no mail server to send to: SMTP_URL is unset, and no local catcher has run in ${dataDir}. Set SMTP_URL=smtp://host:port, or run npm start, which brings a catcher.`,
    ]);
  }
  return { host: '127.0.0.1', port, secure: false, connections: 10 };
}
