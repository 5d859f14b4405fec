import { z } from 'zod';
import { defineJob, step } from './define-job.js';
import { list, type ListRef } from './lists.js';
import type { Slice, SliceOutcome, SlicePlan } from './slices.js';

/** The mails that can be sent, and the `data` keys that each needs of every row. Their texts are in templates/. */
export const mailTemplates = {
  welcome: { needs: [] },
  'trial-ending': { needs: ['plan', 'endsOn'] },
} as const satisfies Record<string, { needs: readonly string[] }>;

export type MailTemplate = keyof typeof mailTemplates;

const templateNames = Object.keys(mailTemplates) as [MailTemplate, ...MailTemplate[]];

const maxDataBytes = 4_096;
const byteLength = (text: string) => new TextEncoder().encode(text).length;

export const recipient = () =>
  z.strictObject({
    email: z
      .string()
      .trim()
      .pipe(z.email('must be an e-mail address; write an international domain in Punycode (xn--…)').max(254))
      .meta({ description: 'Trimmed before it is checked.', format: 'email', examples: ['ada@example.com'] }),
    name: z
      .string()
      .max(256)
      .refine((name) => !/[\r\n\0]/.test(name), 'must not hold a line break or NUL')
      .meta({ pattern: '^[^\\r\\n\\x00]*$' })
      .optional()
      .meta({ description: 'Greets as given; HTML is escaped.', examples: ['Ada Lovelace'] }),
    data: z
      .record(z.string().min(1).max(64), z.union([z.string(), z.number(), z.boolean()]))
      .refine(
        (data) => byteLength(JSON.stringify(data)) <= maxDataBytes,
        `must be at most ${maxDataBytes} bytes of JSON`,
      )
      .optional()
      .meta({ description: 'Read in templates as data.<key>. At most 4 KiB.', examples: [{ plan: 'pro' }] }),
  });

export type Recipient = z.output<ReturnType<typeof recipient>>;

/** What a recipient lacks of what its template needs. */
function missingData(row: Recipient, template: MailTemplate) {
  return mailTemplates[template].needs
    .filter((key) => row.data?.[key] === undefined)
    .map((key) => ({ path: ['data', key], message: `is needed by the template "${template}"` }));
}

export interface MailSlice extends Slice {
  readonly template: MailTemplate;
}

export const emailCampaign = defineJob({
  type: 'email-campaign',
  summary: 'Send one mail to each recipient of a list.',
  taskQueue: 'email',
  deadline: '30d',
  input: () =>
    z.strictObject({
      template: z.enum(templateNames).meta({ description: 'Which mail to send.' }),
      recipients: list(recipient(), {
        inline: 10_000,
        upload: 1_000_000,
        faults: (row, input) => missingData(row, input['template'] as MailTemplate),
      }),
    }),
  output: () =>
    z.strictObject({
      recipients: z.int(),
      sent: z.int(),
      failed: z.int(),
      duplicate: z.int(),
      unknown: z.int(),
      failures: z.strictObject({ href: z.string() }),
    }),
  example: { template: 'welcome', recipients: [{ email: 'ada@example.com', name: 'Ada Lovelace' }] },
  filesOf: ({ recipients }) => [recipients.fileId],
  steps: {
    prepareRecipients: step<{ template: MailTemplate; recipients: ListRef }, ListRef>({
      startToClose: '1h',
      scheduleToClose: '2h',
      heartbeat: '10s',
      retry: 'patient',
    }),
    sendSlice: step<MailSlice, SliceOutcome>({ startToClose: '10m', heartbeat: '10s', retry: 'outage' }),
  },
});

export const campaignSlices: SlicePlan = {
  step: 'sendSlice',
  rows: 250,
  window: 2,
  sliceMs: 2_000,
  historyBytes: 500_000,
  rounds: 'refusedForNow',
};
