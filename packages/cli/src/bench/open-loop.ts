import type { Loop, LoopSetting } from './closed-loop.js';
import type { Histogram } from './histogram.js';
import type { OpenSchedule } from './open-schedule.js';

/** A timer of Node is late by up to two milliseconds: the time before that is waited for in another way. */
const TIMER_LATENESS_MS = 2;
/** Slices of that time, in which nothing is read. */
const SLICE_MS = 0.1;

/** What is needed to sleep for less than a timer can. */
const nothing = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Publishes on time, whatever has become of earlier messages. */
export class OpenLoop implements Loop {
  readonly #setting: LoopSetting;
  readonly #schedule: OpenSchedule;
  readonly #lateness: Histogram;
  readonly #measureFromUs: number;
  #next = 0;
  #last: LoopSetting['publishers'][number] | null = null;
  #isStopped = false;

  /** @param lateness of messages that are due after `measureFromUs` */
  constructor(setting: LoopSetting, schedule: OpenSchedule, lateness: Histogram, measureFromUs: number) {
    this.#setting = setting;
    this.#schedule = schedule;
    this.#lateness = lateness;
    this.#measureFromUs = measureFromUs;
  }

  start(): void {
    this.#goOn();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const publisher of this.#setting.publishers) publisher.end();
    this.#setting.onEnd();
  }

  wake(): void {}

  readonly #goOn = (): void => {
    const { clock } = this.#setting;
    const nowUs = clock();
    // No further than that: what has come meanwhile is to be read as well.
    while (!this.#isStopped && this.#schedule.nextUs <= nowUs) this.#publish(clock());
    this.#last?.lane.flush();
    if (this.#isStopped) return;
    const waitMs = (this.#schedule.nextUs - clock()) / 1_000;
    if (waitMs > TIMER_LATENESS_MS) {
      setTimeout(this.#goOn, waitMs - TIMER_LATENESS_MS);
      return;
    }
    // Whoever is waited for has to be read at once.
    if (waitMs > 0 && this.#setting.board.isQuiet) Atomics.wait(nothing, 0, 0, Math.min(waitMs, SLICE_MS));
    setImmediate(this.#goOn);
  };

  #publish(nowUs: number): void {
    const publisher = this.#nextPublisher();
    if (publisher === undefined) {
      this.stop();
      return;
    }
    const dueUs = this.#schedule.nextUs;
    this.#schedule.advance();
    // Each message alone, as long as it is not the next of the same publisher that is late.
    if (publisher !== this.#last) this.#last?.lane.flush();
    this.#last = publisher;
    publisher.publish(dueUs);
    if (dueUs >= this.#measureFromUs) this.#lateness.record(nowUs - dueUs);
  }

  #nextPublisher(): LoopSetting['publishers'][number] | undefined {
    const { publishers } = this.#setting;
    for (let n = 0; n < publishers.length; n++) {
      const publisher = publishers[this.#next];
      this.#next = (this.#next + 1) % publishers.length;
      if (publisher.left > 0) return publisher;
    }
    return undefined;
  }
}
