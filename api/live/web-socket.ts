/** A viewer over a WebSocket on the same URL, and how its upgrade passes the same checks as any other request. */
import { ServerResponse, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { Problem } from '../problems.js';
import { isTooFarBehind } from './slow.js';
import type { Viewer } from './watch.js';

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const closeCodes = { ended: 1000, interrupted: 1001 };
const closeMs = 1_000;

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();
const handshakes = new WebSocketServer({
  noServer: true,
  maxPayload: 1_024,
  perMessageDeflate: false,
  clientTracking: false,
});

/** What asks for a WebSocket, as the app sees it: an answer ends the connection, unless a route accepts the upgrade. */
export function passUpgrade(app: RequestListener, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as never);
  res.once('finish', () => socket.end());
  upgrades.set(req, { socket, head });
  app(req, res);
}

export const wantsWebSocket = (req: IncomingMessage) => upgrades.has(req);

/** @throws Problem 400 for a broken handshake */
export function acceptWebSocket(
  req: IncomingMessage,
  res: ServerResponse,
  log: Logger,
  watchWith: (viewer: Viewer) => () => void,
): void {
  const { socket, head } = upgrades.get(req)!;
  needHandshake(req);
  res.detachSocket(socket as never);
  handshakes.handleUpgrade(req, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate()); // too much was sent, or what is no frame
    const left = watchWith(viewerOver(webSocket, log));
    webSocket.once('close', left);
  });
}

function needHandshake({ headers }: IncomingMessage): void {
  const isWhole =
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') && headers['sec-websocket-version'] === '13';
  if (!isWhole) {
    throw new Problem(400, 'bad-request', 'A WebSocket needs a Sec-WebSocket-Key and Sec-WebSocket-Version: 13.', {
      headers: { 'Sec-WebSocket-Version': '13' },
    });
  }
}

function viewerOver(webSocket: WebSocket, log: Logger): Viewer {
  let isThere = true;
  webSocket.on('pong', () => (isThere = true));
  return {
    send({ message }) {
      if (isTooFarBehind(webSocket.bufferedAmount, log)) webSocket.terminate();
      else webSocket.send(message);
    },
    beat() {
      if (!isThere) return webSocket.terminate();
      isThere = false;
      webSocket.ping();
    },
    end(why) {
      webSocket.close(closeCodes[why]);
      const cut = setTimeout(() => webSocket.terminate(), closeMs); // it has not said goodbye; by default ws waits 30 s
      webSocket.once('close', () => clearTimeout(cut));
    },
  };
}
