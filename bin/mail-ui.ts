/** Shows the caught mails: pages for people, JSON for programs. Read-only, for this machine only. */
import express, { type Express, type Request, type Response } from 'express';
import type { ParsedMail } from 'mailparser';
import { isLoopback } from '../config.js';
import { detailPage, listPage } from './mail-pages.js';
import type { MailStore, MailSummary } from './mail-store.js';

const pageSize = 50;

export function mailUi(store: MailStore): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');

  app.use((req, res, next) => {
    // A page elsewhere could point its own host name here (DNS rebinding) and read the mails.
    if (!isLoopback((req.headers.host ?? '').replace(/:\d+$/, ''))) {
      res.status(403).type('text').send('Mails are shown on this machine only: use http://127.0.0.1.\n');
      return;
    }
    res.set({
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    });
    next();
  });

  app.get('/api/messages', async (req, res) => {
    const to = textOf(req, 'to');
    const limit = Math.min(numberOf(req, 'limit') ?? 100, 1_000);
    const messages = await Promise.all(store.list({ to, after: numberOf(req, 'after') ?? 0, limit }).map(readable));
    res.json({ count: store.count(to), messages });
  });
  app.get('/api/messages/count', (req, res) => void res.json({ count: store.count(textOf(req, 'to')) }));

  app.get('/', async (req, res) => {
    const to = textOf(req, 'to') ?? '';
    const found = store.list({ to, before: numberOf(req, 'before'), limit: pageSize + 1 });
    const mails = await Promise.all(found.slice(0, pageSize).map(readable));
    res.send(listPage({ to, mails, count: store.count(to), next: found.length > pageSize ? mails.at(-1)!.id : null }));
  });

  app.get('/messages/:id', async (req: Request<{ id: string }>, res) => {
    const mail = store.find(Number(req.params.id));
    if (mail === undefined) return notFound(res);
    const { subject, from, to, headerLines, text, html } = await parse(mail.raw);
    const headers = headerLines.map(({ line }) => line).join('\n');
    const people = [to ?? []].flat().map((address) => address.text);
    res.send(
      detailPage({
        ...mail,
        subject: subject ?? '',
        from: from?.text ?? mail.from,
        to: people.length > 0 ? people : mail.to,
        headers,
        text,
        hasHtml: html !== false,
      }),
    );
  });

  app.get('/messages/:id/html', async (req: Request<{ id: string }>, res) => {
    const mail = store.find(Number(req.params.id));
    if (mail === undefined) return notFound(res);
    const { html } = await parse(mail.raw);
    // What a mail says is anyone's: no script, no request to anywhere, an origin of its own.
    res.set('Content-Security-Policy', "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'");
    res.send(html === false ? '' : html);
  });

  app.get('/messages/:id/raw', (req: Request<{ id: string }>, res) => {
    const mail = store.find(Number(req.params.id));
    if (mail === undefined) return notFound(res);
    res.type('text/plain; charset=utf-8').send(mail.raw);
  });

  app.use((_req, res) => notFound(res));
  return app;
}

/** Loaded when the first mail is looked at: a quarter of what the catcher takes to start. */
async function parse(source: string | Buffer): Promise<ParsedMail> {
  const { simpleParser } = await import('mailparser');
  return simpleParser(source);
}

const notFound = (res: Response) =>
  void res.status(404).type('text').send('No such mail or page. / lists all mails.\n');

const textOf = (req: Request, name: string): string | undefined => {
  const value = req.query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const numberOf = (req: Request, name: string): number | undefined => {
  const text = textOf(req, name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

/** Decodes a subject sent as encoded words (RFC 2047). */
async function readable(mail: MailSummary): Promise<MailSummary> {
  if (!mail.subject.includes('=?')) return mail;
  const { subject } = await parse(`Subject: ${mail.subject}\r\n\r\n`);
  return { ...mail, subject: subject ?? mail.subject };
}
