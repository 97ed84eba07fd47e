import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { TlsOptions } from '../tls-options.js';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { preparedTransport } from './prepared-transport.js';
import { DIRECT, hostOf, type Route } from './route.js';
import { openTls } from './tls.js';
import { tlsFailure } from './tls-failures.js';
import { SUBPROTOCOLS, type WebSocketLike, webSocketStream } from './websocket-stream.js';

const DEFAULT_PORTS = { 'ws:': 80, 'wss:': 443 };

/**
 * A WebSocket in Node, by `ws`: the global one of newer Nodes can neither pause nor hang up.
 * @param url ws: or wss:, with its path
 * @param tlsOptions for wss:
 */
export function webSocket(url: URL, tlsOptions: TlsOptions = {}, route: Route = DIRECT): TransportFactory {
  const isSecure = url.protocol === 'wss:';
  const host = hostOf(url);
  const port = url.port === '' ? DEFAULT_PORTS[isSecure ? 'wss:' : 'ws:'] : Number(url.port);
  const { proxy, localAddress, noDelay } = route;
  const openDirectly = () => connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
  // TLS has the same options, checks and words as that of `mqtts:`.
  if (proxy === null) {
    const openSocket = isSecure ? () => openTls(host, port, tlsOptions, { localAddress }) : openDirectly;
    return (events) => openWebSocket(url, openSocket, noDelay, events);
  }
  return preparedTransport(async (signal) => {
    const { throughProxy } = await import('./socks.js');
    const socket = await throughProxy(proxy, host, port, route, signal);
    const openSocket = () => (isSecure ? openTls(host, port, tlsOptions, { socket }) : socket);
    return (events) => openWebSocket(url, openSocket, noDelay, events);
  });
}

function openWebSocket(url: URL, openSocket: () => Socket, noDelay: boolean, events: TransportEvents): Transport {
  let socket: Socket | null = null;
  const createConnection = (): Duplex => {
    socket = openSocket();
    return socket;
  };
  const webSocket = new WebSocket(url, SUBPROTOCOLS, { createConnection });
  // When it is open, `ws` sends at once.
  if (!noDelay) webSocket.on('open', () => socket?.setNoDelay(false));
  return webSocketStream(webSocket as unknown as WebSocketLike, events, afterMs, tlsFailure);
}

/** `Clock.after`, of the system. */
function afterMs(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
