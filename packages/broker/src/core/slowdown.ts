import type { Connection } from './connection.js';
import type { Context } from './context.js';
import type { Session } from './session.js';
import type { Target } from './targets.js';
import { type Expiring, Timer } from './timer-wheel.js';

/** A subscriber with this much unsent, or waiting for its window, lags behind: its publishers wait for it, for a while. */
const LAG_BYTES = 4 * 1024 * 1024;

/** So does one for whom this many windows of messages wait, if the publisher sends many at a time. */
const LAG_WINDOWS = 4;

/** For one that sends single messages: to hold it costs more than to let them wait. */
const LAG_SINGLE_MESSAGES = 1_000;

interface Wait {
  readonly sinceMs: number;
  /** Messages that may wait for the subscriber before anybody waits for it. */
  readonly lagMessages: number;
  readonly publishers: Set<Connection>;
}

/**
 * Slows publishers before anything is dropped. While a subscriber lags, those who publish to it are not read. That lasts
 * until it has caught up, or for a bounded time: then it counts as stalled, and delays nobody again before it has taken
 * all that was sent to it.
 */
export class Slowdown implements Expiring {
  readonly #context: Context;
  /** By lagging subscriber: who waits for it, and since when. */
  readonly #waiting = new Map<Connection, Wait>();
  readonly #timer = new Timer(this);
  /** Who need not wait any more. Their reading goes on at `resume`, never from within another connection's. */
  #released: Connection[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Called after `publisher` sent `messages` to `subscriber`, when the latter's socket or window does not keep up. */
  consider(publisher: Connection, subscriber: Session, messages: number): void {
    const { connection } = subscriber;
    if (connection === null || connection === publisher || connection.isStalled) return;
    if (this.#context.settings.maxPublisherWaitMs === 0) return;
    const lagMessages = this.#lagMessages(connection, messages > 1);
    if (!lags(subscriber, connection, lagMessages)) return;
    let wait = this.#waiting.get(connection);
    if (wait === undefined) {
      wait = { sinceMs: this.#context.wheel.now, lagMessages, publishers: new Set() };
      this.#waiting.set(connection, wait);
      connection.isAwaited = true;
      if (this.#waiting.size === 1) this.#schedule();
    }
    if (!wait.publishers.has(publisher)) {
      wait.publishers.add(publisher);
      publisher.hold();
    }
  }

  /**
   * Whether `publisher` has to wait before a message with QoS 1 or 2 for these targets is taken, because one of them is
   * awaited already. With many publishers it would come too late to hold each of them after its first messages: what they
   * have on their way together is more than a queue takes.
   */
  mustWait(publisher: Connection, targets: readonly Target[]): boolean {
    if (this.#waiting.size === 0) return false;
    for (const { session } of targets) {
      const { connection } = session;
      if (connection === null || connection === publisher || !connection.isAwaited) continue;
      const publishers = this.#waiting.get(connection)?.publishers;
      if (publishers === undefined) continue;
      if (!publishers.has(publisher)) {
        publishers.add(publisher);
        publisher.hold();
      }
      return true;
    }
    return false;
  }

  /** Called when a subscriber that is awaited or stalled took something: perhaps it has caught up. */
  progressed(connection: Connection): void {
    const queue = connection.session?.queue ?? null;
    if (connection.output.isBehind) return;
    const lagMessages = this.#waiting.get(connection)?.lagMessages ?? this.#lagMessages(connection, true);
    if (queue !== null && (queue.length * 4 > lagMessages || queue.bytes * 4 > LAG_BYTES)) return;
    connection.isStalled = false;
    this.release(connection);
  }

  /** The subscriber caught up, or is gone, or had its time. */
  release(subscriber: Connection): void {
    const wait = this.#waiting.get(subscriber);
    if (wait === undefined) return;
    this.#waiting.delete(subscriber);
    subscriber.isAwaited = false;
    for (const publisher of wait.publishers) this.#released.push(publisher);
  }

  /** Lets those who were released be read again. Called at the end of each batch of work. */
  resume(): void {
    while (this.#released.length > 0) {
      const released = this.#released;
      this.#released = [];
      for (const publisher of released) publisher.unhold();
    }
  }

  fire(): void {
    const { settings, wheel } = this.#context;
    for (const [subscriber, { sinceMs }] of this.#waiting) {
      if (wheel.now - sinceMs < settings.maxPublisherWaitMs) continue;
      subscriber.isStalled = true;
      this.release(subscriber);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  /** Half of what the queue takes at most. */
  #lagMessages({ sendMaximum }: Connection, areMany: boolean): number {
    const most = areMany ? sendMaximum * LAG_WINDOWS : LAG_SINGLE_MESSAGES;
    return Math.min(most, this.#context.settings.maxQueuedMessages / 2);
  }

  #schedule(): void {
    const { settings, wheel } = this.#context;
    wheel.schedule(this.#timer, wheel.now + settings.maxPublisherWaitMs);
  }
}

function lags({ queue }: Session, { output }: Connection, lagMessages: number): boolean {
  if (output.pendingBytes > LAG_BYTES) return true;
  return queue !== null && (queue.length > lagMessages || queue.bytes > LAG_BYTES);
}
