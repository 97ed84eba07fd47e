import type { ClientError } from '../errors.js';
import { isPointless } from './retry-table.js';
import type { Servers } from './servers.js';

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

/** How a connection, or an attempt to make one, has ended. */
export interface Ending {
  readonly error: ClientError;
  /** How long the connection lasted; null: it was an attempt. */
  readonly lastedMs: number | null;
  /** Whether no server has ever accepted. */
  readonly isInitial: boolean;
}

/** What comes after it. */
export interface NextAttempt {
  readonly inMs: number;
  /** Where another server sends the client; null: it goes where it would go by itself. */
  readonly referred: { readonly from: string; readonly to: string } | null;
}

const DEFAULT_STABLE_MS = 10_000;

/** When and where to try again: exponential back-off with full jitter, so that clients cut together come back apart. */
export class Reconnection {
  readonly #servers: Servers;
  /** Null: a connection that ends is the last. */
  readonly #options: ReconnectOptions | null;
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #maxAttempts: number;
  readonly #random: () => number;
  /** Since the last good connection. */
  #attempts = 0;
  #rounds = 0;
  /** Servers that were tried in this round. */
  #tried = 0;

  /**
   * @param random 0 to below 1
   * @throws RangeError for times that make no sense
   */
  constructor(servers: Servers, options: boolean | ReconnectOptions, random: () => number) {
    this.#servers = servers;
    this.#options = options === false ? null : options === true ? {} : options;
    const { minDelayMs = 1_000, maxDelayMs = 60_000, maxAttempts = Number.POSITIVE_INFINITY } = this.#options ?? {};
    if (!(minDelayMs >= 0 && maxDelayMs >= minDelayMs)) {
      throw new RangeError(`reconnect: minDelayMs is ${minDelayMs}, maxDelayMs ${maxDelayMs}`);
    }
    if (!(maxAttempts >= 1)) throw new RangeError(`reconnect: maxAttempts is ${maxAttempts}`);
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#maxAttempts = maxAttempts;
    this.#random = random;
  }

  /** Whether the client makes another connection when one has ended. */
  get isWanted(): boolean {
    return this.#options !== null;
  }

  /** @returns null when the client is over; a promise while it is found out where another server is */
  after(ending: Ending): NextAttempt | null | Promise<NextAttempt | null> {
    const { error, lastedMs } = ending;
    if (lastedMs !== null && lastedMs >= (this.#options?.connectionStableMs ?? DEFAULT_STABLE_MS)) {
      this.#attempts = this.#rounds = 0;
      this.#servers.settle();
    }
    const from = String(this.#servers.current.url);
    const following = this.#options === null ? null : this.#servers.follow(error);
    if (following === null) return this.#again(ending);
    return following.then((server) =>
      server === null ? this.#again(ending) : { inMs: 0, referred: { from, to: String(server.url) } },
    );
  }

  #again({ error, lastedMs, isInitial }: Ending): NextAttempt | null {
    if (isPointless(error) || this.#attempts === this.#maxAttempts) return null;
    if (lastedMs === null) {
      this.#servers.advance();
      if (++this.#tried < this.#servers.count) return this.#attempt(0);
    }
    this.#tried = 0;
    if (this.#options === null || (isInitial && this.#options.initially !== true)) return null;
    return this.#attempt(this.#random() * Math.min(this.#maxDelayMs, this.#minDelayMs * 2 ** this.#rounds++));
  }

  #attempt(inMs: number): NextAttempt {
    this.#attempts++;
    return { inMs, referred: null };
  }
}
