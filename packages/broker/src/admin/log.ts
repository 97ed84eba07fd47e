import { type Log, type LogSubject, LogType } from '../core/ports/log.js';
import { FileOutput } from './file-output.js';
import { ALL_LOG_TYPES, type LogSink, type LogVoice } from './log-sink.js';
import { SyslogSink } from './syslog-sink.js';
import { StreamOutput, TextSink } from './text-sink.js';
import { isTimestampFormat, timestampFormatter } from './timestamp.js';
import { type PublishLine, TopicSink } from './topic-sink.js';

export { ALL_LOG_TYPES, isTimestampFormat };

export type LogDestination =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'syslog' }
  | { readonly kind: 'topic' };

export interface LogConfig {
  /** Empty: lines go nowhere. */
  readonly destinations: readonly LogDestination[];
  /** Bits of `LogType`. */
  readonly types: number;
  readonly timestamp: boolean;
  /** As strftime takes it; null: seconds since 1970. */
  readonly timestampFormat: string | null;
  /** `json`: each line is an object. */
  readonly format: 'text' | 'json';
  /** What syslog calls the part of the system that speaks: RFC 3164, 4.1.1. */
  readonly facility: number;
}

/** `daemon` of RFC 3164. */
export const DAEMON_FACILITY = 3;
/** `local0` of RFC 3164; `local1` to `local7` follow. */
export const LOCAL0_FACILITY = 16;

export const DEFAULT_LOG: LogConfig = {
  destinations: [{ kind: 'stderr' }],
  types: LogType.ERROR | LogType.WARNING | LogType.NOTICE | LogType.INFORMATION,
  timestamp: true,
  timestampFormat: null,
  format: 'text',
  facility: DAEMON_FACILITY,
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
};
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(TYPE_BITS).map(([name, bit]) => [bit, name]));

/** What `log_type` may say. `internal` is Mosquitto's, for lines about its own inside that it does not write either. */
export const LOG_TYPE_NAMES: readonly string[] = [...Object.keys(TYPE_BITS), 'internal', 'all', 'none'];

/** The types after another `log_type`; null: none was said yet. */
export function withLogType(types: number | null, name: string): number {
  if (name === 'none') return 0;
  if (name === 'all') return ALL_LOG_TYPES;
  return (types ?? 0) | (TYPE_BITS[name] ?? 0);
}

/** Makes a sink. @throws the system's error when it cannot be opened */
export type OpenSink = (destination: LogDestination, config: LogConfig, voice: LogVoice) => LogSink;

/** A change of configuration of which all that can fail has succeeded. One of the two has to be called. */
export interface PreparedLog {
  apply(): void;
  cancel(): void;
}

/** Writes log lines to all its destinations: those of one turn of the event loop together, at its end. */
export class BrokerLog implements Log {
  types = 0;
  readonly #nowMs: () => number;
  readonly #open: OpenSink;
  #sinks = new Map<string, LogSink>();
  /** Sinks that are not in use any more and may have something left to write. */
  #closing = new Set<Promise<void>>();
  #isScheduled = false;
  #format: LogConfig['format'] = 'text';
  #hasTime = true;
  #stamp: (nowMs: number) => string = () => '';
  #publish: PublishLine | null = null;
  readonly #voice: LogVoice = {
    lineOf: (text) => this.#formatted(LogType.WARNING, `Warning: ${text}`, undefined),
    say: (text) => this.write(LogType.WARNING, `Warning: ${text}`),
  };

  /** @throws the system's error when a file cannot be opened. `nowMs`: milliseconds since 1970. */
  constructor(config: LogConfig, nowMs: () => number, open?: OpenSink) {
    this.#nowMs = nowMs;
    this.#open = open ?? ((destination, settings, voice) => this.#sinkOf(destination, settings, voice));
    this.configure(config);
  }

  /**
   * Takes over a configuration: new destinations are opened, then those that are not wanted any more are closed; others
   * go on, and files among them are opened again. @throws the system's error when a file cannot be opened; nothing has
   * changed then
   */
  configure(config: LogConfig): void {
    this.prepare(config).apply();
  }

  /** The same in two steps, for a change of which this is a part. */
  prepare(config: LogConfig): PreparedLog {
    const wanted = new Map<string, LogSink>();
    const opened: LogSink[] = [];
    const cancel = (): void => {
      for (const sink of opened) this.#retire(sink);
    };
    try {
      for (const destination of config.destinations) {
        const key = keyOf(destination, config);
        if (wanted.has(key)) continue;
        const present = this.#sinks.get(key);
        const sink = present ?? this.#open(destination, config, this.#voice);
        if (present === undefined) opened.push(sink);
        wanted.set(key, sink);
      }
    } catch (error) {
      cancel();
      throw error;
    }
    return { apply: () => this.#apply(config, wanted, opened), cancel };
  }

  #apply(config: LogConfig, wanted: Map<string, LogSink>, opened: readonly LogSink[]): void {
    const former = this.#sinks;
    this.flush();
    this.#sinks = wanted;
    this.#format = config.format;
    this.#hasTime = config.timestamp;
    this.#stamp = config.timestamp ? timestampFormatter(config.timestampFormat) : () => '';
    let takes = 0;
    for (const sink of wanted.values()) {
      takes |= sink.takes;
      if (!opened.includes(sink)) sink.reopen();
    }
    this.types = config.types & takes;
    for (const [key, sink] of former) if (!wanted.has(key)) this.#retire(sink);
  }

  /** Opens log files again, because somebody moved them away. */
  reopen(): void {
    this.flush();
    for (const sink of this.#sinks.values()) sink.reopen();
  }

  /** From now on lines go to topics, too, if that is wanted. Null: there is no broker that could publish any more. */
  publishTo(publish: PublishLine | null): void {
    this.#publish = publish;
  }

  write(type: LogType, line: string, subject?: LogSubject): void {
    if ((this.types & type) === 0) return;
    const formatted = this.#formatted(type, line, subject);
    for (const sink of this.#sinks.values()) sink.write(type, formatted);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Writes what there is, for a caller who is going to keep the event loop from turning. */
  flush(): void {
    for (const sink of this.#sinks.values()) sink.flush();
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    for (const sink of this.#sinks.values()) this.#retire(sink);
    this.types = 0;
    this.#sinks = new Map();
    await Promise.all(this.#closing);
  }

  #retire(sink: LogSink): void {
    const closed = sink.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #formatted(type: LogType, line: string, subject: LogSubject | undefined): string {
    const nowMs = this.#nowMs();
    // A line break from outside, in a client id or a topic, would let a client write log lines of its own.
    if (this.#format === 'text') return `${this.#stamp(nowMs)}${withoutControls(line)}`;
    const time = this.#hasTime ? { time: new Date(nowMs).toISOString() } : {};
    return JSON.stringify({ ...time, type: TYPE_NAMES.get(type), message: line, ...subject });
  }

  #sinkOf(destination: LogDestination, { facility }: LogConfig, voice: LogVoice): LogSink {
    switch (destination.kind) {
      case 'stdout':
      case 'stderr':
        return new TextSink(new StreamOutput(process[destination.kind]), voice);
      case 'file':
        return new TextSink(new FileOutput(destination.path, voice.say), voice);
      case 'syslog':
        return new SyslogSink(facility, voice);
      case 'topic':
        return new TopicSink(() => this.#publish);
    }
  }
}

/** Two destinations with the same key are the same. */
function keyOf(destination: LogDestination, { facility }: LogConfig): string {
  if (destination.kind === 'file') return `file ${destination.path}`;
  return destination.kind === 'syslog' ? `syslog ${facility}` : destination.kind;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

function withoutControls(line: string): string {
  return line.replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
