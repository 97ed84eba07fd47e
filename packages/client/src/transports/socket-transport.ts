import type { Socket } from 'node:net';
import type { Transport, TransportEvents } from '../transport.js';

/**
 * What a socket is to the connection. Its owner tells the events itself that it begins with; `explain` turns an error of
 * the socket into what is told about its end.
 */
export function socketTransport(
  socket: Socket,
  events: TransportEvents,
  explain: (error: Error) => Error = (error) => error,
): Transport {
  let failure: Error | null = null;
  socket.on('drain', () => events.drained());
  socket.on('error', (error) => {
    // A name with several addresses: the errors of all of them come in one, which has no message of its own.
    const [first] = error instanceof AggregateError ? error.errors : [error];
    failure = explain(first instanceof Error ? first : error);
  });
  socket.on('close', () => events.closed(failure));
  return {
    // What the system has taken at once fills no queue, although the socket says so of all that is long.
    write: (bytes) => socket.write(bytes) || socket.writableLength === 0,
    get hasHandedOver() {
      return socket.writableLength === 0;
    },
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
