import { LogType } from '../core/ports/log.js';
import { ALL_LOG_TYPES, type LogSink, type LogVoice, lossText } from './log-sink.js';
import { type OpenSyslog, type SyslogChannel, syslogByProgram, syslogBySocket, syslogByUdp } from './syslog-ways.js';

/** RFC 3164, 4.1.1. */
const SEVERITIES: ReadonlyMap<number, number> = new Map([
  [LogType.ERROR, 3],
  [LogType.WARNING, 4],
  [LogType.NOTICE, 5],
  [LogType.SUBSCRIBE, 5],
  [LogType.UNSUBSCRIBE, 5],
  [LogType.INFORMATION, 6],
  [LogType.DEBUG, 7],
  [LogType.WEBSOCKETS, 7],
]);

/** What may wait for a log that is not there, or slow: the log must not fill the memory. */
const MAX_WAITING_LINES = 10_000;
const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** How long after a failure it is tried again: doubled each time, up to the second. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/** How long `close` waits for a way that is being opened. */
const CLOSE_LIMIT_MS = 1000;

export interface SyslogOptions {
  /** Tried in this order, each time. */
  readonly ways: readonly OpenSyslog[];
  readonly retryMs: number;
}

const USUAL: SyslogOptions = {
  ways: [syslogBySocket('/dev/log'), syslogByProgram('logger'), syslogByUdp('127.0.0.1', 514)],
  retryMs: RETRY_MS,
};

/** The system's log, by the first way that works; lines wait until one does. */
export class SyslogSink implements LogSink {
  readonly takes = ALL_LOG_TYPES;
  readonly #facility: number;
  readonly #voice: LogVoice;
  readonly #options: SyslogOptions;
  #channel: SyslogChannel | null = null;
  /** Resolved when the ways have been tried. */
  #attempt: Promise<void>;
  #retry: NodeJS.Timeout | null = null;
  #retryMs: number;
  /** That it cannot be reached was said. */
  #isTroubled = false;
  #openedAtMs = 0;
  #isClosed = false;
  #waiting: (readonly [priority: number, line: string])[] = [];
  #lostLines = 0;

  constructor(facility: number, voice: LogVoice, options: SyslogOptions = USUAL) {
    this.#facility = facility;
    this.#voice = voice;
    this.#options = options;
    this.#retryMs = options.retryMs;
    this.#attempt = this.#open();
  }

  write(type: LogType, line: string): void {
    const isFull = this.#waiting.length >= MAX_WAITING_LINES || (this.#channel?.pendingBytes ?? 0) > MAX_PENDING_BYTES;
    if (isFull) this.#lostLines++;
    else this.#waiting.push([this.#priorityOf(type), line]);
  }

  flush(): void {
    const channel = this.#channel;
    if (channel === null) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [priority, line] of waiting) channel.write(priority, line);
    if (this.#lostLines > 0 && channel.pendingBytes <= MAX_PENDING_BYTES) {
      channel.write(this.#priorityOf(LogType.WARNING), this.#voice.lineOf(lossText(this.#lostLines)));
      this.#lostLines = 0;
    }
  }

  reopen(): void {}

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    let limit: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#attempt,
      new Promise<void>((resolve) => {
        limit = setTimeout(resolve, CLOSE_LIMIT_MS);
      }),
    ]);
    clearTimeout(limit);
    this.flush();
    await this.#channel?.close();
    this.#channel = null;
  }

  #priorityOf(type: LogType): number {
    return this.#facility * 8 + (SEVERITIES.get(type) ?? 5);
  }

  async #open(): Promise<void> {
    const reasons: string[] = [];
    for (const way of this.#options.ways) {
      try {
        this.#channel = await way((why) => this.#gone(why));
        break;
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
    this.#openedAtMs = performance.now();
    if (this.#channel === null) this.#failed(reasons.join('; '));
    else this.flush();
  }

  /** The way in use has ended. */
  #gone(why: string): void {
    this.#channel = null;
    if (performance.now() - this.#openedAtMs > LONGEST_RETRY_MS) {
      this.#retryMs = this.#options.retryMs;
      this.#isTroubled = false;
    }
    this.#failed(why);
  }

  #failed(why: string): void {
    if (this.#isClosed) return;
    if (!this.#isTroubled) this.#voice.say(`The system log cannot be reached (${why}). It is tried again and again.`);
    this.#isTroubled = true;
    this.#retry = setTimeout(() => {
      this.#attempt = this.#open();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }
}
