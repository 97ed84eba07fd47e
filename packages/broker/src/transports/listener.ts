import { createServer, type Server, type Socket } from 'node:net';
import { canReadInPlace, WRITE_HIGH_WATER_BYTES } from './accepted-socket.js';
import { Handshakes } from './handshakes.js';
import { type AcceptLink, type LinkOwner, SocketLink } from './tcp.js';
import type { ListenerTls } from './tls-socket.js';
import type { WebSocketGate } from './websocket.js';

/** Links that are not closed yet. */
export interface ConnectionCount {
  live: number;
}

export interface ListenerOptions {
  /** 0: any free one, see `Listener.localPort`. */
  readonly port: number;
  /** The address to listen on. Names are not looked up here. */
  readonly address: string;
  /** Connections beyond it are closed at once: what one listener may take from the others. */
  readonly maxConnections: number;
  /** Given to several listeners, makes `maxConnections` hold for all of them together. */
  readonly count?: ConnectionCount;
  /** False lets the system gather small writes, at the price of up to 40 ms for each. */
  readonly noDelay: boolean;
  /** Makes it speak TLS, and nothing else: MQTT and WebSocket are told apart below it. */
  readonly tls?: ListenerTls | undefined;
  /** Bytes of the largest WebSocket message; asked once, when the first WebSocket client comes. */
  readonly maxWebSocketMessageBytes: () => number;
  /** `events` reads without the shared buffer. By default it is used where the runtime allows it; not with TLS. */
  readonly reads?: 'in-place' | 'events';
  /** A problem that does not end the listener: no file descriptor left, a connection refused over `maxConnections`. */
  readonly onWarning: (message: string) => void;
}

/**
 * One port that speaks MQTT and MQTT over WebSocket, with TLS below them or without: the first byte that is said tells
 * which of the two it is. A link exists from the moment the connection does, so that time and number of connections are
 * bounded in one place for all of them.
 */
export class Listener implements LinkOwner {
  readonly transport: string;
  readonly tls: ListenerTls | null;
  readonly handshakes = new Handshakes();
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #accept: AcceptLink;
  readonly #inPlace: boolean;
  #gate: Promise<WebSocketGate> | null = null;
  #localPort = 0;
  readonly #count: ConnectionCount;
  #refusing = false;

  private constructor(options: ListenerOptions, accept: AcceptLink, inPlace: boolean) {
    this.#options = options;
    this.#accept = accept;
    this.#inPlace = inPlace;
    this.tls = options.tls ?? null;
    this.transport = this.tls === null ? 'tcp' : 'tls';
    this.#count = options.count ?? { live: 0 };
    const { noDelay } = options;
    this.#server = createServer({ noDelay, highWaterMark: WRITE_HIGH_WATER_BYTES }, (socket) =>
      this.#connected(socket),
    );
  }

  /** Listening when it resolves. Rejects with the system's error: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` ... */
  static async open(options: ListenerOptions, accept: AcceptLink): Promise<Listener> {
    const inPlace = options.reads !== 'events' && options.tls === undefined && (await canReadInPlace());
    const listener = new Listener(options, accept, inPlace);
    await listener.#listen();
    return listener;
  }

  get localPort(): number {
    return this.#localPort;
  }

  /** Links that are not closed yet, of all listeners with the same count. */
  get connections(): number {
    return this.#count.live;
  }

  /** Accepts nothing more. Links stay: they belong to whoever accepted them. */
  close(): void {
    this.#server.close();
  }

  linkClosed(link: SocketLink): void {
    this.handshakes.finish(link);
    this.#count.live--;
  }

  readonly takeHttp = (link: SocketLink, socket: Socket, firstBytes: Buffer): void => {
    socket.pause();
    // Loaded with the first WebSocket client: a broker without them does without the memory.
    this.#gate ??= import('./websocket.js').then(
      ({ WebSocketGate }) => new WebSocketGate(this.#options.maxWebSocketMessageBytes()),
    );
    this.#gate
      .then((gate) => gate.take(socket, firstBytes))
      .catch((error: Error) => {
        link.failed(error);
        link.destroy();
      });
  };

  #listen(): Promise<void> {
    const { port, address } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: address, ipv6Only: address.includes(':') }, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', (error) => this.#options.onWarning(`Accepting connections: ${error.message}`));
        const bound = this.#server.address();
        if (bound !== null && typeof bound === 'object') this.#localPort = bound.port;
        resolve();
      });
    });
  }

  #connected(socket: Socket): void {
    if (this.#count.live >= this.#options.maxConnections) {
      this.#refuse(socket);
      return;
    }
    this.#refusing = false;
    if (!this.#inPlace) SocketLink.listen(socket, this, this.#accept);
    else if (SocketLink.takeOver(socket, this, this.#accept) === null) return;
    this.#count.live++;
  }

  #refuse(socket: Socket): void {
    socket.on('error', () => {});
    socket.destroy();
    // Once for each time that the limit is reached: a line for each attempt would be a second attack.
    if (!this.#refusing) {
      this.#refusing = true;
      this.#options.onWarning(
        `Connection refused: the listener on port ${this.#localPort} has its ${this.#options.maxConnections} connections (max_connections).`,
      );
    }
  }
}
