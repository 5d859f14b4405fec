import { createServer } from 'node:http';

/**
 * GET / answers 200 while the workers poll, else 503; for an orchestrator. Opened only with WORKER_HEALTH_PORT.
 * @throws if the port is taken
 */
export async function serveHealth(
  { port, host }: { port: number; host: string },
  state: () => Record<string, string>,
): Promise<void> {
  const server = createServer((_, response) => {
    const queues = state();
    const polling = Object.values(queues).every((name) => name === 'RUNNING');
    response.writeHead(polling ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify({ queues }));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  server.unref();
}
