/** The mails: what they read is what their contract asks for, and no recipient's data gets out of its place. */
import Handlebars from 'handlebars';
import { describe, expect, test } from 'vitest';
import { mailTemplates, type MailTemplate, type Recipient } from '../../jobs/email-campaign.js';
import { mails, MailTemplateError, renderMail } from '../../templates/index.js';

const names = Object.keys(mailTemplates) as MailTemplate[];

describe.each(names)('the mail "%s"', (template) => {
  test('reads of `data` exactly the keys that its contract needs, and besides only email and name', () => {
    const read = new Set(Object.values(mails[template]).flatMap(keysReadBy));
    const needed = mailTemplates[template].needs.map((key) => `data.${key}`);

    expect([...read].filter((key) => key !== 'email' && key !== 'name').sort()).toEqual([...needed].sort());
  });

  test('greets by name as given, and without one in general', () => {
    expect(renderMail(template, ada(template)).text).toMatch(/^Hello Ada Lovelace,/);
    for (const name of ['', '  ', undefined]) {
      const { subject, text, html } = renderMail(template, { ...ada(template), name });
      expect(text).toMatch(/^Hello there,/);
      expect(html).toContain('Hello there,');
      expect(subject).not.toMatch(/, *$/);
    }
  });

  test.each([
    `<script>alert(1)</script>`,
    `"quoted" 'single' \`back\` & more`,
    `{{email}} {{{data}}} {{#if`,
    `👩‍🚀 Zoë Łukasz 你好 مرحبا`,
    'x'.repeat(256),
    'constructor',
  ])('shows the name %s as it is, escaped in HTML alone', (name) => {
    const { subject, text, html } = renderMail(template, { ...ada(template), name });

    expect(text).toContain(`Hello ${name},`);
    expect(html).toContain(`Hello ${Handlebars.escapeExpression(name)},`);
    expect(html.match(/<script/gi)).toBeNull();
    expect(subject).not.toMatch(/&[a-z]+;|&#/);
  });

  test('shows data of all kinds as it is, escaped in HTML alone', () => {
    for (const value of ['<b>"&', 0, 12.5, false, true, '']) {
      const data = Object.fromEntries(mailTemplates[template].needs.map((key) => [key, value]));
      const { text, html } = renderMail(template, { ...ada(template), data });
      for (const shown of [text, html]) expect(shown).not.toMatch(/undefined|null|\[object/);
      if (mailTemplates[template].needs.length > 0) {
        expect(text).toContain(String(value));
        expect(html).toContain(Handlebars.escapeExpression(String(value)));
        expect(html).not.toContain('<b>');
      }
    }
  });

  test('a subject stays one line, whatever name and data hold', () => {
    const attack = 'a\r\nBcc: all@example.com\n\u2028\u2029\u0000\u0085b';
    const data = Object.fromEntries(mailTemplates[template].needs.map((key) => [key, attack]));
    const { subject } = renderMail(template, { email: 'ada@example.com', name: attack, data });

    expect(subject).toContain('a Bcc: all@example.com b');
    expect(subject).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  });

  test('loads nothing from outside', () => {
    const { html } = renderMail(template, ada(template));
    expect(html.match(/https?:|<img|<link|url\(|src=/gi)).toBeNull();
  });

  test('takes at most 30 µs', () => {
    const recipient = ada(template);
    const round = () => {
      const from = process.hrtime.bigint();
      for (let n = 0; n < 2_000; n += 1) renderMail(template, recipient);
      return Number(process.hrtime.bigint() - from) / 2_000 / 1_000;
    };
    expect(Math.min(...Array.from({ length: 10 }, round))).toBeLessThan(30);
  });
});

describe('what can go wrong', () => {
  test('a key that the mail reads and the recipient lacks is an error that names it', () => {
    const lacking = () => renderMail('trial-ending', { email: 'ada@example.com', data: { plan: 'pro' } });
    expect(lacking).toThrow(MailTemplateError);
    expect(lacking).toThrow(/The mail "trial-ending" can't be made: .*endsOn/);
    expect(() => renderMail('trial-ending', { email: 'ada@example.com' })).toThrow(/plan/);
  });

  test.each(['nope', 'constructor', '__proto__', 'toString'])(
    'there is no mail named %s, and the error lists those there are',
    (name) => {
      expect(() => renderMail(name, { email: 'ada@example.com' })).toThrow(
        /there is none of this name, only welcome, trial-ending/,
      );
    },
  );

  test('keys of an object prototype are no data', () => {
    const data = JSON.parse(
      '{"__proto__":{"plan":"pro","endsOn":"May 1"},"constructor":"c"}',
    ) as Recipient['data'] & {};
    expect(() => renderMail('trial-ending', { email: 'ada@example.com', data })).toThrow(/"plan" not defined in the/);
    for (const key of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      const own = { plan: 'pro', endsOn: 'May 1', [key]: 'x' };
      expect(() => renderMail('trial-ending', { email: 'ada@example.com', data: own }), key).not.toThrow();
    }
  });
});

const ada = (template: MailTemplate): Recipient => ({
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  data: Object.fromEntries(mailTemplates[template].needs.map((key) => [key, `some ${key}`])),
});

/** The paths that a text reads, as `email` or `data.plan`; names of helpers are none. */
function keysReadBy(source: string): string[] {
  const keys: string[] = [];
  class Reader extends Handlebars.Visitor {
    override PathExpression(path: hbs.AST.PathExpression) {
      keys.push(path.original);
    }
    override BlockStatement(block: hbs.AST.BlockStatement) {
      // Its own path names the helper: `if`.
      for (const part of [...block.params, block.program, block.inverse]) if (part) this.accept(part);
    }
  }
  new Reader().accept(Handlebars.parse(source));
  return keys;
}
