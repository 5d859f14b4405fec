import { page, type MailTexts } from './mail-texts.js';

export const trialEnding: MailTexts = {
  subject: 'Your {{data.plan}} trial ends on {{data.endsOn}}',

  text: `Hello {{#if name}}{{name}}{{else}}there{{/if}},

your trial of the plan "{{data.plan}}" ends on {{data.endsOn}}.

To keep what you have, choose a plan before then: sign in as {{email}}
and open "Plan". If you do nothing, the account goes back to the free
plan; nothing is deleted, and nothing is charged.
`,

  html: page(
    'Choose a plan to keep what you have.',
    `
<p>Hello {{#if name}}{{name}}{{else}}there{{/if}},</p>
<p>your trial of the plan <strong>{{data.plan}}</strong> ends on <strong>{{data.endsOn}}</strong>.</p>
<p>To keep what you have, choose a plan before then: sign in as {{email}} and open “Plan”.</p>
<p class="small">If you do nothing, the account goes back to the free plan; nothing is deleted, and nothing is charged.</p>
`,
  ),
};
