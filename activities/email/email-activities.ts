/** The steps of a campaign: check the recipients, send a slice of them. */
import { createHash } from 'node:crypto';
import type { StepsOf } from '../../jobs/define-job.js';
import { emailCampaign, campaignSlices, mailTemplates, type Recipient } from '../../jobs/email-campaign.js';
import { PermanentError } from '../../jobs/errors.js';
import type { Blobs } from '../../storage/blobs.js';
import type { Ledger } from '../../storage/ledger.js';
import { renderMail } from '../../templates/index.js';
import { prepareList } from '../lists/prepare-list.js';
import type { Slots } from '../lists/slots.js';
import { workSlice, type Ended } from '../lists/work-slice.js';
import type { StepContext } from '../step-context.js';
import type { Delivery, Mailer } from './mailer.js';

export interface EmailTools {
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  readonly mailer: Mailer;
  readonly mailDomain: string;
  /** One per SMTP connection, shared by all slices of this process. */
  readonly connections: Slots;
  readonly pace?: () => Promise<void> | void;
  readonly stepContext: () => StepContext;
}

export function emailActivities({ ledger, blobs, mailer, mailDomain, connections, pace, stepContext }: EmailTools) {
  return {
    async prepareRecipients({ template, recipients }) {
      requireTemplate(template);
      return prepareList(emailCampaign, 'recipients', recipients, { template }, { blobs, context: stepContext() });
    },

    async sendSlice({ template, ...slice }) {
      requireTemplate(template);
      return workSlice<Recipient>(
        slice,
        {
          plan: campaignSlices,
          slots: connections,
          ...(pace && { pace }),
          effectOf: ({ email }, { tenant, holder }) =>
            `${tenant}/email/${holder.workflowId}/${sha256(normalised(email))}`,
          aboutOf: ({ email }) => email,
          prepare: (recipient, effect) => {
            const { email, name = '' } = recipient;
            const mail = {
              ...renderMail(template, recipient),
              to: { name, address: email },
              messageId: `<${sha256(effect)}@${mailDomain}>`,
            };
            return async () => endedAs(await mailer.send(mail));
          },
        },
        { ledger, blobs, context: stepContext() },
      );
    },
  } satisfies StepsOf<typeof emailCampaign>;
}

/** A run that was started from Temporal's UI has not been checked by the API. */
function requireTemplate(template: string): void {
  if (Object.hasOwn(mailTemplates, template)) return;
  const known = Object.keys(mailTemplates).join(', ');
  throw new PermanentError('unknown-template', `There is no mail template "${template}", only ${known}.`);
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Two spellings of one mailbox are one recipient. */
const normalised = (email: string) => email.trim().toLowerCase();

function endedAs(delivery: Delivery): Ended {
  switch (delivery.state) {
    case 'accepted':
      return { state: 'done' };
    case 'refused':
      return delivery.permanent
        ? { state: 'failed', code: 'mail-refused', message: delivery.reply }
        : { state: 'retry', code: 'mail-refused-for-now', message: delivery.reply };
    case 'lost':
      return { state: delivery.handedOver ? 'ambiguous' : 'retry', code: 'connection-lost', message: delivery.reason };
    case 'away':
      return { state: 'away', error: new Error(`The mail server can't be reached: ${delivery.reason}`) };
  }
}
