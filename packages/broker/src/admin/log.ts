import { type Log, LogType } from '../core/ports/log.js';
import { FileSink } from './file-sink.js';
import { isTimestampFormat, timestampFormatter } from './timestamp.js';

export { isTimestampFormat };

export type LogDestination =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'file'; readonly path: string };

export interface LogConfig {
  /** Empty: lines go nowhere. */
  readonly destinations: readonly LogDestination[];
  /** Bits of `LogType`. */
  readonly types: number;
  readonly timestamp: boolean;
  /** As strftime takes it; null: seconds since 1970. */
  readonly timestampFormat: string | null;
}

export const ALL_LOG_TYPES = 0xff;

export const DEFAULT_LOG: LogConfig = {
  destinations: [{ kind: 'stderr' }],
  types: LogType.ERROR | LogType.WARNING | LogType.NOTICE | LogType.INFORMATION,
  timestamp: true,
  timestampFormat: null,
};

const TYPE_BITS: Readonly<Record<string, number>> = {
  error: LogType.ERROR,
  warning: LogType.WARNING,
  notice: LogType.NOTICE,
  information: LogType.INFORMATION,
  debug: LogType.DEBUG,
  subscribe: LogType.SUBSCRIBE,
  unsubscribe: LogType.UNSUBSCRIBE,
  websockets: LogType.WEBSOCKETS,
  all: ALL_LOG_TYPES,
  none: 0,
};

/** What `log_type` may say. */
export const LOG_TYPE_NAMES: readonly string[] = Object.keys(TYPE_BITS);

/** The bits of a name of `log_type`; undefined: there is no such name. */
export function logTypeOf(name: string): number | undefined {
  return Object.hasOwn(TYPE_BITS, name) ? TYPE_BITS[name] : undefined;
}

/** Where text goes. A sink never makes its caller wait. */
export interface LogSink {
  /** Bytes that were given to it and are not gone yet. */
  readonly pendingBytes: number;
  write(text: string): void;
  /** For files: opens the path again, because somebody moved the file away. */
  reopen(): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** What a destination that takes nothing may hold back, before lines are lost: the log must not fill the memory. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** Writes log lines: those of one turn of the event loop together, at its end. */
export class BrokerLog implements Log {
  types = 0;
  #sinks: LogSink[] = [];
  #lines = '';
  #isScheduled = false;
  #lostLines = 0;
  readonly #nowMs: () => number;
  #stamp: (nowMs: number) => string = () => '';

  /** @throws the system's error when a file cannot be opened. `nowMs`: milliseconds since 1970. */
  constructor(config: LogConfig, nowMs: () => number, openSink: (destination: LogDestination) => LogSink = sinkOf) {
    this.#nowMs = nowMs;
    this.#sinks = config.destinations.map(openSink);
    this.configure(config);
  }

  /** Takes over types and timestamps; destinations stay as they are, files are opened again. */
  configure(config: LogConfig): void {
    this.types = this.#sinks.length === 0 ? 0 : config.types;
    this.#stamp = config.timestamp ? timestampFormatter(config.timestampFormat) : () => '';
    for (const sink of this.#sinks) sink.reopen();
  }

  write(type: LogType, line: string): void {
    if ((this.types & type) === 0) return;
    // A line break from outside, in a client id or a topic, would let a client write log lines of its own.
    this.#lines += `${this.#stamp(this.#nowMs())}${withoutControls(line)}\n`;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }

  /** Writes what there is, for a caller who is going to keep the event loop from turning. */
  flush(): void {
    this.#isScheduled = false;
    let lines = this.#lines;
    this.#lines = '';
    if (lines === '') return;
    if (this.#sinks.some((sink) => sink.pendingBytes > MAX_PENDING_BYTES)) {
      this.#lostLines += lines.split('\n').length - 1;
      return;
    }
    if (this.#lostLines > 0) {
      lines = `${this.#stamp(this.#nowMs())}Warning: ${this.#lostLines} log lines lost, they came faster than they could be written.\n${lines}`;
      this.#lostLines = 0;
    }
    for (const sink of this.#sinks) sink.write(lines);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.#sinks.map((sink) => sink.close()));
    this.types = 0;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/g;

function withoutControls(line: string): string {
  return line.replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function sinkOf(destination: LogDestination): LogSink {
  return destination.kind === 'file' ? new FileSink(destination.path) : new StreamSink(process[destination.kind]);
}

/** The process's own output. A reader that is gone (`cauldron broker | head`) must not end the broker. */
class StreamSink implements LogSink {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    if (stream.listenerCount('error', ignoreError) === 0) stream.on('error', ignoreError);
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
