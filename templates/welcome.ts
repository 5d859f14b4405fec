import { page, type MailTexts } from './mail-texts.js';

export const welcome: MailTexts = {
  subject: 'Welcome{{#if name}}, {{name}}{{/if}}',

  text: `Hello {{#if name}}{{name}}{{else}}there{{/if}},

your account is ready. Sign in with this address: {{email}}

Everything is set up for you, and nothing else is needed to get started.

You get this mail because an account was made with this address. If it
was not you, you need not do anything.
`,

  html: page(
    'Your account is ready.',
    `
<p>Hello {{#if name}}{{name}}{{else}}there{{/if}},</p>
<p>your account is ready. Sign in with this address: <strong>{{email}}</strong></p>
<p>Everything is set up for you, and nothing else is needed to get started.</p>
<p class="small">You get this mail because an account was made with this address. If it was not you, you need not do anything.</p>
`,
  ),
};
