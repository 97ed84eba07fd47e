import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type LinkUpgrade, SocketLink } from './tcp.js';

/** Bytes of one request's header: a browser's cookies fit, a flood does not. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADER_LINES = 100;
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;

const NOT_A_WEB_PAGE = `This port speaks MQTT and MQTT over WebSocket. It has no web pages.

  MQTT:       connect any MQTT client to this host and port.
  WebSocket:  ws://<this host>:<this port>/mqtt with the subprotocol "mqtt".
`;
const SUBPROTOCOL_MISSING = 'MQTT over WebSocket needs the subprotocol "mqtt" (Sec-WebSocket-Protocol: mqtt).\n';

/**
 * Takes connections that began with HTTP, and makes MQTT links of those that become a WebSocket. How long a client may
 * take for it is bounded by the time that its link has for a CONNECT.
 */
export class WebSocketGate {
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;

  /** `maxMessageBytes`: `ws` holds a message until it is whole, so this is what a client can make it hold. */
  constructor(maxMessageBytes: number) {
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      handleProtocols: chooseSubprotocol,
    });
    this.#http = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAlive: false });
    this.#http.maxHeadersCount = MAX_HEADER_LINES;
    this.#http.on('request', explain);
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** `socket` is paused; `firstBytes` were read from it. */
  take(socket: Socket, firstBytes: Buffer): void {
    if (socket.destroyed) return;
    socket.unshift(firstBytes);
    this.#http.emit('connection', socket);
    socket.resume();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // [MQTT-6.0.0-3]
    if (chooseSubprotocol(offeredSubprotocols(request)) === false) {
      refuse(socket, SUBPROTOCOL_MISSING);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const link = SocketLink.of(socket);
      link.upgraded(new WebSocketUpgrade(webSocket, link));
    });
  }
}

/** [MQTT-6.0.0-4]; clients of MQTT 3.1 know only the older name. */
function chooseSubprotocol(offered: ReadonlySet<string>): string | false {
  if (offered.has('mqtt')) return 'mqtt';
  return offered.has('mqttv3.1') && 'mqttv3.1';
}

function offeredSubprotocols(request: IncomingMessage): ReadonlySet<string> {
  const header = request.headers['sec-websocket-protocol'] ?? '';
  return new Set(header.split(',').map((name) => name.trim()));
}

function refuse(socket: Duplex, text: string): void {
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}

function explain(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': NOT_A_WEB_PAGE.length,
    Connection: 'close, Upgrade',
    Upgrade: 'websocket',
  });
  response.end(NOT_A_WEB_PAGE);
}

const BINARY = { binary: true } as const;

class WebSocketUpgrade implements LinkUpgrade {
  readonly #webSocket: WebSocket;
  readonly #link: SocketLink;

  constructor(webSocket: WebSocket, link: SocketLink) {
    this.#webSocket = webSocket;
    this.#link = link;
    webSocket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary));
    webSocket.on('error', (error) => link.failed(error));
    webSocket.on('close', () => link.closed());
  }

  write(bytes: Uint8Array): void {
    this.#webSocket.send(bytes, BINARY); // [MQTT-6.0.0-1]
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  end(): void {
    this.#webSocket.resume();
    this.#webSocket.close(CLOSE_NORMAL);
  }

  #received(bytes: Buffer, isBinary: boolean): void {
    if (isBinary) {
      // [MQTT-6.0.0-2]: where a message ends says nothing about packets.
      this.#link.deliver(bytes);
      return;
    }
    // [MQTT-6.0.0-1]
    this.#link.failed(new Error('The client sent a WebSocket text message; MQTT needs binary ones.'));
    this.#webSocket.close(CLOSE_UNSUPPORTED_DATA, 'MQTT needs binary messages');
    this.#link.end();
  }
}
