/** Conditional answers. Express has its own check, but it gives way to `Cache-Control: no-cache`, which fetch() sends along. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

/** Answers 304 if the asker has this very body already. */
export function sendJson(req: Request, res: Response, body: unknown): void {
  const text = JSON.stringify(body);
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
  res.set('ETag', etag);
  if (hasAlready(req, etag)) return void res.status(304).end();
  res.type('json').send(text);
}

/** RFC 9110, 13.1.2: a weak comparison. */
export function hasAlready(req: Request, etag: string): boolean {
  const known = (req.get('If-None-Match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}
