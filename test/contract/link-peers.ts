import { connect as connectSocket, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { Listener, type ListenerOptions } from '../../packages/broker/src/transports/listener.js';
import { memoryLinkPair } from '../../packages/broker/src/transports/memory.js';
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

export class SocketPeer extends Received implements Peer {
  readonly socket: Socket;

  constructor(watch: Watch, port: number) {
    super(watch);
    this.socket = connectSocket({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => this.add(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.closed());
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
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
    this.socket.resetAndDestroy();
  }
}

export class WebSocketPeer extends Received implements Peer {
  readonly webSocket: WebSocket;
  closeCode = 0;
  readonly #socket: Socket;

  constructor(watch: Watch, port: number, subprotocols: string[] = ['mqtt']) {
    super(watch);
    this.#socket = connectSocket({ port, host: '127.0.0.1', noDelay: true });
    this.webSocket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, subprotocols, {
      createConnection: () => this.#socket,
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
    this.#socket.resetAndDestroy();
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
