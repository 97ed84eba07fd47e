import { connect, type NetConnectOpts } from 'node:net';
import type { Transport, TransportEvents, TransportFactory } from '../transport.js';

/** Bytes; one buffer for each connection takes all reads. */
const READ_BUFFER = 65_536;

/**
 * @param host name or address
 * @param port 1 to 65535
 */
export function tcp(host: string, port: number): TransportFactory {
  return (events) => openSocket({ host, port }, events);
}

function openSocket(target: { host: string; port: number }, events: TransportEvents): Transport {
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
  let failure: Error | null = null;
  socket.on('connect', () => events.opened());
  socket.on('drain', () => events.drained());
  socket.on('error', (error) => {
    // A name with several addresses: the errors of all of them come in one, which has no message of its own.
    const [first] = error instanceof AggregateError ? error.errors : [error];
    failure = first instanceof Error ? first : error;
  });
  socket.on('close', () => events.closed(failure));
  return {
    write: (bytes) => socket.write(bytes),
    end: () => {
      socket.end();
    },
    destroy: () => {
      socket.destroy();
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
  };
}
