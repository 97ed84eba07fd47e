/** Kinds of log lines, as `log_type` names them. Bits, so that a set of them is one number. */
export const LogType = {
  ERROR: 1,
  WARNING: 2,
  NOTICE: 4,
  INFORMATION: 8,
  DEBUG: 16,
  SUBSCRIBE: 32,
  UNSUBSCRIBE: 64,
  WEBSOCKETS: 128,
} as const;
export type LogType = (typeof LogType)[keyof typeof LogType];

/** Whom and what a line is about, for logs that programs read: the same as in the line. Undefined: nobody, nothing. */
export interface LogSubject {
  /** A client id. */
  readonly client?: string | undefined;
  /** Where the client comes from, with the port. */
  readonly address?: string | undefined;
  readonly username?: string | undefined;
  readonly topic?: string | undefined;
  /** Why a client is disconnected. */
  readonly reason?: string | undefined;
}

/**
 * Where log lines go. A line is built only when somebody takes it:
 * `if (log.types & LogType.DEBUG) log.write(LogType.DEBUG, ...)`.
 */
export interface Log {
  /** The bits of the types that are taken now. May change at any time (reload). */
  readonly types: number;
  write(type: LogType, line: string, subject?: LogSubject): void;
}
