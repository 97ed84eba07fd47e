import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** A write that goes on after the call. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  /** Keeps the bytes in memory meanwhile. */
  buffer: Uint8Array | null;
  /** Not there before Node 26: how a write ended before `oncomplete` could be set; null: it has not. */
  readonly writeStatus?: number | null;
  getAsyncId(): number;
}

type WriteRequestClass = new () => WriteRequest;

/** The part of a socket that writes. */
interface WritingHandle {
  /**
   * Returns 0, or the negative number of a system error. Up to Node 24 it is given a request, of which it takes hold if the
   * write goes on; since Node 26 it is given none, and returns one then.
   */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** The id of a request that nothing has taken hold of. */
const UNUSED = -1;

/**
 * Writes to sockets past their streams. Nearly every write of a broker is taken by the kernel at once, and needs nothing of
 * what streams do for those that are not. Node has no public way to do this, so `learn` finds out whether this runtime has
 * what it needs.
 *
 * Such writes and those by the stream keep their order: both wait in one queue below.
 */
export class DirectWrites {
  /** Null: the handle makes requests itself. */
  readonly #Request: WriteRequestClass | null;
  /** Used again as long as writes end at once. */
  #request: WriteRequest | null = null;

  private constructor(Request: WriteRequestClass | null) {
    this.#Request = Request;
    if (Request !== null) this.#request = new Request();
  }

  /**
   * Looks how Node writes to this socket, which is connected and of no further use, and does the same: two bytes are sent.
   * Null: this runtime works differently.
   */
  static learn(socket: Socket): DirectWrites | null {
    const handle = handleOf(socket);
    if (handle === null || typeof handle.writeBuffer !== 'function') return null;
    const { writeBuffer } = handle;
    const seen: (WriteRequest | null)[] = [];
    handle.writeBuffer = (request, bytes) => {
      seen.push(request);
      return writeBuffer.call(handle, request, bytes);
    };
    socket.write(Uint8Array.of(0));
    Reflect.deleteProperty(handle, 'writeBuffer');
    if (seen.length !== 1) return null;
    const [request] = seen;
    const writes = new DirectWrites(request === null ? null : (request.constructor as WriteRequestClass));
    if (writes.#request !== null && writes.#request.getAsyncId() !== UNUSED) return null;
    const isDone = writes.write(socket, Uint8Array.of(0), () => {});
    return isDone && handle.bytesWritten === 2 && handle.writeQueueSize === 0 ? writes : null;
  }

  /**
   * True: the kernel has all bytes. False: it will have them when `done` is called, and until then they are not to be
   * changed. What goes wrong destroys the socket with an error; after that, and on a socket that is closed, nothing is done.
   */
  write(socket: Socket, bytes: Uint8Array, done: () => void): boolean {
    const handle = handleOf(socket);
    if (handle === null) return true;
    const begun = this.#begin(handle, bytes);
    if (typeof begun === 'number' || typeof begun.writeStatus === 'number') {
      const status = typeof begun === 'number' ? begun : (begun.writeStatus ?? 0);
      if (status !== 0) socket.destroy(writeError(status));
      return true;
    }
    begun.buffer = bytes;
    begun.oncomplete = (status) => {
      begun.buffer = null;
      if (socket.destroyed) return;
      if (status < 0) socket.destroy(writeError(status));
      else done();
    };
    return false;
  }

  /** Bytes that the kernel has not taken yet. */
  pendingBytes(socket: Socket): number {
    return handleOf(socket)?.writeQueueSize ?? 0;
  }

  /** What became of the write; a request: it goes on. */
  #begin(handle: WritingHandle, bytes: Uint8Array): number | WriteRequest {
    const request = this.#request;
    const begun = handle.writeBuffer(request, bytes);
    if (request === null || this.#Request === null || request.getAsyncId() === UNUSED) return begun;
    this.#request = new this.#Request();
    return request;
  }
}

/** Null: the socket is closed. */
function handleOf(socket: Socket): WritingHandle | null {
  return (socket as Socket & { _handle: WritingHandle | null })._handle;
}

function writeError(status: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' });
}
