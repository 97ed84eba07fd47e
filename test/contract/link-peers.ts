import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTlsSocket } from 'node:tls';
import { afterAll, expect } from 'vitest';
import { WebSocket } from 'ws';
import { Listener, type ListenerOptions } from '../../packages/broker/src/transports/listener.js';
import { memoryLinkPair } from '../../packages/broker/src/transports/memory.js';
import type { ProxyVersion } from '../../packages/broker/src/transports/proxy-protocol.js';
import {
  type ClientCertificateRules,
  ClientCertificates,
} from '../../packages/broker/src/transports/tls-client-certificates.js';
import { hostNamesOf, type ServerCertificate } from '../../packages/broker/src/transports/tls-server-names.js';
import { ListenerTls, type ListenerTlsOptions } from '../../packages/broker/src/transports/tls-socket.js';
import { type CertificateFiles, certificates } from '../support/certificates.js';
import { addition, Client, Family, IPV6_ENDS, proxyHeader2, tlsAddition } from '../support/proxy-headers.js';
import { type Connected, type Peer, RecordingHandler, Watch } from './link.js';

export type Reads = 'in-place' | 'events';

/** A listener on a free loopback port, and a recording handler for each connection that it accepted. */
export interface TestListener {
  readonly watch: Watch;
  readonly handlers: readonly RecordingHandler[];
  readonly warnings: readonly string[];
  /** What was said of connections that were ended before they had a handler. */
  readonly rejections: readonly string[];
  readonly listener: Listener;
}

export async function openListener(options: Partial<ListenerOptions> = {}): Promise<TestListener> {
  const watch = new Watch();
  const handlers: RecordingHandler[] = [];
  const warnings: string[] = [];
  const rejections: string[] = [];
  const listener = await Listener.open(
    {
      port: 0,
      address: '127.0.0.1',
      maxConnections: Number.POSITIVE_INFINITY,
      noDelay: true,
      maxWebSocketMessageBytes: () => 20_000_000,
      onWarning: (message) => {
        warnings.push(message);
        watch.changed();
      },
      onRejected: (message) => {
        rejections.push(message);
        watch.changed();
      },
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
  return { watch, handlers, warnings, rejections, listener };
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

/** A port of 127.0.0.1, or the path of a Unix socket. */
type Place = number | string;

/** `tls`: the peer is a client of TLS. */
function openSocket(place: Place, tls?: ConnectionOptions): { plain: Socket; socket: Socket } {
  const plain =
    typeof place === 'string' ? connectSocket(place) : connectSocket({ port: place, host: '127.0.0.1', noDelay: true });
  return { plain, socket: tls === undefined ? plain : connectTlsSocket({ ...tls, socket: plain }) };
}

/** Nobody who looks at a Unix socket can tell this from an end. */
function breakOff(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

export class SocketPeer extends Received implements Peer {
  readonly socket: Socket;
  error: Error | null = null;
  readonly #plain: Socket;

  constructor(watch: Watch, place: Place, tls?: ConnectionOptions) {
    super(watch);
    const { plain, socket } = openSocket(place, tls);
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
    breakOff(this.#plain);
  }
}

export class WebSocketPeer extends Received implements Peer {
  readonly webSocket: WebSocket;
  closeCode = 0;
  readonly #plain: Socket;

  /** `preface`: what its connection begins with, before HTTP. */
  constructor(
    watch: Watch,
    place: Place,
    subprotocols: string[] = ['mqtt'],
    tls?: ConnectionOptions,
    preface?: Uint8Array,
  ) {
    super(watch);
    const { plain, socket } = openSocket(place, tls);
    this.#plain = plain;
    if (preface !== undefined) plain.write(preface);
    this.webSocket = new WebSocket('ws://127.0.0.1/mqtt', subprotocols, {
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
    breakOff(this.#plain);
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

/** A path for a Unix socket. Its folder goes when the tests of the file are through. */
export function socketPath(): string {
  socketFolder ??= mkdtempSync(join(tmpdir(), 'cauldron-links-'));
  return join(socketFolder, `${++socketPaths}.sock`);
}

let socketFolder: string | null = null;
let socketPaths = 0;

afterAll(() => {
  if (socketFolder !== null) rmSync(socketFolder, { recursive: true });
  socketFolder = null;
});

export async function connectUnix(reads: Reads): Promise<Connected> {
  const path = socketPath();
  const { watch, handlers, listener } = await openListener({ reads, path, mode: 0o700 });
  const peer = new SocketPeer(watch, path);
  await watch.until(() => handlers.length === 1);
  const ends = { transport: 'unix', remoteAddress: path, remotePort: 0, localPort: 0 };
  return { watch, peer, handler: handlers[0], ends, dispose: () => listener.close() };
}

export async function connectWebSocketOverUnix(): Promise<Connected> {
  const path = socketPath();
  const { watch, handlers, listener } = await openListener({ path, mode: 0o700 });
  const peer = new WebSocketPeer(watch, path);
  await watch.until(() => peer.webSocket.readyState === WebSocket.OPEN);
  const ends = { transport: 'websocket', remoteAddress: path, remotePort: 0, localPort: 0 };
  return { watch, peer, handler: handlers[0], ends, dispose: () => listener.close() };
}

const PROXY_HEADER = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 1883\r\n');

function proxied(version: ProxyVersion): Partial<ListenerOptions> {
  return { proxy: { version, requireTls: false, requireCertificate: false, timeoutMs: 30_000 } };
}

export async function connectThroughProxy(reads: Reads): Promise<Connected> {
  const { watch, handlers, listener } = await openListener({ reads, ...proxied(1) });
  const peer = new SocketPeer(watch, listener.localPort);
  peer.write(PROXY_HEADER);
  await watch.until(() => handlers.length === 1);
  const ends = { transport: 'tcp', remoteAddress: '192.0.2.7', remotePort: 40_000, localPort: listener.localPort };
  return { watch, peer, handler: handlers[0], ends, dispose: () => listener.close() };
}

/** TLS with a client certificate whose name is `jane`, between the client and the proxy. */
const PROXY_HEADER_WITH_TLS = proxyHeader2({
  family: Family.TCP6,
  ends: IPV6_ENDS,
  additions: [
    addition(0x02, 'broker.example'),
    tlsAddition(Client.TLS | Client.CERTIFICATE_NOW, 0, [addition(0x21, 'TLSv1.3'), addition(0x22, 'jane')]),
  ],
});

export async function connectWebSocketThroughProxy(reads: Reads): Promise<Connected> {
  const { watch, handlers, listener } = await openListener({ reads, ...proxied(2) });
  const peer = new WebSocketPeer(watch, listener.localPort, ['mqtt'], undefined, PROXY_HEADER_WITH_TLS);
  await watch.until(() => peer.webSocket.readyState === WebSocket.OPEN);
  const { localPort } = listener;
  const ends = { transport: 'websocket', remoteAddress: '2001:db8::7', remotePort: 40_000, localPort };
  const client = { proof: 'certificate', commonName: 'jane', subject: 'CN=jane' } as const;
  const tls = { protocol: 'TLSv1.3', cipher: '', serverName: 'broker.example', client };
  return { watch, peer, handler: handlers[0], ends, tls, dispose: () => listener.close() };
}

export interface TlsSides {
  readonly server: ListenerTls;
  readonly client: ConnectionOptions;
}

/** TLS with certificates of the tests for both sides. `options`: what the listener has otherwise. */
export async function tlsSides(options: Partial<ListenerTlsOptions> = {}): Promise<TlsSides> {
  const { caFile, certFile, keyFile, clientCertFile, clientKeyFile } = await certificates();
  const [ca, cert, key] = [caFile, clientCertFile, clientKeyFile].map((file) => readFileSync(file, 'utf8'));
  const server = new ListenerTls({
    certificates: [serverCertificate({ certFile, keyFile })],
    clients: clientsOf(caFile),
    psk: null,
    keyLog: null,
    minVersion: 'TLSv1.2',
    ciphers: null,
    ciphersOfTls13: null,
    dhParameters: null,
    ...options,
  });
  return { server, client: { ca, cert, key, servername: 'localhost' } };
}

/** Clients with a certificate of this CA. */
export function clientsOf(caFile: string, rules: Partial<ClientCertificateRules> = {}): ClientCertificates {
  const authorities = [new X509Certificate(readFileSync(caFile))];
  return new ClientCertificates({ authorities, lists: null, ignoresDates: false, ...rules });
}

export function serverCertificate({ certFile, keyFile }: CertificateFiles): ServerCertificate {
  const [chain, privateKey] = [certFile, keyFile].map((file) => readFileSync(file, 'utf8'));
  const certificate = new X509Certificate(chain);
  const keyType = certificate.publicKey.asymmetricKeyType ?? '';
  return { chain, privateKey, keyType, names: hostNamesOf(certificate) };
}

const TLS_SESSION = {
  serverName: 'localhost',
  client: {
    proof: 'certificate' as const,
    commonName: 'client',
    subject: 'CN=client,OU=tests,O=Cauldron',
    credential: expect.any(Object),
  },
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
