import { connect, type NetConnectOpts } from 'node:net';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';
import { socketTransport } from './socket-transport.js';

/** Bytes; one buffer for each connection takes all reads. */
const READ_BUFFER = 65_536;

/**
 * @param host name or address
 * @param port 1 to 65535
 */
export function tcp(host: string, port: number): TransportFactory {
  return (events) => openSocket({ host, port }, events);
}

/** @param path of a Unix socket */
export function unix(path: string): TransportFactory {
  return (events) => openSocket({ path }, events);
}

function openSocket(target: { host: string; port: number } | { path: string }, events: TransportEvents): Transport {
  const options: NetConnectOpts = {
    ...target,
    // Packets are collected for each turn, so there is nothing to gain from waiting for more.
    noDelay: true,
    onread: {
      buffer: new Uint8Array(READ_BUFFER),
      callback(length, bytes) {
        events.data(bytes, length);
        return true;
      },
    },
  };
  const socket = connect(options);
  socket.on('connect', () => events.opened());
  return socketTransport(socket, events);
}
