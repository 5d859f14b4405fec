/** Who may call: whoever has a key, or, where there are none, this machine only. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { isLoopback } from '../config.js';
import { Problem } from './problems.js';

export function access(apiKeys: readonly string[]): RequestHandler {
  return apiKeys.length > 0 ? needKey(apiKeys) : needLocal;
}

function needKey(apiKeys: readonly string[]): RequestHandler {
  const known = apiKeys.map(digest);
  return (req, res, next) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(req.get('Authorization') ?? '') ?? [];
    const offered = digest(given ?? '');
    // All are compared, each in the same time: how long it takes tells nothing.
    const fits = known.map((key) => timingSafeEqual(key, offered)).includes(true);
    if (given === undefined || !fits) {
      throw new Problem(401, 'unauthorized', 'Send Authorization: Bearer <key> with one of the keys in API_KEYS.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    res.locals['caller'] = `key ${offered.toString('hex').slice(0, 8)}`;
    next();
  };
}

/** Who asks, for the record of what people did: which key, by the beginning of its sha256. */
export const callerOf = (res: Response) => (res.locals['caller'] as string | undefined) ?? 'api';

const digest = (key: string) => createHash('sha256').update(key).digest();

/** Without keys, a page in the user's browser must not reach us: neither under a name that its owner points at us, nor from its own. */
const needLocal: RequestHandler = (req, _res, next) => {
  const hosts = req.headersDistinct['host'] ?? [];
  if (hosts.length !== 1 || !isLocal(`http://${hosts[0]}`)) {
    throw new Problem(
      403,
      'forbidden-host',
      'Without API_KEYS only this machine may call, as localhost or 127.0.0.1. Set API_KEYS to open it.',
    );
  }
  const origin = req.get('Origin');
  if (origin !== undefined && !isLocal(origin)) {
    throw new Problem(
      403,
      'forbidden-origin',
      'Without API_KEYS no other site may call. Set API_KEYS, and send a key from your own server.',
    );
  }
  next();
};

const isLocal = (url: string) => URL.canParse(url) && isLoopback(new URL(url).hostname);
