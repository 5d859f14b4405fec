/** The HTTP server around the app: what happens before a request reaches Express, and how it stops. */
import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express } from 'express';
import { bodyOf, Problem } from './problems.js';

export function serverOf(app: Express): Server {
  const server = createServer({ headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 60_000 }, app);
  // An upload may take as long as it moves (requestTimeout, by default 5 min, would cut it); a silent connection may not stay.
  server.setTimeout(120_000);
  server.on('checkContinue', app); // a route says "go on" once the headers please it, so that no refused upload is sent
  server.on('clientError', refuseUnparsed);
  return server;
}

/** @throws Error that says whose the port is not */
export async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(worded(error, port, host)));
    server.listen(port, host, resolve);
  });
}

/** Requests in flight get their answers; after the grace time they are cut. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  const sweep = setInterval(() => server.closeIdleConnections(), 20); // Node lets a connection live on after its answer
  await new Promise((resolve) => server.close(resolve));
  clearTimeout(cut);
  clearInterval(sweep);
}

function worded(error: NodeJS.ErrnoException, port: number, host: string): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(`PORT ${port} on ${host} is taken by another process. Stop it, or set PORT to a free port.`);
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new Error(`HOST must be an address of this machine, got "${host}".`);
  }
  if (error.code === 'EACCES') return new Error(`PORT ${port} may not be used by this user. Set PORT to 1024 or more.`);
  return error;
}

const unparsed: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem(431, 'headers-too-large', 'The headers have more than 16 KiB.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'request-timeout', 'The request did not arrive in time.'),
};
const notHttp = new Problem(400, 'bad-request', 'The request is no valid HTTP.');

function refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = unparsed[error.code ?? ''] ?? notHttp;
  const body = JSON.stringify(bodyOf(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
