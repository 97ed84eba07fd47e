import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** What Node gives to a handle for each write. Only a write that goes on after the call takes hold of it. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  /** Keeps the bytes in memory meanwhile. */
  buffer: Uint8Array | null;
  getAsyncId(): number;
}

type WriteRequestClass = new () => WriteRequest;

/** The part of a socket that writes. */
interface WritingHandle {
  /** Returns 0, or the negative number of a system error. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** The id of a request that nothing has taken hold of. */
const UNUSED = -1;

/**
 * Writes to sockets past their streams. Nearly every write of a broker is taken by the kernel at once; what streams do for
 * those that are not costs a third as much again as the system call. Node has no public way to do this, so `learn` finds out
 * whether this runtime has what it needs.
 *
 * Such writes and those by the stream keep their order: both wait in one queue below.
 */
export class DirectWrites {
  readonly #Request: WriteRequestClass;
  /** Used again as long as writes end at once. */
  #request: WriteRequest;

  private constructor(Request: WriteRequestClass) {
    this.#Request = Request;
    this.#request = new Request();
  }

  /**
   * Looks how Node writes to this socket, which is connected and of no further use, and does the same: two bytes are sent.
   * Null: this runtime works differently.
   */
  static learn(socket: Socket): DirectWrites | null {
    const handle = handleOf(socket);
    if (handle === null || typeof handle.writeBuffer !== 'function') return null;
    const { writeBuffer } = handle;
    const seen: WriteRequest[] = [];
    handle.writeBuffer = (request, bytes) => {
      seen.push(request);
      return writeBuffer.call(handle, request, bytes);
    };
    socket.write(Uint8Array.of(0));
    Reflect.deleteProperty(handle, 'writeBuffer');
    if (seen.length !== 1) return null;
    const writes = new DirectWrites(seen[0].constructor as WriteRequestClass);
    if (typeof writes.#request.getAsyncId !== 'function' || writes.#request.getAsyncId() !== UNUSED) return null;
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
    const request = this.#request;
    const status = handle.writeBuffer(request, bytes);
    if (request.getAsyncId() === UNUSED) {
      if (status !== 0) socket.destroy(writeError(status));
      return true;
    }
    this.#request = new this.#Request();
    request.buffer = bytes;
    request.oncomplete = (late) => {
      request.buffer = null;
      if (socket.destroyed) return;
      if (late < 0) socket.destroy(writeError(late));
      else done();
    };
    return false;
  }

  /** Bytes that the kernel has not taken yet. */
  pendingBytes(socket: Socket): number {
    return handleOf(socket)?.writeQueueSize ?? 0;
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
