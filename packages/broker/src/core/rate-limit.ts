import type { Clock } from './ports/clock.js';
import type { Settings } from './settings.js';
import { type Expiring, Timer, type TimerWheel } from './timer-wheel.js';

/** What a limit can do with a connection; calls of `hold` nest. */
interface Held {
  hold(): void;
  unhold(): void;
}

/** What of the settings it goes by, read at the moment of use. */
type Rates = Pick<Settings, 'maxPublishRate' | 'maxPublishBytesRate'>;

/**
 * How much one client may publish in a second, in messages and in bytes of PUBLISH packets: two buckets of tokens, each for
 * one second of its rate. A client that has used them up is not read until it has some again. The clock is looked at only
 * when a bucket is empty.
 */
export class RateLimit implements Expiring {
  readonly #rates: Rates;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #connection: Held;
  readonly #timer = new Timer(this);
  #messages: number;
  #bytes: number;
  #filledMs: number;

  constructor(rates: Rates, clock: Clock, wheel: TimerWheel, connection: Held) {
    this.#rates = rates;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#connection = connection;
    this.#messages = rates.maxPublishRate;
    this.#bytes = rates.maxPublishBytesRate;
    this.#filledMs = clock.monotonicMs();
  }

  /** A PUBLISH of so many bytes was taken. What is larger than a bucket is paid for afterwards. */
  spend(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    if (this.#hasTokens || this.#timer.isScheduled) return;
    const waitMs = this.#refill();
    if (waitMs === 0) return;
    this.#connection.hold();
    this.#wheel.schedule(this.#timer, this.#filledMs + waitMs);
  }

  /** Called by the timer wheel: there may be tokens again. */
  fire(): void {
    const waitMs = this.#refill();
    if (waitMs > 0) this.#wheel.schedule(this.#timer, this.#filledMs + waitMs);
    else this.#connection.unhold();
  }

  /** The connection is over. */
  cancel(): void {
    this.#wheel.cancel(this.#timer);
  }

  /** For one message more, and for one byte at least. */
  get #hasTokens(): boolean {
    return this.#messages >= 1 && this.#bytes >= 1;
  }

  /** Adds what time has brought. Returns in how many ms there is enough; 0: there is. */
  #refill(): number {
    const { maxPublishRate, maxPublishBytesRate } = this.#rates;
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#filledMs;
    this.#filledMs = nowMs;
    this.#messages = filled(this.#messages, maxPublishRate, elapsedMs);
    this.#bytes = filled(this.#bytes, maxPublishBytesRate, elapsedMs);
    if (this.#hasTokens) return 0;
    return Math.max(1, msUntilOne(this.#messages, maxPublishRate), msUntilOne(this.#bytes, maxPublishBytesRate));
  }
}

function filled(tokens: number, perSecond: number, elapsedMs: number): number {
  // Without a limit, or with one that was lifted meanwhile.
  if (perSecond === Number.POSITIVE_INFINITY) return perSecond;
  return Math.min(perSecond, (Number.isFinite(tokens) ? tokens : 0) + (elapsedMs * perSecond) / 1000);
}

function msUntilOne(tokens: number, perSecond: number): number {
  return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / perSecond);
}
