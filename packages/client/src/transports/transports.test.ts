import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { certificates } from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { Deferred } from '../deferred.js';
import type { Transport, TransportFactory } from '../transport.js';
import { tcp, unix } from './tcp.js';
import { tls } from './tls.js';
import { webSocket } from './websocket.js';

/** The server's end of one stream. */
interface Peer {
  readonly received: () => Promise<Uint8Array>;
  write(bytes: Uint8Array): void;
  end(): void;
  pause(): void;
  resume(): void;
}

interface Host {
  readonly peer: Promise<Peer>;
  readonly factory: TransportFactory;
  close(): void;
}

/** Bytes that come in, and whoever waits for more of them. */
class Inbox {
  #chunks: Uint8Array[] = [];
  #wake: () => void = () => {};

  push(bytes: Uint8Array): void {
    this.#chunks.push(new Uint8Array(bytes));
    this.#wake();
  }

  async next(): Promise<Uint8Array> {
    while (this.#chunks.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return all;
  }
}

/** A server whose first connection is the peer. */
async function listening(
  server: Server,
  event: 'connection' | 'secureConnection',
  at: { port: number; host: string } | { path: string },
): Promise<{ peer: Promise<Peer>; port: number; close: () => void }> {
  const peer = new Promise<Peer>((resolve) => {
    server.on(event, (socket: Socket) => {
      const inbox = new Inbox();
      socket.on('data', (bytes) => inbox.push(bytes));
      socket.on('error', () => {});
      resolve({
        received: () => inbox.next(),
        write: (bytes) => void socket.write(bytes),
        end: () => void socket.end(),
        pause: () => void socket.pause(),
        resume: () => void socket.resume(),
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(at, resolve));
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  return { peer, port, close: () => void server.close() };
}

const LOOPBACK = { port: 0, host: '127.0.0.1' };

async function tcpHost(): Promise<Host> {
  const { port, ...host } = await listening(createServer(), 'connection', LOOPBACK);
  return { ...host, factory: tcp('127.0.0.1', port) };
}

async function unixHost(): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-unix-'));
  const path = join(folder, 'socket');
  const { close, peer } = await listening(createServer(), 'connection', { path });
  const closeAll = (): void => {
    close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { peer, close: closeAll, factory: unix(path) };
}

async function tlsHost(): Promise<Host> {
  const { caFile, certFile, keyFile } = await certificates();
  const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
  const { port, ...host } = await listening(server, 'secureConnection', LOOPBACK);
  return { ...host, factory: tls('localhost', port, { ca: readFileSync(caFile) }) };
}

async function webSocketHost(): Promise<Host> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'mqtt' });
  const peer = new Promise<Peer>((resolve) => {
    server.on('connection', (socket, request) => {
      expect(request.headers['sec-websocket-protocol']).toBe('mqtt'); // [MQTT-6.0.0-3]
      const inbox = new Inbox();
      socket.on('message', (data) => inbox.push(data as Buffer));
      socket.on('error', () => {});
      resolve({
        received: () => inbox.next(),
        write: (bytes) => socket.send(bytes),
        end: () => socket.close(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      });
    });
  });
  await new Promise<void>((resolve) => server.on('listening', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  const factory = webSocket(new URL(`ws://127.0.0.1:${address.port}/mqtt`));
  return { peer, factory, close: () => server.close() };
}

/** A transport, and what it told. */
class Opened {
  readonly inbox = new Inbox();
  readonly transport: Transport;
  readonly opened: Promise<void>;
  readonly closed: Promise<Error | null>;
  onDrained: () => void = () => {};

  constructor(factory: TransportFactory) {
    const opened = new Deferred<void>();
    const closed = new Deferred<Error | null>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.transport = factory({
      opened: opened.resolve,
      data: (bytes, length) => this.inbox.push(bytes.subarray(0, length)),
      drained: () => this.onDrained(),
      closed: closed.resolve,
    });
  }
}

const HOSTS: [string, () => Promise<Host>, string][] = [
  ['TCP', tcpHost, 'ECONNREFUSED'],
  ['A Unix socket', unixHost, 'ENOENT'],
  ['TLS', tlsHost, 'ECONNREFUSED'],
  ['WebSocket', webSocketHost, 'ECONNREFUSED'],
];

describe.each(HOSTS.filter(([name]) => name !== 'TLS' || areInstalled('openssl')))('%s', (name, start, nobodyThere) => {
  const hosts: Host[] = [];
  afterEach(() => {
    for (const host of hosts.splice(0)) host.close();
  });

  async function open() {
    const host = await start();
    hosts.push(host);
    const client = new Opened(host.factory);
    await client.opened;
    return { client, peer: await host.peer };
  }

  it('carries bytes both ways', async () => {
    const { client, peer } = await open();
    client.transport.write(Uint8Array.of(1, 2, 3));
    expect([...(await peer.received())]).toEqual([1, 2, 3]);
    peer.write(Uint8Array.of(4, 5));
    expect([...(await client.inbox.next())]).toEqual([4, 5]);
    client.transport.destroy();
    await client.closed;
  });

  it('sends everything before its end, and closes without an error', async () => {
    const { client, peer } = await open();
    client.transport.write(new Uint8Array(300_000).fill(7));
    client.transport.end();
    let size = 0;
    while (size < 300_000) size += (await peer.received()).length;
    peer.end();
    expect(await client.closed).toBeNull();
    expect(size).toBe(300_000);
  });

  it('tells when the peer closes', async () => {
    const { client, peer } = await open();
    peer.end();
    expect(await client.closed).toBeNull();
  });

  it('says when it has enough, and when there is room again', async () => {
    const { client, peer } = await open();
    peer.pause();
    const drained = new Promise<void>((resolve) => {
      client.onDrained = resolve;
    });
    let writes = 0;
    while (client.transport.write(new Uint8Array(1_000_000))) writes++;
    expect(writes).toBeLessThan(100);
    peer.resume();
    await drained;
    client.transport.destroy();
    await client.closed;
  });

  it('does not look at memory again that it has handed over', async () => {
    const { client, peer } = await open();
    peer.pause();
    const written: Uint8Array[] = [];
    let handedOver = 0;
    let held = 0;
    // At first all of it finds room in the system, and then no more.
    for (let round = 0; held < 3 && round < 5_000; round++) {
      const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => round + i);
      written.push(bytes.slice());
      client.transport.write(bytes);
      if (client.transport.hasHandedOver) {
        bytes.fill(0);
        handedOver++;
      } else held++;
    }
    expect(held).toBe(3);
    if (name === 'TCP' || name === 'A Unix socket') expect(handedOver).toBeGreaterThan(0);
    peer.resume();
    const expected = Buffer.concat(written);
    const received: Uint8Array[] = [];
    for (let size = 0; size < expected.length; ) {
      const bytes = await peer.received();
      received.push(bytes);
      size += bytes.length;
    }
    expect(Buffer.concat(received).equals(expected)).toBe(true);
    client.transport.destroy();
    await client.closed;
  });

  it('reads nothing while it is paused', async () => {
    const { client, peer } = await open();
    client.transport.pause();
    peer.write(Uint8Array.of(1));
    client.transport.write(Uint8Array.of(2));
    await peer.received();
    client.transport.resume();
    expect([...(await client.inbox.next())]).toEqual([1]);
    client.transport.destroy();
    await client.closed;
  });

  it('reads nothing from the beginning if it was paused before it was opened', async () => {
    const host = await start();
    hosts.push(host);
    const client = new Opened(host.factory);
    client.transport.pause();
    await client.opened;
    const peer = await host.peer;
    const told: string[] = [];
    const first = client.inbox.next().then((bytes) => told.push(`data ${[...bytes]}`));
    peer.write(Uint8Array.of(1));
    client.transport.write(Uint8Array.of(2));
    await peer.received();
    // What the peer has written is there: the next look at the network would find it.
    for (let looks = 0; looks < 3; looks++) await new Promise((resolve) => setImmediate(resolve));
    told.push('resumed');
    client.transport.resume();
    await first;
    expect(told).toEqual(['resumed', 'data 1']);
    client.transport.destroy();
    await client.closed;
  });

  it('tells why it could not be opened', async () => {
    const host = await start();
    host.close();
    const error = await new Opened(host.factory).closed;
    expect(error).toMatchObject({ code: nobodyThere });
  });
});

it('[MQTT-6.0.0-1] a WebSocket frame with text closes the connection', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'mqtt' });
  server.on('connection', (socket) => socket.send('text'));
  await new Promise<void>((resolve) => server.on('listening', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  const client = new Opened(webSocket(new URL(`ws://127.0.0.1:${address.port}/`)));
  expect(await client.closed).toMatchObject({ message: expect.stringContaining('text') });
  server.close();
});
