/** The examples of schedules that OpenAPI shows. */
export const exampleScheduleBody = {
  type: 'email-campaign',
  input: { template: 'welcome', recipients: [{ email: 'ada@example.com', name: 'Ada Lovelace' }] },
  cron: '30 8 * * MON',
  timeZone: 'Europe/Berlin',
  tags: ['weekly'],
};

export const exampleFirings = [
  { utc: '2026-07-06T06:30:00.000Z', local: '2026-07-06T08:30:00+02:00[Europe/Berlin]' },
  { utc: '2026-07-13T06:30:00.000Z', local: '2026-07-13T08:30:00+02:00[Europe/Berlin]' },
];

const temporal = 'http://127.0.0.1:8233/namespaces/default';
const run = {
  workflowId: 'email-campaign:weekly-2026-06-29T06:30:00Z',
  runId: '01980b1e-7c3a-7d0e-9d3f-5a1b2c3d4e5f',
  links: {
    self: '/v1/runs/email-campaign:weekly-2026-06-29T06:30:00Z',
    temporalUi: `${temporal}/workflows/email-campaign:weekly-2026-06-29T06:30:00Z/01980b1e-7c3a-7d0e-9d3f-5a1b2c3d4e5f`,
  },
};

export const exampleSchedule = {
  id: 'weekly',
  type: 'email-campaign',
  input: {
    template: 'welcome',
    recipients: { fileId: `default.${'0a1b2c3d'.repeat(8)}`, format: 'list', count: 1 },
  },
  cron: '30 8 * * MON',
  timeZone: 'Europe/Berlin',
  overlap: 'skip',
  catchUpWindow: '10m',
  paused: false,
  tags: ['weekly'],
  onAmbiguous: 'resend',
  createdAt: '2026-06-24T12:00:00.000Z',
  next: exampleFirings,
  recent: [
    { ...run, nominalTime: '2026-06-29T06:30:00.000Z', startedAt: '2026-06-29T06:30:00.031Z', status: 'completed' },
  ],
  running: [],
  taken: 1,
  missed: 0,
  skipped: 0,
  waiting: 0,
  dropped: 0,
  links: { self: '/v1/schedules/weekly', temporalUi: `${temporal}/schedules/weekly` },
};
