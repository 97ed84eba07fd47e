import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { preparedTransport } from './prepared-transport.js';
import { DIRECT, type Route } from './route.js';
import { socketTransport } from './socket-transport.js';

/** Bytes; one buffer for each connection takes all reads. */
const READ_BUFFER = 65_536;

/**
 * @param host name or address
 * @param port 1 to 65535
 */
export function tcp(host: string, port: number, route: Route = DIRECT): TransportFactory {
  const { proxy, localAddress, noDelay } = route;
  if (proxy === null) {
    return (events) => openSocket({ host, port, noDelay, ...(localAddress !== undefined && { localAddress }) }, events);
  }
  return preparedTransport(async (signal) => {
    const { throughProxy } = await import('./socks.js');
    const socket = await throughProxy(proxy, host, port, route, signal);
    return (events) => overSocket(socket, events);
  });
}

/** @param path of a Unix socket */
export function unix(path: string): TransportFactory {
  return (events) => openSocket({ path }, events);
}

function openSocket(target: NetConnectOpts, events: TransportEvents): Transport {
  const socket = connect({
    ...target,
    onread: {
      buffer: new Uint8Array(READ_BUFFER),
      callback(length, bytes) {
        events.data(bytes, length);
        return true;
      },
    },
  });
  socket.on('connect', () => events.opened());
  return socketTransport(socket, events);
}

/** @param socket is connected already */
function overSocket(socket: Socket, events: TransportEvents): Transport {
  socket.on('data', (bytes: Buffer) => events.data(bytes, bytes.length));
  queueMicrotask(() => {
    if (!socket.destroyed) events.opened();
  });
  return socketTransport(socket, events);
}
