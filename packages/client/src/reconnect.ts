/** Whether and when a client connects again by itself. Times in milliseconds. */
export interface ReconnectOptions {
  /** The longest wait before the first attempt; it doubles with each round of servers. Default 1,000. */
  minDelayMs?: number;
  /** The longest wait at all. Default 60,000. */
  maxDelayMs?: number;
  /** Attempts in a row, before the client gives up. Default: no bound. */
  maxAttempts?: number;
  /** Also while the first connection has not come about. Default false for `connect`, true for `startClient`. */
  initially?: boolean;
  /** A connection that lasted this long was a good one: the next wait is short again. Default 10,000. */
  connectionStableMs?: number;
}

/** When to try again: exponential back-off with full jitter, so that clients which were cut together come back apart. */
export class Backoff {
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #maxAttempts: number;
  readonly #servers: () => number;
  readonly #random: () => number;
  /** Since the last good connection. */
  #attempts = 0;
  #rounds = 0;
  /** Servers that were tried in this round. */
  #tried = 0;

  /**
   * @param servers how many there are: each is tried once in a round, and only rounds are waited for
   * @param random 0 to below 1
   * @throws RangeError for times that make no sense
   */
  constructor(
    { minDelayMs = 1_000, maxDelayMs = 60_000, maxAttempts = Number.POSITIVE_INFINITY }: ReconnectOptions,
    servers: () => number,
    random: () => number,
  ) {
    if (!(minDelayMs >= 0 && maxDelayMs >= minDelayMs)) {
      throw new RangeError(`reconnect: minDelayMs is ${minDelayMs}, maxDelayMs ${maxDelayMs}: from 0, and not less`);
    }
    if (!(maxAttempts >= 1)) throw new RangeError(`reconnect: maxAttempts is ${maxAttempts}, and 1 at least`);
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#maxAttempts = maxAttempts;
    this.#servers = servers;
    this.#random = random;
  }

  /** The last connection was a good one. */
  reset(): void {
    this.#attempts = this.#rounds = this.#tried = 0;
  }

  /**
   * Milliseconds to wait before the next attempt; null when there is to be none.
   * @param wasLost whether a connection has ended, and not an attempt
   */
  next(wasLost: boolean): number | null {
    if (this.#attempts++ >= this.#maxAttempts) return null;
    if (!wasLost && ++this.#tried < this.#servers()) return 0;
    this.#tried = 0;
    return this.#random() * Math.min(this.#maxDelayMs, this.#minDelayMs * 2 ** this.#rounds++);
  }
}
