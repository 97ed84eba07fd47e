import { ALL_LOG_TYPES, type LogSink, type LogVoice, lossText } from './log-sink.js';

/** Where text goes. */
export interface TextOutput {
  /** Bytes that were given to it and are not gone yet. */
  readonly pendingBytes: number;
  write(text: string): void;
  reopen(): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** What an output that takes nothing may hold back before lines are lost: the log must not fill the memory. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** Lines as text, those of one turn of the event loop in one write. */
export class TextSink implements LogSink {
  readonly takes = ALL_LOG_TYPES;
  readonly #output: TextOutput;
  readonly #voice: LogVoice;
  #text = '';
  #lines = 0;
  #lostLines = 0;

  constructor(output: TextOutput, voice: LogVoice) {
    this.#output = output;
    this.#voice = voice;
  }

  write(_type: number, line: string): void {
    this.#text += `${line}\n`;
    this.#lines++;
  }

  flush(): void {
    if (this.#lines === 0) return;
    let text = this.#text;
    const lines = this.#lines;
    this.#text = '';
    this.#lines = 0;
    if (this.#output.pendingBytes > MAX_PENDING_BYTES) {
      this.#lostLines += lines;
      return;
    }
    if (this.#lostLines > 0) {
      text = `${this.#voice.lineOf(lossText(this.#lostLines))}\n${text}`;
      this.#lostLines = 0;
    }
    this.#output.write(text);
  }

  reopen(): void {
    this.#output.reopen();
  }

  close(): Promise<void> {
    this.flush();
    return this.#output.close();
  }
}

/** The process's own output. A reader that is gone (`cauldron broker | head`) must not end the broker. */
export class StreamOutput implements TextOutput {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    if (!stream.listeners('error').includes(ignoreError)) stream.on('error', ignoreError);
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  write(text: string): void {
    this.#stream.write(text);
  }

  reopen(): void {}

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.write('', () => resolve()));
  }
}

function ignoreError(): void {}
