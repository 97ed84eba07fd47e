import type { Board } from './board.js';
import type { Publisher } from './publisher.js';

/** How often a loop looks whether other threads have got something. */
const LOOK_EVERY_MS = 1;
/** Deliveries at QoS 0 that have not come for so long, while nothing else came, are not waited for. */
const GIVEN_UP_AFTER_MS = 1_000;

/** What makes the publishers of a worker publish. */
export interface Loop {
  start(): void;
  /** Publishes no more. */
  stop(): void;
  /** Something has changed that it may wait for. */
  wake(): void;
}

export interface LoopSetting {
  readonly publishers: readonly Publisher[];
  readonly board: Board;
  readonly clock: () => number;
  /** Called once, when nothing is left to be published. */
  readonly onEnd: () => void;
}

/**
 * Publishes as fast as messages arrive. Each publisher has a window of messages that the broker has not acknowledged, to
 * which it keeps by itself. At QoS 0, where nothing is acknowledged, all publishers together have as many deliveries on
 * their way as their windows make.
 */
export class ClosedLoop implements Loop {
  readonly #setting: LoopSetting;
  readonly #batch: number;
  /** Deliveries that may be on their way, of all publishers of all threads; null: acknowledgements say enough. */
  readonly #mostUndelivered: number | null;
  #first = 0;
  #isScheduled = false;
  #isStopped = false;
  #looking: NodeJS.Timeout | undefined;
  /** Deliveries that have been given up. */
  #givenUp = 0;
  #leastUndelivered = 0;
  #leastAtMs = 0;

  /** @param batch how many messages of a publisher leave together, at most */
  constructor(setting: LoopSetting, batch: number, mostUndelivered: number | null) {
    this.#setting = setting;
    this.#batch = batch;
    this.#mostUndelivered = mostUndelivered;
  }

  start(): void {
    if (this.#mostUndelivered !== null) this.#looking = setInterval(() => this.#pump(), LOOK_EVERY_MS);
    this.wake();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#looking);
    for (const publisher of this.#setting.publishers) publisher.end();
    this.#setting.onEnd();
  }

  /** What comes in one turn of the event loop makes room for one batch. */
  wake(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isStopped) return;
    const { publishers, clock } = this.#setting;
    const nowUs = clock();
    let room = this.#room(nowUs / 1_000);
    let isOver = true;
    let published = 0;
    // Another one comes first each time: nobody takes all the room.
    this.#first = (this.#first + 1) % publishers.length;
    for (let n = 0; n < publishers.length; n++) {
      const publisher = publishers[(this.#first + n) % publishers.length];
      for (let left = this.#batch; left > 0 && publisher.left > 0 && room > 0 && publisher.hasRoom; left--) {
        room -= publisher.publish(nowUs);
        published++;
      }
      publisher.lane.flush();
      if (publisher.left > 0) isOver = false;
    }
    if (isOver) this.stop();
    // At QoS 0 nobody answers that the network has taken it.
    else if (published > 0 && this.#mostUndelivered !== null) this.wake();
  }

  /** Deliveries that may be made due now. */
  #room(nowMs: number): number {
    if (this.#mostUndelivered === null) return Number.POSITIVE_INFINITY;
    const undelivered = this.#setting.board.undelivered();
    const room = this.#mostUndelivered - (undelivered - this.#givenUp);
    // As long as there is room or something comes, nobody waits for what is lost.
    if (room > 0 || undelivered < this.#leastUndelivered) {
      this.#leastUndelivered = undelivered;
      this.#leastAtMs = nowMs;
    } else if (nowMs - this.#leastAtMs > GIVEN_UP_AFTER_MS) {
      this.#givenUp = undelivered;
      this.#leastAtMs = nowMs;
      return this.#mostUndelivered;
    }
    return Math.max(0, room);
  }
}
