import { closeSync, openSync, write } from 'node:fs';
import type { TextOutput } from './text-sink.js';

/** Who may read a log file that is made: whom its folder, owner and group let in. It has names of users and topics. */
const MODE = 0o640;

/** Appends to a file, one write at a time; what comes meanwhile goes with the next. */
export class FileOutput implements TextOutput {
  readonly #path: string;
  readonly #say: (text: string) => void;
  #descriptor: number;
  #waiting: Buffer[] = [];
  #pendingBytes = 0;
  #isWriting = false;
  #mustReopen = false;
  /** The last write failed, which was said. */
  #isFailing = false;
  #onIdle: (() => void)[] = [];

  /**
   * @param say gets what is wrong with the file while it is in use
   * @throws the system's error when the file cannot be opened for appending
   */
  constructor(path: string, say: (text: string) => void) {
    this.#path = path;
    this.#say = say;
    this.#descriptor = openSync(path, 'a', MODE);
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

  /** Lines that wait for a write under way already go to the file that is at the path then. */
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
      if (error === null && offset + written < bytes.length) {
        this.#writeFrom(bytes, offset + written);
        return;
      }
      this.#pendingBytes -= bytes.length;
      this.#isWriting = false;
      // A full disk costs log lines, not the broker.
      if (error !== null && !this.#isFailing) {
        this.#say(`The log file ${this.#path} takes nothing: ${error.message}. Lines for it are lost until it does.`);
      }
      this.#isFailing = error !== null;
      this.#next();
    });
  }

  #openAgain(): void {
    this.#mustReopen = false;
    try {
      const opened = openSync(this.#path, 'a', MODE);
      closeSync(this.#descriptor);
      this.#descriptor = opened;
      this.#isFailing = false;
    } catch (error) {
      // The file that is open still takes lines; it is better than none.
      const why = error instanceof Error ? error.message : String(error);
      this.#say(`The log file ${this.#path} cannot be opened again: ${why}. Lines still go to the file that is open.`);
    }
  }
}
