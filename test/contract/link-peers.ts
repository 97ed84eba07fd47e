import { readFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTlsSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { Listener, type ListenerOptions } from '../../packages/broker/src/transports/listener.js';
import { memoryLinkPair } from '../../packages/broker/src/transports/memory.js';
import { type TlsContextOptions, tlsContext } from '../../packages/broker/src/transports/tls-context.js';
import type { ListenerTls } from '../../packages/broker/src/transports/tls-socket.js';
import { certificates } from '../support/certificates.js';
import { type Connected, type Peer, RecordingHandler, Watch } from './link.js';

export type Reads = 'in-place' | 'events';

/** A listener on a free loopback port, and a recording handler for each connection that it accepted. */
export interface TestListener {
  readonly watch: Watch;
  readonly handlers: readonly RecordingHandler[];
  readonly warnings: readonly string[];
  readonly listener: Listener;
}

export async function openListener(options: Partial<ListenerOptions> = {}): Promise<TestListener> {
  const watch = new Watch();
  const handlers: RecordingHandler[] = [];
  const warnings: string[] = [];
  const listener = await Listener.open(
    {
      port: 0,
      address: '127.0.0.1',
      maxConnections: Number.POSITIVE_INFINITY,
      noDelay: true,
      maxWebSocketMessageBytes: () => 20_000_000,
      onWarning: (message) => warnings.push(message),
      ...options,
    },
    (link) => {
      const handler = new RecordingHandler(watch);
      handler.link = link;
      handlers.push(handler);
      watch.changed();
      return handler;
    },
  );
  return { watch, handlers, warnings, listener };
}

/** Keeps what a socket or a WebSocket received. */
class Received {
  readonly received: Buffer[] = [];
  receivedBytes = 0;
  isClosed = false;
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  add(bytes: Uint8Array): void {
    this.received.push(Buffer.from(bytes));
    this.receivedBytes += bytes.length;
    this.#watch.changed();
  }

  closed(): void {
    this.isClosed = true;
    this.#watch.changed();
  }
}

/** `tls`: the peer is a client of TLS. */
function openSocket(port: number, tls?: ConnectionOptions): { plain: Socket; socket: Socket } {
  const plain = connectSocket({ port, host: '127.0.0.1', noDelay: true });
  return { plain, socket: tls === undefined ? plain : connectTlsSocket({ ...tls, socket: plain }) };
}

export class SocketPeer extends Received implements Peer {
  readonly socket: Socket;
  error: Error | null = null;
  readonly #plain: Socket;

  constructor(watch: Watch, port: number, tls?: ConnectionOptions) {
    super(watch);
    const { plain, socket } = openSocket(port, tls);
    this.#plain = plain;
    this.socket = socket;
    socket.on('data', (chunk) => this.add(chunk));
    socket.on('error', (error) => {
      this.error ??= error;
    });
    socket.on('secureConnect', () => watch.changed());
    socket.on('close', () => this.closed());
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Past TLS, if it speaks that. */
  plainWrite(bytes: Uint8Array): void {
    this.#plain.write(bytes);
  }

  stopReading(): void {
    this.socket.pause();
  }

  startReading(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.end();
  }

  reset(): void {
    this.#plain.resetAndDestroy();
  }
}

export class WebSocketPeer extends Received implements Peer {
  readonly webSocket: WebSocket;
  closeCode = 0;
  readonly #plain: Socket;

  constructor(watch: Watch, port: number, subprotocols: string[] = ['mqtt'], tls?: ConnectionOptions) {
    super(watch);
    const { plain, socket } = openSocket(port, tls);
    this.#plain = plain;
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, subprotocols, {
      createConnection: () => socket,
      perMessageDeflate: false,
    });
    this.webSocket.on('open', () => watch.changed());
    this.webSocket.on('message', (data) => this.add(data as Buffer));
    this.webSocket.on('error', () => {});
    this.webSocket.on('close', (code) => {
      this.closeCode = code;
      this.closed();
    });
  }

  write(bytes: Uint8Array): void {
    this.webSocket.send(bytes);
  }

  stopReading(): void {
    this.webSocket.pause();
  }

  startReading(): void {
    this.webSocket.resume();
  }

  close(): void {
    this.webSocket.close();
  }

  reset(): void {
    // A paused WebSocket would not see its socket's end.
    this.webSocket.resume();
    this.#plain.resetAndDestroy();
  }
}

export async function connectTcp(reads: Reads): Promise<Connected> {
  const { watch, handlers, listener } = await openListener({ reads });
  const peer = new SocketPeer(watch, listener.localPort);
  await watch.until(() => handlers.length === 1);
  return { watch, peer, handler: handlers[0], dispose: () => listener.close() };
}

export async function connectWebSocket(reads: Reads): Promise<Connected> {
  const { watch, handlers, listener } = await openListener({ reads });
  const peer = new WebSocketPeer(watch, listener.localPort);
  await watch.until(() => peer.webSocket.readyState === WebSocket.OPEN);
  return { watch, peer, handler: handlers[0], dispose: () => listener.close() };
}

export interface TlsSides {
  readonly server: ListenerTls;
  readonly client: ConnectionOptions;
}

/** TLS with certificates of the tests for both sides. `context`: what the listener has otherwise. */
export async function tlsSides(context: Partial<TlsContextOptions> = {}): Promise<TlsSides> {
  const { caFile, certFile, keyFile, clientCertFile, clientKeyFile } = await certificates();
  const [ca, cert, key, clientCert, clientKey] = [caFile, certFile, keyFile, clientCertFile, clientKeyFile].map(
    (file) => readFileSync(file, 'utf8'),
  );
  const options = { certificates: cert, privateKey: key, authorities: [ca], ciphers: null, ciphersOfTls13: null };
  return {
    server: { context: tlsContext({ ...options, minVersion: 'TLSv1.2', ...context }), requireCertificate: true },
    client: { ca, cert: clientCert, key: clientKey, servername: 'localhost' },
  };
}

const TLS_SESSION = {
  serverName: 'localhost',
  client: { proof: 'certificate' as const, commonName: 'client', subject: 'CN=client,OU=tests,O=Cauldron' },
};
export const TLS_SESSIONS = {
  'TLSv1.2': { ...TLS_SESSION, protocol: 'TLSv1.2', cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
  'TLSv1.3': { ...TLS_SESSION, protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
} as const;

type TlsVersion = keyof typeof TLS_SESSIONS;

export async function connectTls(version: TlsVersion): Promise<Connected> {
  const { server, client } = await tlsSides();
  const { watch, handlers, listener } = await openListener({ tls: server });
  const peer = new SocketPeer(watch, listener.localPort, { ...client, maxVersion: version });
  await watch.until(() => handlers.length === 1);
  // The end of a handshake is no event that a handler sees.
  while (handlers[0].with((link) => link.tls) === null && handlers[0].closes === 0) await new Promise(setImmediate);
  return { watch, peer, handler: handlers[0], tls: TLS_SESSIONS[version], dispose: () => listener.close() };
}

export async function connectWebSocketOverTls(): Promise<Connected> {
  const { server, client } = await tlsSides();
  const { watch, handlers, listener } = await openListener({ tls: server });
  const peer = new WebSocketPeer(watch, listener.localPort, ['mqtt'], client);
  await watch.until(() => peer.webSocket.readyState === WebSocket.OPEN);
  return { watch, peer, handler: handlers[0], tls: TLS_SESSIONS['TLSv1.3'], dispose: () => listener.close() };
}

export async function connectInMemory(): Promise<Connected> {
  const watch = new Watch();
  const handler = new RecordingHandler(watch);
  const addresses = { remoteAddress: '127.0.0.1', remotePort: 1, localPort: 2 };
  const { link, client } = memoryLinkPair(() => handler, addresses);
  handler.link = link;
  const received = new Received(watch);
  client.onData = (bytes) => received.add(bytes);
  client.onClose = () => received.closed();
  const peer = Object.assign(received, {
    write: (bytes: Uint8Array) => void client.write(bytes),
    stopReading: () => client.pause(),
    startReading: () => client.resume(),
    close: () => client.close(),
    reset: () => client.reset(new Error('reset by the test')),
  });
  return { watch, handler, peer, dispose: () => {} };
}
