/** Stands between a process and Temporal, counts the calls by their names, and can be cut and mended. */
import type { OutgoingHttpHeaders } from 'node:http';
import { connect, createServer, type ClientHttp2Session, type ServerHttp2Session } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface GrpcProxy extends AsyncDisposable {
  readonly address: string;
  /** All calls so far. */
  readonly calls: Map<string, number>;
  /** Those that have not been answered yet. */
  readonly open: Map<string, number>;
  /** The most of `open` that there were at once. */
  readonly peak: Map<string, number>;
  /** Ends every connection, and takes no other until it is mended. */
  cut(): void;
  mend(): void;
}

export async function grpcProxy(target: string): Promise<GrpcProxy> {
  const [calls, open, peak] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const sessions = new Set<ServerHttp2Session | ClientHttp2Session>();
  const server = createServer();
  let isCut = false;
  const endAll = () => sessions.forEach((session) => session.destroy());
  server.on('session', (session) => {
    session.on('error', () => undefined);
    if (isCut) return session.destroy();
    const upstream = connect(`http://${target}`);
    for (const side of [session, upstream]) {
      sessions.add(side);
      side.on('error', () => undefined);
      side.once('close', () => {
        sessions.delete(side);
        session.destroy();
        upstream.destroy();
      });
    }
    session.on('stream', (stream, headers) => {
      const name = String(headers[':path']).split('/').at(-1)!;
      calls.set(name, (calls.get(name) ?? 0) + 1);
      open.set(name, (open.get(name) ?? 0) + 1);
      peak.set(name, Math.max(peak.get(name) ?? 0, open.get(name)!));
      const forwarded = upstream.request(headers);
      forwarded.on('response', (answer, flags) => {
        if (stream.destroyed) return;
        stream.respond(answer, { waitForTrailers: (flags & 1) === 0, endStream: (flags & 1) === 1 });
      });
      let trailers: OutgoingHttpHeaders = {};
      forwarded.on('trailers', (found: OutgoingHttpHeaders) => void (trailers = found));
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      for (const side of [stream, forwarded]) side.on('error', () => undefined);
      stream.once('close', () => {
        open.set(name, open.get(name)! - 1);
        if (!forwarded.closed) forwarded.close(8); // CANCEL
      });
      stream.pipe(forwarded);
      forwarded.pipe(stream);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    open,
    peak,
    cut() {
      isCut = true;
      endAll();
    },
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
