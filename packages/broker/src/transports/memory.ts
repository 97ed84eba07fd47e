import type { Link, LinkHandler, TlsSession } from '../core/ports/link.js';
import { lingeringLinks } from './linger.js';
import type { AcceptLink } from './tcp.js';

/** Bytes that are under way in one direction before the writer is told to wait, as a socket buffer would. */
const PIPE_BYTES = 64 * 1024;

/**
 * One direction of an in-process connection. What is written arrives in a later turn of the event loop, piece by piece
 * as it was written, so that neither side ever runs inside a call of the other.
 */
class Pipe {
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #drained: () => void;
  readonly #ended: () => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #pendingBytes = 0;
  #stalled = false;
  #paused = false;
  #scheduled = false;
  #state: 'open' | 'ending' | 'closed' = 'open';

  constructor(deliver: (bytes: Uint8Array) => void, drained: () => void, ended: () => void) {
    this.#deliver = deliver;
    this.#drained = drained;
    this.#ended = ended;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open' || bytes.length === 0) return true;
    const fits = this.#pendingBytes === 0 && this.#bytes + bytes.length <= PIPE_BYTES;
    // Not `slice`, which copies nothing when it is a Buffer's.
    this.#pieces.push(fits ? new Uint8Array(bytes) : bytes);
    this.#bytes += bytes.length;
    if (!fits) {
      this.#pendingBytes += bytes.length;
      this.#stalled = true;
    }
    this.#schedule();
    return fits;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#schedule();
  }

  close(): void {
    this.#state = 'closed';
    this.#pieces = [];
    this.#bytes = 0;
    this.#pendingBytes = 0;
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#state === 'closed') return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const pieces = this.#pieces;
    let taken = 0;
    while (taken < pieces.length && !this.#paused && this.#state !== 'closed') {
      const piece = pieces[taken++];
      this.#bytes -= piece.length;
      this.#pendingBytes = Math.min(this.#pendingBytes, this.#bytes);
      this.#deliver(piece);
    }
    if (this.#state === 'closed') return;
    pieces.splice(0, taken);
    if (this.#stalled && this.#pendingBytes === 0) {
      this.#stalled = false;
      this.#drained();
    }
    if (pieces.length > 0) this.#schedule();
    else if (this.#state === 'ending' && !this.#paused) this.#ended();
  }
}

/** The client's end of an in-process connection. Set the callbacks in the turn in which it was made. */
export class MemoryClient {
  /** Bytes from the broker, its to keep. */
  onData: (bytes: Uint8Array) => void = () => {};
  /** The connection is gone; called once, last. */
  onClose: () => void = () => {};
  readonly #wire: MemoryWire;

  constructor(wire: MemoryWire) {
    this.#wire = wire;
  }

  /** As `Link.write`: true when the bytes are copied, false when they are held until the broker reads on. */
  write(bytes: Uint8Array): boolean {
    return this.#wire.toBroker.write(bytes);
  }

  /** Takes nothing more from the broker, which then sees `pendingBytes` grow. */
  pause(): void {
    this.#wire.toClient.pause();
  }

  resume(): void {
    this.#wire.toClient.resume();
  }

  /** Delivers what was written, then closes both directions. */
  close(): void {
    this.#wire.toBroker.end();
  }

  /** Cuts the connection; the broker sees `error`. */
  reset(error: Error): void {
    this.#wire.close(error);
  }
}

export interface MemoryLinkOptions {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localPort?: number;
  /** What a TLS connection agreed on whose end is elsewhere, in the program that makes this link. */
  readonly tls?: TlsSession;
}

/** Both directions, and their common end. */
class MemoryWire {
  readonly link: MemoryLink;
  readonly client: MemoryClient;
  readonly toBroker: Pipe;
  readonly toClient: Pipe;
  readonly #handler: LinkHandler;
  closed = false;

  constructor(accept: AcceptLink, options: MemoryLinkOptions) {
    const closed = () => this.close(null);
    this.toBroker = new Pipe(
      (bytes) => this.#handler.onRead(bytes, bytes.length),
      () => {},
      closed,
    );
    this.toClient = new Pipe(
      (bytes) => this.client.onData(bytes),
      () => this.#handler.onDrain(),
      closed,
    );
    this.client = new MemoryClient(this);
    this.link = new MemoryLink(this, options);
    this.#handler = accept(this.link);
  }

  close(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.toBroker.close();
    this.toClient.close();
    lingeringLinks.delete(this.link);
    setImmediate(() => {
      this.#handler.onClose(error);
      this.client.onClose();
    });
  }
}

class MemoryLink implements Link {
  readonly transport = 'memory';
  readonly tls: TlsSession | null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly #wire: MemoryWire;

  constructor(wire: MemoryWire, options: MemoryLinkOptions) {
    this.#wire = wire;
    this.remoteAddress = options.remoteAddress ?? '';
    this.remotePort = options.remotePort ?? 0;
    this.localPort = options.localPort ?? 0;
    this.tls = options.tls ?? null;
  }

  get pendingBytes(): number {
    return this.#wire.toClient.pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#wire.toClient.write(bytes);
  }

  pause(): void {
    this.#wire.toBroker.pause();
  }

  resume(): void {
    this.#wire.toBroker.resume();
  }

  end(): void {
    if (this.#wire.closed) return;
    this.#wire.toBroker.close();
    this.#wire.toClient.end();
    lingeringLinks.add(this);
  }

  destroy(): void {
    this.#wire.close(null);
  }
}

/**
 * A connection inside the process: `link` is the broker's end, which `accept` gets, `client` the other one. It behaves
 * as a network connection does, back-pressure and ending included, without a network. For tests and embedding.
 */
export function memoryLinkPair(
  accept: AcceptLink,
  options: MemoryLinkOptions = {},
): { readonly link: Link; readonly client: MemoryClient } {
  const { link, client } = new MemoryWire(accept, options);
  return { link, client };
}
