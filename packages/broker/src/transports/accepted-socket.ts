import { createServer, type OnReadOpts, type Server, Socket, type SocketConstructorOpts } from 'node:net';
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

/** A connection that was accepted and has no socket yet. */
export interface AcceptedHandle {
  /** Fills in who the peer is, as far as that can be known. Absent for a Unix socket. */
  getpeername?(peer: { address?: string; port?: number }): number;
  /** Absent for a Unix socket. */
  setNoDelay?(noDelay: boolean): number;
}

/** What Node does with an accepted connection; the error is 0, or the negative number of a system error. */
type OnConnection = (this: object, error: number, handle: AcceptedHandle | undefined) => void;

/**
 * Has `take` called for each connection that a server accepts, before Node makes a socket of it. False: it is not taken, and
 * becomes an event of the server. Returns false, and nothing changes, if this runtime works differently. To be called when
 * the server listens.
 */
export function acceptHandles(server: Server, take: (handle: AcceptedHandle) => boolean): boolean {
  const listening = (server as Server & { _handle: { onconnection?: OnConnection } | null })._handle;
  const onConnection = listening?.onconnection;
  if (listening === null || typeof onConnection !== 'function') return false;
  listening.onconnection = function (error, handle) {
    if (error !== 0 || handle === undefined || !take(handle)) onConnection.call(this, error, handle);
  };
  return true;
}

/**
 * A socket that reads into `readBuffer`. Node offers such reads for outgoing sockets only; `probeHandles` says whether it
 * works here for accepted ones.
 */
export function readingInPlace(handle: AcceptedHandle, receive: ReceiveInPlace): Socket {
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
  /** Whether `acceptHandles` and `readingInPlace` work. */
  readonly readsInPlace: boolean;
  /** Null: such sockets are written to as others are. */
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
    const take = (handle: AcceptedHandle): boolean => {
      try {
        taken = readingInPlace(handle, function (this: Socket, length: number) {
          settle(this === taken && length === 1 && readBuffer[0] === PROBE_BYTE);
          return true;
        });
        taken.on('error', () => settle(false));
        taken.resume();
      } catch {
        settle(false);
      }
      return true;
    };
    server.listen(0, '127.0.0.1', () => {
      if (!acceptHandles(server, take)) return settle(false);
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
