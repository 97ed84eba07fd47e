import { closeSync, openSync, write } from 'node:fs';
import type { LogSink } from './log.js';

/** Appends to a file, one write at a time; what comes meanwhile goes with the next. */
export class FileSink implements LogSink {
  readonly #path: string;
  #descriptor: number;
  #waiting: Buffer[] = [];
  #pendingBytes = 0;
  #isWriting = false;
  #mustReopen = false;
  #onIdle: (() => void)[] = [];

  /** @throws the system's error when the file cannot be opened for appending. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'a');
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    this.#waiting.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#next();
  }

  reopen(): void {
    this.#mustReopen = true;
    this.#next();
  }

  async close(): Promise<void> {
    if (this.#isWriting) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    closeSync(this.#descriptor);
  }

  #next(): void {
    if (this.#isWriting) return;
    if (this.#mustReopen) this.#openAgain();
    if (this.#waiting.length === 0) {
      for (const resolve of this.#onIdle.splice(0)) resolve();
      return;
    }
    const bytes = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#isWriting = true;
    this.#writeFrom(bytes, 0);
  }

  #writeFrom(bytes: Buffer, offset: number): void {
    write(this.#descriptor, bytes, offset, bytes.length - offset, null, (error, written) => {
      // A full disk costs log lines, not the broker.
      if (error === null && offset + written < bytes.length) {
        this.#writeFrom(bytes, offset + written);
        return;
      }
      this.#pendingBytes -= bytes.length;
      this.#isWriting = false;
      this.#next();
    });
  }

  #openAgain(): void {
    this.#mustReopen = false;
    try {
      const opened = openSync(this.#path, 'a');
      closeSync(this.#descriptor);
      this.#descriptor = opened;
    } catch {
      // The file that is open still takes lines; it is better than none.
    }
  }
}
