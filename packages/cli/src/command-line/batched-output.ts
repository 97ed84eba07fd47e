import type { Writable } from 'node:stream';

const FIRST_SIZE = 4_096;
/** Bytes after which the batch is written in the middle of a turn. */
const WRITE_AT = 65_536;

/**
 * Collects what is printed in one turn of the event loop, so that a burst of messages is one write. It is written before
 * the client's acknowledgements for these messages leave.
 */
export class BatchedOutput {
  /** Called when the reader is slower than we are; `onRoom` follows. */
  onFull: () => void = () => {};
  onRoom: () => void = () => {};
  /** Called when nothing can be written any more: EPIPE when nobody reads (`| head`). What is printed after it is lost. */
  onGone: (error: NodeJS.ErrnoException) => void = () => {};

  readonly #target: Writable;
  readonly #encoder = new TextEncoder();
  #batch = new Uint8Array(FIRST_SIZE);
  #length = 0;
  #scheduled = false;
  #gone = false;

  constructor(target: Writable) {
    this.#target = target;
    target.on('drain', this.#tellRoom);
    target.on('error', this.#tellGone);
  }

  writeText(text: string): void {
    // No code unit of UTF-16 becomes more than three bytes.
    this.#reserve(text.length * 3);
    this.#length += this.#encoder.encodeInto(text, this.#batch.subarray(this.#length)).written;
    this.#schedule();
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#batch.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#schedule();
  }

  /** Writes what is left. @returns when the target has taken all of it */
  async end(): Promise<void> {
    this.#flush();
    if (!this.#gone) await new Promise<void>((resolve) => this.#target.write('', () => resolve()));
    this.#target.off('drain', this.#tellRoom);
    if (!this.#gone) this.#target.off('error', this.#tellGone);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#batch.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#batch.length * 2));
    larger.set(this.#batch.subarray(0, this.#length));
    this.#batch = larger;
  }

  #schedule(): void {
    if (this.#length >= WRITE_AT) this.#flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#length === 0 || this.#gone) return;
    const batch = this.#batch.subarray(0, this.#length);
    this.#batch = new Uint8Array(FIRST_SIZE);
    this.#length = 0;
    if (!this.#target.write(batch)) this.onFull();
  }

  readonly #tellRoom = (): void => this.onRoom();

  readonly #tellGone = (error: Error): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.onGone(error);
  };
}
