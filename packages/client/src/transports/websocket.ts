import type { TlsOptions } from '../tls-options.js';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';

/** What Node's `ws` and the WebSocket of a browser have in common. */
interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string; error?: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: Uint8Array): void;
  close(): void;
  /** Only `ws` has these three. */
  terminate?(): void;
  pause?(): void;
  resume?(): void;
}

type WebSocketConstructor = new (url: string, protocols: string[], options?: object) => WebSocketLike;

/** More than this (bytes) waiting to leave is enough; below it, `drained`. */
const HIGH_WATER = 65_536;
/** A WebSocket does not tell when it has sent something, so while it has enough it is asked this often. */
const DRAIN_POLL_MS = 5;

/** [MQTT-6.0.0-3] */
const SUBPROTOCOLS = ['mqtt'];

/** @param url ws: or wss:, with its path. @param options for wss: in Node; in a browser they have no effect */
export async function webSocket(url: string, options: TlsOptions = {}): Promise<TransportFactory> {
  const WebSocket = await webSocketConstructor();
  const secure = url.startsWith('wss:') && isNode() ? await secureSockets(options) : null;
  return (events) => {
    const explain = secure?.explain ?? ((error: Error) => error);
    return openWebSocket(
      new WebSocket(url, SUBPROTOCOLS, ...(secure === null ? [] : [secure.socketOptions])),
      events,
      explain,
    );
  };
}

/** How `ws` is told to speak TLS as `mqtts:` does: with the same options, checks and words. */
async function secureSockets(options: TlsOptions) {
  const [{ openTls }, { tlsFailure }] = await Promise.all([import('./tls.js'), import('./tls-failures.js')]);
  const createConnection = ({ host, port }: { host: string; port: number }) => openTls(host, Number(port), options);
  return { socketOptions: { createConnection }, explain: tlsFailure };
}

function isNode(): boolean {
  return globalThis.process?.versions?.node !== undefined;
}

async function webSocketConstructor(): Promise<WebSocketConstructor> {
  if (!isNode()) {
    return (globalThis as unknown as { WebSocket: WebSocketConstructor }).WebSocket;
  }
  // Not the global WebSocket of newer Nodes: it can neither pause nor hang up.
  const { WebSocket } = await import('ws');
  return WebSocket as unknown as WebSocketConstructor;
}

function openWebSocket(socket: WebSocketLike, events: TransportEvents, explain: (error: Error) => Error): Transport {
  let failure: Error | null = null;
  let opened = false;
  let poll: ReturnType<typeof setInterval> | null = null;
  const hangUp = () => (socket.terminate === undefined ? socket.close() : socket.terminate());
  const awaitDrain = () => {
    poll ??= setInterval(() => {
      if (socket.bufferedAmount >= HIGH_WATER) return;
      stopPolling();
      events.drained();
    }, DRAIN_POLL_MS);
  };
  const stopPolling = () => {
    if (poll !== null) clearInterval(poll);
    poll = null;
  };

  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    opened = true;
    events.opened();
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) {
      events.data(new Uint8Array(data), data.byteLength);
    } else {
      failure ??= new Error('The server sent a WebSocket frame with text'); // [MQTT-6.0.0-1]
      hangUp();
    }
  };
  socket.onerror = ({ message, error }) => {
    failure ??= error instanceof Error ? explain(error) : new Error(message || 'The WebSocket failed');
  };
  socket.onclose = ({ code, reason }) => {
    stopPolling();
    if (!opened) failure ??= new Error(`The WebSocket was not opened (code ${code}${reason && `, ${reason}`})`);
    events.closed(failure);
  };
  return {
    write(bytes) {
      // After the end has begun a browser's WebSocket drops what it is given; the connection learns that from `closed`.
      socket.send(bytes);
      if (socket.bufferedAmount < HIGH_WATER) return true;
      awaitDrain();
      return false;
    },
    end: () => socket.close(),
    destroy: () => hangUp(),
    pause: () => socket.pause?.(),
    resume: () => socket.resume?.(),
  };
}
