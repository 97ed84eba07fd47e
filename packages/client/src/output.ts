/** The first chunk of a turn has the size that the last turn needed, within these bounds (bytes). */
const SMALLEST_CHUNK = 256;
const LARGEST_CHUNK = 65_536;

/**
 * Collects the packets of one turn of the event loop, so that they leave in one write. A chunk that was taken belongs to
 * the transport; the next packet begins a new one.
 */
export class Output {
  /** Bytes that wait. */
  length = 0;
  #chunk: Uint8Array | null = null;
  #nextSize = SMALLEST_CHUNK;

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    let chunk = this.#chunk;
    if (chunk === null) {
      chunk = this.#chunk = new Uint8Array(Math.max(this.#nextSize, needed));
    } else if (needed > chunk.length) {
      const larger = new Uint8Array(Math.max(chunk.length * 2, needed));
      larger.set(chunk.subarray(0, this.length));
      chunk = this.#chunk = larger;
    }
    chunk.set(bytes, this.length);
    this.length = needed;
  }

  /** Hands over all that waits. Not to be called when nothing does. */
  take(): Uint8Array {
    const chunk = this.#chunk ?? new Uint8Array(0);
    const taken = chunk.subarray(0, this.length);
    this.#nextSize = Math.max(SMALLEST_CHUNK, Math.min(this.length, LARGEST_CHUNK));
    this.#chunk = null;
    this.length = 0;
    return taken;
  }

  /** The connection is gone: nothing will be sent any more. */
  clear(): void {
    this.#chunk = null;
    this.length = 0;
  }
}
