/** The HTTP server around the app: what happens before a request reaches Express, and how it stops. */
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express } from 'express';
import { passUpgrade } from './live/web-socket.js';
import { bodyOf, Problem } from './problems.js';

export function serverOf(app: Express): Server {
  const server = createServer({ headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 60_000 }, app);
  // An upload may take as long as it moves (requestTimeout, by default 5 min, would cut it); a silent connection may not stay.
  server.setTimeout(120_000);
  server.on('checkContinue', app); // a route says "go on" once the headers please it, so that no refused upload is sent
  server.on('clientError', refuseUnparsed);
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (req.headers.upgrade?.toLowerCase() !== 'websocket') goOnWithout(server, req, socket, head);
    else if (hasWebSocket(req)) passUpgrade(app, req, socket, head);
    else
      refuse(
        socket,
        new Problem(404, 'not-found', 'There is no WebSocket here. GET /v1/runs/{workflowId}/events has one.'),
      );
  });
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
  refuse(socket, unparsed[error.code ?? ''] ?? notHttp);
}

function refuse(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(bodyOf(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const hasWebSocket = ({ method, url }: IncomingMessage) =>
  method === 'GET' && /^\/v1\/runs\/[^/?]+\/events(\?|$)/.test(url ?? '');

/**
 * Java's client and `curl --http2` ask for `Upgrade: h2c` with any request, and expect a plain answer from who can't.
 * Node hands over such a connection as soon as anybody listens for upgrades: it is given back, as if nothing had been
 * asked. From Node 24.9 on `shouldUpgradeCallback` does the same.
 */
function goOnWithout(server: Server, { method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && !/^(upgrade|http2-settings)$/i.test(name)
      ? [`${name}: ${withoutUpgrade(name, rawHeaders[at + 1]!)}`]
      : [],
  );
  const request = Buffer.from([`${method} ${url} HTTP/1.1`, ...lines, '', ''].join('\r\n'), 'latin1');
  socket.unshift(Buffer.concat([request, head]));
  server.emit('connection', socket);
}

function withoutUpgrade(name: string, value: string): string {
  if (name.toLowerCase() !== 'connection') return value;
  const kept = value.split(',').filter((token) => !/^\s*(upgrade|http2-settings)\s*$/i.test(token));
  return kept.join(',').trim() || 'keep-alive';
}
