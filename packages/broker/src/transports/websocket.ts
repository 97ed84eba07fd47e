import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SocketLink } from './tcp.js';
import { WebSocketConnection } from './websocket-connection.js';

const MAX_HEADER_LINES = 100;
/** Characters of what a client says that are repeated in the log and to itself. */
const MAX_SHOWN_LENGTH = 200;
const VERSION = '13';
/** 16 bytes. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** What proves to a client that the server knows WebSocket (RFC 6455, 1.3). */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Whom a listener lets open a WebSocket, and where. */
export interface WebSocketRules {
  /**
   * Pages whose scripts may connect, as browsers write their origin: `https://example.com`. Empty: any. Clients that are
   * no browsers say nothing of that kind, or what they like, and get in.
   */
  readonly origins: readonly string[];
  /** The path that clients have to ask for; null: any. */
  readonly path: string | null;
  /** Bytes of one request's header. */
  readonly maxHeaderBytes: number;
}

/** The header has room for a browser's cookies, and a flood has none. */
export const DEFAULT_WEBSOCKET_RULES: WebSocketRules = { origins: [], path: null, maxHeaderBytes: 16 * 1024 };

/** An answer instead of a WebSocket. `reason` is for the log, `text` for whoever asked. */
interface Refusal {
  readonly status: 400 | 403 | 404 | 426 | 431;
  readonly reason: string;
  readonly text: string;
}

/**
 * Takes connections that began with HTTP, and makes MQTT links of those that become a WebSocket. How long a client may
 * take for it is bounded by the time that its link has for a CONNECT.
 */
export class WebSocketGate {
  readonly #rules: WebSocketRules;
  readonly #http: Server;
  readonly #maxMessageBytes: number;

  /** `maxMessageBytes`: of one WebSocket message, in however many frames. */
  constructor(rules: WebSocketRules, maxMessageBytes: number) {
    this.#rules = rules;
    this.#maxMessageBytes = maxMessageBytes;
    this.#http = createServer({ maxHeaderSize: rules.maxHeaderBytes, keepAlive: false });
    this.#http.maxHeadersCount = MAX_HEADER_LINES;
    this.#http.on('request', (request, response) => this.#explain(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuseRequest(error, socket));
  }

  /** `socket` is paused; `firstBytes` were read from it. */
  take(socket: Socket, firstBytes: Buffer): void {
    if (socket.destroyed) return;
    socket.unshift(firstBytes);
    this.#http.emit('connection', socket);
    socket.resume();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#reasonAgainst(request);
    if (refusal !== null) {
      refuse(socket, refusal);
      return;
    }
    const { 'sec-websocket-key': key = '' } = request.headers;
    const link = SocketLink.of(socket);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Accept: ${acceptanceOf(key)}\r\n` +
        `Sec-WebSocket-Protocol: ${chooseSubprotocol(offeredSubprotocols(request))}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    link.upgraded(new WebSocketConnection(socket as Socket, link, this.#maxMessageBytes));
  }

  #reasonAgainst(request: IncomingMessage): Refusal | null {
    const { origin, upgrade = '' } = request.headers;
    const { origins, path } = this.#rules;
    if (upgrade.toLowerCase() !== 'websocket') return this.#notAWebPage(request);
    const [asked] = (request.url ?? '').split('?', 1);
    if (path !== null && asked !== path) {
      return {
        status: 404,
        reason: `a WebSocket at ${shown(asked)} was asked for, and this listener has it at ${path} (websockets_path)`,
        text: `This broker has its WebSocket at ${path}.\n`,
      };
    }
    if (origin !== undefined && origins.length > 0 && !origins.includes(origin)) {
      return {
        status: 403,
        reason: `pages of ${shown(origin)} may not connect; to let them, add 'websockets_origin ${shown(origin)}'`,
        text: 'Pages of this origin may not connect to this broker (websockets_origin).\n',
      };
    }
    // [MQTT-6.0.0-3]
    if (chooseSubprotocol(offeredSubprotocols(request)) === false) {
      return badRequest('MQTT over WebSocket needs the subprotocol "mqtt" (Sec-WebSocket-Protocol: mqtt)');
    }
    const { 'sec-websocket-version': version, 'sec-websocket-key': key = '' } = request.headers;
    if (version !== VERSION)
      return badRequest(`WebSocket is spoken here in version ${VERSION} (Sec-WebSocket-Version)`);
    if (request.method !== 'GET') return badRequest(`a WebSocket is asked for with GET, not ${request.method}`);
    return KEY.test(key) ? null : badRequest('the Sec-WebSocket-Key is not one of 16 bytes in base64');
  }

  #explain(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#notAWebPage(request);
    SocketLink.of(request.socket).failed(new Error(refusal.reason));
    response.writeHead(refusal.status, headersOf(refusal));
    response.end(refusal.text);
  }

  #notAWebPage({ headers, socket }: IncomingMessage): Refusal {
    const { host = '' } = headers;
    // Only what can be part of an address is repeated.
    const place = /^[\w.:[\]-]{1,255}$/.test(host) ? host : 'HOST:PORT';
    const s = SocketLink.of(socket).tls === null ? '' : 's';
    const text = `This port speaks MQTT and MQTT over WebSocket. It has no web pages.

  MQTT programs:           mqtt${s}://${place}
  WebSocket, in browsers:  ws${s}://${place}${this.#rules.path ?? '/mqtt'} with the subprotocol "mqtt"
`;
    return { status: 426, reason: 'it spoke HTTP and asked for no WebSocket, as browsers and monitors do', text };
  }

  #refuseRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy(error);
      return;
    }
    if (error.code !== 'HPE_HEADER_OVERFLOW') {
      refuse(socket, badRequest(`what came is no HTTP request (${error.message})`));
      return;
    }
    const { maxHeaderBytes } = this.#rules;
    const reason = `the header of the HTTP request has more than ${maxHeaderBytes} bytes (packet_buffer_size)`;
    refuse(socket, { status: 431, reason, text: `This broker takes ${maxHeaderBytes} bytes of headers.\n` });
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

function acceptanceOf(key: string): string {
  return createHash('sha1').update(key).update(KEY_SUFFIX).digest('base64');
}

function badRequest(reason: string): Refusal {
  return { status: 400, reason, text: `${reason}.\n` };
}

/** Answers a request that is out of the HTTP server's hands. */
function refuse(socket: Duplex, refusal: Refusal): void {
  SocketLink.of(socket).failed(new Error(refusal.reason));
  const lines = Object.entries(headersOf(refusal)).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status, text } = refusal;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy());
}

function headersOf({ status, text }: Refusal): Record<string, string> {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(text)),
    'X-Content-Type-Options': 'nosniff',
    // RFC 6455 wants the version named where another was asked for; RFC 9110 wants the protocol named with 426.
    'Sec-WebSocket-Version': VERSION,
    ...(status === 426 ? { Connection: 'close, Upgrade', Upgrade: 'websocket' } : { Connection: 'close' }),
  };
}

/** What a client said, for one line of a log. */
function shown(text: string): string {
  const line = text.replace(/\p{Cc}/gu, '?');
  return line.length <= MAX_SHOWN_LENGTH ? line : `${line.slice(0, MAX_SHOWN_LENGTH)}...`;
}
