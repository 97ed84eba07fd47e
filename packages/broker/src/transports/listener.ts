import { createServer, type Server, type Socket } from 'node:net';
import {
  type AcceptedHandle,
  acceptHandles,
  type HandleUse,
  probeHandles,
  WRITE_HIGH_WATER_BYTES,
} from './accepted-socket.js';
import { Handshakes } from './handshakes.js';
import { ProxyGate, type ProxyRules } from './proxy-gate.js';
import { type AcceptLink, type LinkOwner, SocketLink } from './tcp.js';
import type { ListenerTls } from './tls-socket.js';
import { listenAtPath } from './unix-socket.js';
import type { WebSocketGate, WebSocketRules } from './websocket.js';

/** For sockets that are used as Node means them to be. */
const HANDLES_UNUSED: HandleUse = { readsInPlace: false, writes: null };

/**
 * Connections that may wait until they are accepted; the system may have a lower limit (net.core.somaxconn). Node accepts
 * one in each turn of its loop, so when all clients come back at once they have to wait for each other. One for which there
 * is no room is told nothing: it believes to be connected, sends in vain, and tries again ever more slowly.
 */
const BACKLOG = 16_384;

/** Links that are not closed yet. */
export interface ConnectionCount {
  live: number;
}

/** A port of an address. */
export interface PortPlace {
  /** 0: any free one, see `Listener.localPort`. */
  readonly port: number;
  /** The address to listen on. Names are not looked up here. */
  readonly address: string;
}

/** A Unix socket. What a broker left behind there is replaced; the file goes when the listener is closed. */
export interface PathPlace {
  readonly path: string;
  /** Permissions of the file: who may connect. Mosquitto has 0o770. */
  readonly mode: number;
}

/** A socket that listens already, such as one that systemd opened. */
export interface DescriptorPlace {
  readonly fd: number;
  /** Where it is, if it is a Unix socket, which cannot be asked of it. */
  readonly path: string | null;
}

export type ListenerPlace = PortPlace | PathPlace | DescriptorPlace;

/** What may change while the listener is open; new connections follow it, those that are there stay as they are. */
export interface ListenerSettings {
  /** Connections beyond it are closed at once: what one listener may take from the others. */
  readonly maxConnections: number;
  /** False lets the system gather small writes, at the price of up to 40 ms for each. */
  readonly noDelay: boolean;
  /** Makes it speak TLS, and nothing else: MQTT and WebSocket are told apart below it. */
  readonly tls?: ListenerTls | undefined;
  /** It stands behind a proxy, which says who the clients are, and speaks TLS with them if anybody does. */
  readonly proxy?: ProxyRules | undefined;
  readonly webSocket?: WebSocketRules;
  /** Bytes of the largest WebSocket message; asked when the first WebSocket client comes, and after each change. */
  readonly maxWebSocketMessageBytes: () => number;
}

export type ListenerOptions = ListenerPlace &
  ListenerSettings & {
    /** Given to several listeners, makes `maxConnections` hold for all of them together. */
    readonly count?: ConnectionCount;
    /** `events` reads without the shared buffer. By default it is used where the runtime allows it; not with TLS. */
    readonly reads?: 'in-place' | 'events';
    /** A problem that does not end the listener: no file descriptor left, a connection refused over `maxConnections`. */
    readonly onWarning: (message: string) => void;
    /** A connection was ended before it was accepted: a line for the log. Only with `proxy`. */
    readonly onRejected?: (message: string) => void;
  };

/**
 * One port or Unix socket that speaks MQTT and MQTT over WebSocket, with TLS below them or without: the first byte that
 * is said tells which of the two it is. A link exists from the moment the connection does, so that time and number of
 * connections are bounded in one place for all of them; behind a proxy from when the proxy has said who the client is.
 */
export class Listener implements LinkOwner {
  readonly path: string | null;
  readonly handshakes = new Handshakes();
  readonly accept: AcceptLink;
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #handles: HandleUse;
  readonly #count: ConnectionCount;
  #settings: ListenerSettings;
  #proxies: ProxyGate | null;
  #gate: Promise<WebSocketGate> | null = null;
  #localPort = 0;
  #refusing = false;

  private constructor(options: ListenerOptions, accept: AcceptLink, handles: HandleUse) {
    this.#options = options;
    this.#settings = options;
    this.accept = accept;
    this.path = 'path' in options ? options.path : null;
    this.#handles = handles;
    this.#proxies = proxyGate(options);
    this.#count = options.count ?? { live: 0 };
    this.#server = createServer({ highWaterMark: WRITE_HIGH_WATER_BYTES }, (socket) => this.#connected(socket));
  }

  /**
   * Listening when it resolves. Rejects with a SocketPathError for a path, and with the system's error otherwise:
   * `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` ...
   */
  static async open(options: ListenerOptions, accept: AcceptLink): Promise<Listener> {
    const handles = options.reads === 'events' ? HANDLES_UNUSED : await probeHandles();
    const listener = new Listener(options, accept, handles);
    await listener.#listen();
    return listener;
  }

  get localPort(): number {
    return this.#localPort;
  }

  get transport(): string {
    if (this.path !== null) return 'unix';
    return this.tls === null ? 'tcp' : 'tls';
  }

  get tls(): ListenerTls | null {
    return this.#settings.tls ?? null;
  }

  get proxies(): ProxyGate | null {
    return this.#proxies;
  }

  /** Links that are not closed yet, of all listeners with the same count. */
  get connections(): number {
    return this.#count.live;
  }

  /**
   * Takes new settings for what connects from now on; what is not among them stays as it is.
   * @throws Error when they contradict each other; everything stays as it was then.
   */
  reconfigure(changes: Partial<ListenerSettings>): void {
    const settings = { ...this.#settings, ...changes };
    this.#proxies = proxyGate(settings);
    this.#settings = settings;
    this.#gate = null;
    this.#refusing = false;
  }

  /** Accepts nothing more. Links stay: they belong to whoever accepted them. */
  close(): void {
    this.#server.close();
    this.#proxies?.close();
  }

  linkRejected({ remoteAddress, remotePort }: SocketLink, reason: string): void {
    this.#options.onRejected?.(`Connection from ${remoteAddress}:${remotePort} rejected: ${reason}.`);
  }

  linkClosed(link: SocketLink): void {
    this.handshakes.finish(link);
    this.#count.live--;
  }

  readonly takeHttp = (link: SocketLink, socket: Socket, firstBytes: Buffer): void => {
    socket.pause();
    const { webSocket, maxWebSocketMessageBytes } = this.#settings;
    // Loaded with the first WebSocket client: a broker without them does without the memory.
    this.#gate ??= loadWebSocket().then(
      ({ WebSocketGate, DEFAULT_WEBSOCKET_RULES }) =>
        new WebSocketGate(webSocket ?? DEFAULT_WEBSOCKET_RULES, maxWebSocketMessageBytes()),
    );
    this.#gate
      .then((gate) => gate.take(socket, firstBytes))
      .catch((error: Error) => {
        link.failed(error);
        link.destroy();
      });
  };

  async #listen(): Promise<void> {
    const options = this.#options;
    if ('mode' in options) await listenAtPath(this.#server, options.path, options.mode, BACKLOG);
    else await this.#listenAt(options);
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') this.#localPort = bound.port;
    if (this.#handles.readsInPlace) acceptHandles(this.#server, (handle) => this.#takes(handle));
    this.#server.on('error', (error) => this.#options.onWarning(`Accepting connections: ${error.message}`));
  }

  #listenAt(place: PortPlace | DescriptorPlace): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      const listening = (): void => {
        this.#server.removeListener('error', reject);
        resolve();
      };
      if ('fd' in place) this.#server.listen({ fd: place.fd, backlog: BACKLOG }, listening);
      else {
        const { port, address } = place;
        this.#server.listen({ port, host: address, ipv6Only: address.includes(':'), backlog: BACKLOG }, listening);
      }
    });
  }

  /** False: the connection needs a socket such as Node makes it, to speak TLS or to be refused. */
  #takes(handle: AcceptedHandle): boolean {
    const { maxConnections, noDelay } = this.#settings;
    if (this.#count.live >= maxConnections || this.tls !== null) return false;
    this.#refusing = false;
    if (noDelay) handle.setNoDelay?.(true);
    SocketLink.inPlace(handle, this, this.#handles.writes);
    this.#count.live++;
    return true;
  }

  #connected(socket: Socket): void {
    const { maxConnections, noDelay } = this.#settings;
    if (this.#count.live >= maxConnections) {
      this.#refuse(socket);
      return;
    }
    this.#refusing = false;
    if (noDelay) socket.setNoDelay(true);
    SocketLink.listen(socket, this);
    this.#count.live++;
  }

  #refuse(socket: Socket): void {
    const from = this.path ?? socket.remoteAddress;
    socket.on('error', () => {});
    socket.destroy();
    // Once for each time that the limit is reached: a line for each attempt would be a second attack.
    if (!this.#refusing) {
      this.#refusing = true;
      this.#options.onWarning(
        `Client connection from ${from} denied: max_connections exceeded. The listener ${this.path === null ? `on port ${this.#localPort}` : `at ${this.path}`} has its ${this.#settings.maxConnections} connections; until there is room, others are denied without a line here.`,
      );
    }
  }
}

/** For a process that is about to lose the right to read its own files. */
export function loadWebSocket(): Promise<typeof import('./websocket.js')> {
  return import('./websocket.js');
}

/** @throws Error when a listener is to speak TLS itself and to be told of TLS by a proxy */
function proxyGate({ proxy, tls }: ListenerSettings): ProxyGate | null {
  if (proxy === undefined) return null;
  if (tls !== undefined) throw new Error('A listener that speaks TLS cannot have the PROXY protocol below it.');
  return new ProxyGate(proxy);
}
