import type { Clock } from '../clock.js';

/** A timer that is later than this (ms) was not merely held up by other work. */
const LATE_MS = 2_000;

/**
 * Watches over a connection on which nothing happens. When nothing was sent, or nothing was received, for the keep-alive
 * interval, it asks for a PINGREQ [MQTT-3.1.2-20]; when nothing at all is received for `timeoutMs` after that, the
 * connection is given up. One timer for each connection, which is not touched by traffic: that only notes the time.
 */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #ping: () => void;
  readonly #giveUp: () => void;
  #sentMs: number;
  #heardMs: number;
  #pingedMs = -1;
  #paused = false;
  /** When the timer is due. */
  #checkMs = 0;
  #cancel: () => void = () => {};

  /**
   * @param ping sends a PINGREQ
   * @param giveUp closes the connection: the server is silent. Nothing is called after it.
   */
  constructor(clock: Clock, intervalMs: number, timeoutMs: number, ping: () => void, giveUp: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#ping = ping;
    this.#giveUp = giveUp;
    this.#sentMs = this.#heardMs = clock.nowMs();
    this.#arm(this.#sentMs);
  }

  /** Whether nothing was received since the last PINGREQ. */
  get awaitsAnswer(): boolean {
    return this.#pingedMs >= 0;
  }

  sent(): void {
    this.#sentMs = this.#clock.nowMs();
  }

  heard(): void {
    this.#heardMs = this.#clock.nowMs();
    this.#pingedMs = -1;
  }

  /** Asks for a PINGREQ now: the connection may be dead since something happened, such as a machine that slept. */
  probe(): void {
    if (this.#paused) return;
    const nowMs = this.#clock.nowMs();
    if (this.#pingedMs < 0) {
      this.#pingedMs = this.#sentMs = nowMs;
      this.#ping();
    }
    this.#cancel();
    this.#arm(nowMs);
  }

  /** While the client does not read, silence says nothing about the server. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#pingedMs < 0) return;
    this.#pingedMs = this.#clock.nowMs();
    this.#cancel();
    this.#arm(this.#pingedMs);
  }

  stop(): void {
    this.#cancel();
  }

  readonly #check = (): void => {
    const nowMs = this.#clock.nowMs();
    // The machine has slept, or the page was frozen: the answer may lie there unread, or the question was lost.
    const isLate = nowMs - this.#checkMs > LATE_MS && !this.#paused;
    if (isLate) this.#pingedMs = -1;
    if (nowMs >= this.#deadlineMs()) {
      this.#giveUp();
      return;
    }
    if (isLate || nowMs >= this.#dueMs()) {
      if (this.#pingedMs < 0) this.#pingedMs = nowMs;
      this.#sentMs = nowMs;
      this.#ping();
    }
    this.#arm(nowMs);
  };

  #arm(nowMs: number): void {
    this.#checkMs = Math.min(this.#dueMs(), this.#deadlineMs());
    this.#cancel = this.#clock.after(this.#checkMs - nowMs, this.#check);
  }

  /** When the next PINGREQ is due. */
  #dueMs(): number {
    return this.#intervalMs + (this.#pingedMs < 0 ? Math.min(this.#sentMs, this.#heardMs) : this.#sentMs);
  }

  /** When the server has been silent for too long. */
  #deadlineMs(): number {
    return this.#pingedMs < 0 || this.#paused ? Number.POSITIVE_INFINITY : this.#pingedMs + this.#timeoutMs;
  }
}
