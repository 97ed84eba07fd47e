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
    const first = this.#next;
    let published = 0;
    for (; !this.#isStopped && this.#schedule.nextUs <= nowUs; published++) this.#publish(clock());
    if (published > 0) this.#flush(first, published);
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
    publisher.publish(dueUs);
    if (dueUs >= this.#measureFromUs) this.#lateness.record(nowUs - dueUs);
  }

  /** Those whose turn it was since `first`. */
  #flush(first: number, published: number): void {
    const { publishers } = this.#setting;
    const { length } = publishers;
    const turns = published < length ? (this.#next - first + length) % length || length : length;
    for (let n = 0; n < turns; n++) publishers[(first + n) % length].lane.flush();
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
