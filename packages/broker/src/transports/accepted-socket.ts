import { createServer, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { DirectWrites } from './direct-writes.js';

const READ_BUFFER_BYTES = 64 * 1024;
/** With this mark `drain` is emitted whenever all written bytes have left, not only after large writes. */
export const WRITE_HIGH_WATER_BYTES = 1;
const PROBE_BYTE = 0x5a;
const PROBE_TIMEOUT_MS = 1000;

/**
 * One read buffer for all connections: a read allocates nothing, and an idle connection holds none. What is in it is
 * valid until the next read of any connection, that is, until the callback returns.
 */
export const readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/** Called with the socket as `this`; `readBuffer[0, length)` came in. False pauses reading. */
export type ReceiveInPlace = (this: Socket, length: number) => boolean;

/**
 * Moves the connection of an accepted socket into a new socket that reads into `readBuffer`. Node offers such reads for
 * outgoing sockets only, so the handle is taken out of the accepted one; `probeHandles` says whether that works here.
 * The accepted socket is an empty shell afterwards. Null: there was no handle to take, the connection is gone already.
 */
export function takeOver(accepted: Socket, receive: ReceiveInPlace): Socket | null {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) return null;
  Reflect.set(accepted, '_handle', null);
  // Without this the server would count the connection for ever, and its `close` would never end.
  accepted.destroy();
  const options: SocketConstructorOpts & { handle: object; writableHighWaterMark: number; onread: OnReadOpts } = {
    handle,
    readable: true,
    writable: true,
    writableHighWaterMark: WRITE_HIGH_WATER_BYTES,
    onread: { buffer: readBuffer, callback: receive },
  };
  return new Socket(options);
}

/** What this runtime lets us do with the handles of sockets. */
export interface HandleUse {
  /** Whether `takeOver` works. */
  readonly readsInPlace: boolean;
  /** Null: sockets that were taken over are written to as others are. */
  readonly writes: DirectWrites | null;
}

let verdict: Promise<HandleUse> | null = null;

/**
 * Found out once by doing it over a loopback connection: handles are not public API, so neither a version number nor the
 * presence of a field is proof. Costs a few milliseconds.
 */
export function probeHandles(): Promise<HandleUse> {
  verdict ??= probe();
  return verdict;
}

function probe(): Promise<HandleUse> {
  return new Promise((resolve) => {
    const server = createServer();
    const client = new Socket();
    let taken: Socket | null = null;
    const settle = (readsInPlace: boolean) => {
      resolve({ readsInPlace, writes: readsInPlace && taken !== null ? learn(taken) : null });
      client.destroy();
      taken?.destroy();
      server.close();
    };
    server.on('error', () => settle(false));
    client.on('error', () => settle(false));
    client.setTimeout(PROBE_TIMEOUT_MS, () => settle(false));
    server.on('connection', (accepted) => {
      try {
        taken = takeOver(accepted, function (this: Socket, length: number) {
          settle(this === taken && length === 1 && readBuffer[0] === PROBE_BYTE);
          return true;
        });
        if (taken === null) return settle(false);
        taken.on('error', () => settle(false));
        taken.resume();
      } catch {
        settle(false);
      }
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return settle(false);
      client.connect(address.port, '127.0.0.1', () => client.write(Uint8Array.of(PROBE_BYTE)));
    });
  });
}

function learn(socket: Socket): DirectWrites | null {
  try {
    return DirectWrites.learn(socket);
  } catch {
    return null;
  }
}
