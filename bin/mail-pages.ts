/**
 * The catcher's two pages. Handlebars escapes whatever stands in {{ }}; <bdi> keeps what turns the reading direction to
 * itself.
 */
import Handlebars from 'handlebars';
import type { MailSummary } from './mail-store.js';

export interface ListPage {
  readonly to: string;
  readonly mails: readonly MailSummary[];
  readonly count: number;
  /** Where the next, older page begins; null on the last. */
  readonly next: number | null;
}

export interface DetailPage extends MailSummary {
  readonly headers: string;
  readonly text: string | undefined;
  readonly hasHtml: boolean;
}

const style = `
  :root { color-scheme: light dark; --line: #8883; --soft: #8881; --accent: #2563eb; }
  * { box-sizing: border-box }
  body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif }
  header { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; margin-bottom: 1rem }
  h1 { font-size: 1.25rem; margin: 0 } h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; opacity: .7; margin: 1.5rem 0 .4rem }
  form { margin-left: auto; display: flex; gap: .5rem } input, button { font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); border-radius: 6px; background: none; color: inherit }
  a { color: var(--accent); text-decoration: none } a:hover { text-decoration: underline }
  table { width: 100%; border-collapse: collapse; table-layout: fixed } td, th { text-align: left; padding: .45rem .6rem; border-bottom: 1px solid var(--line); overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
  tr:hover td { background: var(--soft) } .when { width: 16rem; font-variant-numeric: tabular-nums; opacity: .8 } .to { width: 35% }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); border: 1px solid var(--line); border-radius: 8px; padding: .9rem; margin: 0 }
  iframe { width: 100%; height: 24rem; border: 1px solid var(--line); border-radius: 8px; background: #fff }
  dl { display: grid; grid-template-columns: 6rem 1fr; gap: .2rem .8rem; margin: 0 } dt { opacity: .7 } dd { margin: 0; overflow-wrap: anywhere }
  .none { padding: 3rem; text-align: center; opacity: .7 } nav { padding: 1rem 0; text-align: right }`;

const page = (title: string, body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>${title}</title><style>${style}</style><body>${body}</body></html>`;

export const listPage = Handlebars.compile<ListPage>(
  page(
    'Mails',
    `<header><h1>{{count}} {{#if to}}mails to “<bdi>{{to}}</bdi>”{{else}}mails caught{{/if}}</h1>
      <form><input name="to" value="{{to}}" placeholder="Recipient" aria-label="Recipient"><button>Search</button></form></header>
    {{#if mails}}<table>
      <thead><tr><th class="to">To</th><th>Subject</th><th class="when">Received</th></tr></thead>
      <tbody>{{#each mails}}<tr><td class="to">{{#each to}}<bdi>{{this}}</bdi> {{/each}}</td>
        <td><a href="/messages/{{id}}">{{#if subject}}<bdi>{{subject}}</bdi>{{else}}(no subject){{/if}}</a></td>
        <td class="when">{{receivedAt}}</td></tr>{{/each}}</tbody></table>
    {{else}}<p class="none">None yet. What the worker sends arrives here; nothing leaves this machine.</p>{{/if}}
    {{#if next}}<nav><a href="/?to={{encode to}}&before={{next}}">Older →</a></nav>{{/if}}`,
  ),
  { knownHelpers: { encode: true } },
);

export const detailPage = Handlebars.compile<DetailPage>(
  page(
    '{{subject}}',
    `<header><a href="/">← All mails</a><h1>{{#if subject}}<bdi>{{subject}}</bdi>{{else}}(no subject){{/if}}</h1></header>
    <dl><dt>From</dt><dd><bdi>{{from}}</bdi></dd><dt>To</dt><dd>{{#each to}}<bdi>{{this}}</bdi> {{/each}}</dd><dt>Received</dt><dd>{{receivedAt}}</dd></dl>
    {{#if hasHtml}}<h2>HTML</h2><iframe sandbox src="/messages/{{id}}/html" title="The mail's HTML"></iframe>{{/if}}
    {{#if text}}<h2>Text</h2><pre>{{text}}</pre>{{/if}}
    <h2>Headers</h2><pre>{{headers}}</pre>
    <nav><a href="/messages/{{id}}/raw">Raw</a></nav>`,
  ),
);

Handlebars.registerHelper('encode', (text: string) => encodeURIComponent(text));
