import type { LogType } from '../core/ports/log.js';

/** The bits of all of `LogType`. */
export const ALL_LOG_TYPES = 0xff;

/** A place where log lines go. It never makes its caller wait; what it cannot hold is lost, and counted. */
export interface LogSink {
  /** The types of lines that it takes, bits of `LogType`. */
  readonly takes: number;
  /** `line` has its time, if it is to have one, and no line break. */
  write(type: LogType, line: string): void;
  /** Called at the end of a turn of the event loop in which lines were written. */
  flush(): void;
  /** For files: opens the path again, because somebody moved the file away. */
  reopen(): void;
  /** Resolves when what it took is written, or cannot be; after a bounded time. */
  close(): Promise<void>;
}

/** How a sink speaks of itself. */
export interface LogVoice {
  /** A warning as a line of the log, for this sink alone: it has a gap. */
  lineOf(text: string): string;
  /** A warning for all sinks: this one is in trouble, or out of it. */
  say(text: string): void;
}

export function lossText(lines: number): string {
  return `${lines} log line${lines === 1 ? ' is' : 's are'} lost: they came faster than they could be written.`;
}
