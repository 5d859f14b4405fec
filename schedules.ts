/**
 * The schedules that belong to this code. `npm run schedules -- --check` shows what differs on the server, `-- --apply`
 * makes it so, and touches no other. docs/schedules.md tells the fields.
 */
import type { ScheduleDeclaration } from './client/schedules.js';

export const schedules: readonly ScheduleDeclaration[] = [
  // {
  //   id: 'monday-mail',
  //   type: 'email-campaign',
  //   input: { template: 'welcome', recipients: [{ email: 'ada@example.com' }] },
  //   cron: '30 8 * * MON',
  //   timeZone: 'Europe/Berlin',
  // },
];
