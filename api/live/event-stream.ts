/** A viewer over server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { Response } from 'express';
import type { Logger } from 'pino';
import { isTooFarBehind } from './slow.js';
import type { Viewer } from './watch.js';

export function eventStream(res: Response, log: Logger): Viewer {
  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no', // else nginx gathers 4 KB before it passes anything on
  });
  // They don't all come back in the same moment after an API process has ended.
  write(`retry: ${Math.round(1_000 + Math.random() * 1_000)}\n\n`);
  return {
    send: ({ block }) => write(block),
    beat: () => write(':\n\n'),
    end: () => void res.end(),
  };

  function write(text: string): void {
    if (res.destroyed) return;
    if (isTooFarBehind(res.writableLength, log)) res.destroy();
    else res.write(text);
  }
}
