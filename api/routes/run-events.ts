import { z } from 'zod';
import { exampleRun } from '../examples.js';
import { eventStream } from '../live/event-stream.js';
import { maxIdLength, momentIn } from '../live/moment.js';
import { acceptWebSocket, wantsWebSocket } from '../live/web-socket.js';
import type { Parts } from '../parts.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';

const query = z.strictObject({
  lastEventId: z
    .string()
    .max(maxIdLength)
    .optional()
    .describe('As the header Last-Event-ID, for WebSockets and whatever else can’t send one.'),
});

const exampleId = 'WzEsIjVhMWIyYzNkNGU1ZiIsMTc4Mjkw';

/** GET /v1/runs/{workflowId}/events: each change of the run until its end, over SSE or a WebSocket. */
export const runEvents = ({ live, log, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/runs/{workflowId}/events',
  query,
  async handle(req, res) {
    const seen = momentIn(req.get('Last-Event-ID') ?? queryOf(query, res).lastEventId);
    const watch = await live.open(tenant, String(req.params['workflowId']));
    if (wantsWebSocket(req)) {
      return acceptWebSocket(req, res, log, (viewer) => watch.attach(viewer, seen));
    }
    if (watch.isOver(seen)) return void res.status(204).end(); // told all: an EventSource comes back no more
    if (res.closed) return; // the client left while Temporal was asked
    const viewer = eventStream(res, log);
    if (req.method === 'HEAD') return void res.end();
    res.once('close', watch.attach(viewer, seen));
  },
  docs: {
    operationId: 'watch-run',
    summary: 'Each change of a run as it happens, until its end. The same URL upgrades to a WebSocket.',
    description:
      'Server-sent events: `run` for each change of status or progress (at most ten a second), then one `end`, each with the run as GET shows it. The connection closes after `end`; whoever comes back with the id of the last event gets what followed it, and after `end` 204.',
    headers: {
      'Last-Event-ID': {
        description: 'The id of the last event that was seen: what followed is sent.',
        schema: { type: 'string' },
      },
    },
    answers: {
      101: {
        description: 'To a WebSocket: the same events as JSON messages; closed with code 1000 after `end`.',
        schema: ref('RunEvent'),
        example: { id: exampleId, event: 'run', data: exampleRun },
      },
      200: {
        description: 'The events.',
        content: {
          'text/event-stream': {
            // Of one event: 3.2 would call it itemSchema.
            schema: {
              type: 'object',
              description: 'The fields of one event.',
              required: ['id', 'event', 'data'],
              properties: {
                id: { type: 'string' },
                event: { enum: ['run', 'end'] },
                data: { type: 'string', contentMediaType: 'application/json', contentSchema: ref('Run') },
              },
            },
            example: { id: exampleId, event: 'run', data: JSON.stringify(exampleRun) },
          },
        },
      },
      204: { description: 'The run has ended, and you have seen its `end`.' },
    },
    problems: [400, 404, 503],
  },
});
