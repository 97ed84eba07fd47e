import type { Writable } from 'node:stream';
import { ByteSink } from './byte-sink.js';

/** Bytes after which the batch is written in the middle of a turn. */
const WRITE_AT = 65_536;
/** A buffer that one large message has made larger than this is not kept. */
const KEEP_UP_TO = 4 * WRITE_AT;

/**
 * Collects what is printed in one turn of the event loop, so that a burst of messages is one write. It is written before
 * the client's acknowledgements for these messages leave.
 */
export class BatchedOutput {
  /** Called when the reader is slower than we are; `onRoom` follows, before it is called again. */
  onFull: () => void = () => {};
  onRoom: () => void = () => {};
  /** Called when nothing can be written any more: EPIPE when nobody reads (`| head`). What is printed after it is lost. */
  onGone: (error: NodeJS.ErrnoException) => void = () => {};

  readonly #target: Writable;
  #sink = new ByteSink();
  #scheduled = false;
  #isFull = false;
  #gone = false;

  constructor(target: Writable) {
    this.#target = target;
    target.on('drain', this.#tellRoom);
    target.on('error', this.#tellGone);
  }

  /** Where to write at once what is printed next; `written` has to follow in the same turn. */
  get sink(): ByteSink {
    return this.#sink;
  }

  /** Something was written into `sink`. */
  written(): void {
    if (this.#sink.length >= WRITE_AT) this.#flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  writeText(text: string): void {
    this.#sink.text(text);
    this.written();
  }

  writeBytes(bytes: Uint8Array): void {
    this.#sink.bytes(bytes);
    this.written();
  }

  /** Writes what is left. @returns when the target has taken all of it */
  async end(): Promise<void> {
    this.#flush();
    if (!this.#gone) await new Promise<void>((resolve) => this.#target.write('', () => resolve()));
    this.#target.off('drain', this.#tellRoom);
    if (!this.#gone) this.#target.off('error', this.#tellGone);
  }

  #flush(): void {
    const sink = this.#sink;
    if (sink.length === 0 || this.#gone) {
      sink.length = 0;
      return;
    }
    this.#target.write(sink.view());
    // Files, terminals and, on Linux, pipes have it when the call returns; only then may the buffer be used again.
    const isTaken = this.#target.writableLength === 0;
    if (isTaken && sink.buffer.length <= KEEP_UP_TO) sink.length = 0;
    else this.#sink = new ByteSink();
    if (!this.#target.writableNeedDrain || isTaken || this.#isFull) return;
    this.#isFull = true;
    this.onFull();
  }

  readonly #tellRoom = (): void => {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.onRoom();
  };

  readonly #tellGone = (error: Error): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.onGone(error);
  };
}
