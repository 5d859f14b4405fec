/** The mails, by the names that jobs/email-campaign.ts gives them. What each needs of a recipient stands there too. */
import Handlebars from 'handlebars';
import type { MailTemplate, Recipient } from '../jobs/email-campaign.js';
import type { MailTexts } from './mail-texts.js';
import { trialEnding } from './trial-ending.js';
import { welcome } from './welcome.js';

export const mails: Record<MailTemplate, MailTexts> = {
  welcome,
  'trial-ending': trialEnding,
  // Yours below: upstream changes nothing here.
};

/**
 * @returns the mail for one recipient; its HTML is escaped, and its subject is one line whatever the recipient's data holds
 * @throws MailTemplateError there is no such template, or it reads a key that the recipient lacks
 */
export function renderMail(template: string, recipient: Recipient): MailTexts {
  const render = rendererOf(template);
  const { email, name = '', data = {} } = recipient;
  const context = { email, name: name.trim() === '' ? '' : name, data: withoutPrototype(data) };
  try {
    return { subject: oneLine(render.subject(context)), text: render.text(context), html: render.html(context) };
  } catch (error) {
    throw new MailTemplateError(template, error);
  }
}

export class MailTemplateError extends Error {
  constructor(template: string, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      `The mail "${template}" can't be made: ${what}. The keys that it reads stand in "needs" of mailTemplates, and each recipient gives them in "data".`,
      { cause },
    );
    this.name = 'MailTemplateError';
  }
}

/** So that no template reads `constructor` and the like of what is only data. Handlebars' errors want a word for it. */
const withoutPrototype = (data: object) => Object.assign(Object.create(bare) as object, data);
const bare = Object.create(null, { [Symbol.toPrimitive]: { value: () => "the recipient's data" } }) as object;

type Renderer = Record<keyof MailTexts, Handlebars.TemplateDelegate>;

const renderers = new Map<string, Renderer>();

function rendererOf(template: string): Renderer {
  const known = renderers.get(template);
  if (known !== undefined) return known;

  if (!Object.hasOwn(mails, template)) {
    throw new MailTemplateError(template, `there is none of this name, only ${Object.keys(mails).join(', ')}`);
  }
  const { subject, text, html } = mails[template as MailTemplate];
  const made = {
    subject: compiled(subject, { noEscape: true }),
    text: compiled(text, { noEscape: true }),
    html: compiled(html),
  };
  renderers.set(template, made);
  return made;
}

/** Strict: a missing key is an error instead of nothing. Known helpers only: a key never means a helper by chance. */
const compiled = (source: string, options: CompileOptions = {}) =>
  Handlebars.compile(source, { strict: true, knownHelpersOnly: true, ...options });

/** A line break in a subject would begin a header of someone else's choice. */
const oneLine = (subject: string) => subject.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
