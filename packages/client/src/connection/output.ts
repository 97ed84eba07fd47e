/** The first chunk of a turn has the size that the last turn needed, within these bounds (bytes). */
const SMALLEST_CHUNK = 256;
const LARGEST_CHUNK = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * Collects the packets of one turn of the event loop, so that they leave in one write. A chunk that was taken belongs to
 * the transport, until it is given back; the next packet begins a new one.
 */
export class Output {
  /** Bytes that wait: so much of `chunk`. */
  length = 0;
  /** Where packets are written to, from `length` on, as far as `reserve` has made room. */
  chunk: Uint8Array = NOTHING;
  #nextSize = SMALLEST_CHUNK;
  /** The chunk that was taken last. */
  #taken: Uint8Array = NOTHING;

  /** Makes room for so many bytes. The writer fills them, and adds their count to `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    const { chunk } = this;
    if (needed <= chunk.length) return;
    const larger = new Uint8Array(Math.max(chunk === NOTHING ? this.#nextSize : chunk.length * 2, needed));
    if (this.length > 0) larger.set(chunk.subarray(0, this.length));
    this.chunk = larger;
  }

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.chunk.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Hands over all that waits. */
  take(): Uint8Array {
    const taken = this.chunk.subarray(0, this.length);
    this.#nextSize = Math.max(SMALLEST_CHUNK, Math.min(this.length, LARGEST_CHUNK));
    this.#taken = this.chunk;
    this.clear();
    return taken;
  }

  /** What was taken last is needed no more: its chunk is used again, unless that is far larger than what was in it. */
  giveBack(): void {
    if (this.chunk === NOTHING && this.#taken.length <= this.#nextSize * 4) this.chunk = this.#taken;
    this.#taken = NOTHING;
  }

  /** The connection is gone: nothing will be sent any more. */
  clear(): void {
    this.chunk = NOTHING;
    this.length = 0;
  }
}
