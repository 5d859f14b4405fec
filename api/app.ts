/** The Express app: routes, and what all of them have in common. */
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { access } from './access.js';
import type { Parts } from './parts.js';
import { problemHandler, unknownRoute } from './problems.js';
import { mount } from './route.js';
import { allRoutes } from './routes/index.js';

export function apiApp(parts: Parts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', 'strong');
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);

  app.use(requestLog(parts.log));
  app.use((_req, res, next) => {
    res.set('X-Content-Type-Options', 'nosniff');
    next();
  });
  mount(app, allRoutes(parts), access(parts.apiKeys));
  app.use(unknownRoute);
  app.use(problemHandler(parts.log));
  return app;
}

/** Neither query nor headers: they hold names and keys. */
const requestLog =
  (log: Logger): RequestHandler =>
  (req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      const ms = Math.round(performance.now() - startedAt);
      log.debug({ method: req.method, path: req.path, status: res.statusCode, ms }, 'request');
    });
    next();
  };
