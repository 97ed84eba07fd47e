import type { Delivery } from './delivery.js';

/** Retained messages for the new subscriptions of one session: found one at a time, as they can be sent. */
export class Replays {
  readonly #sources: Iterator<Delivery>[] = [];
  #next: Delivery | null = null;

  add(source: Iterator<Delivery>): void {
    this.#sources.push(source);
  }

  /** The next one, the same until `shift`; null: nothing is left. */
  peek(): Delivery | null {
    while (this.#next === null && this.#sources.length > 0) {
      const found = this.#sources[0].next();
      if (found.done === true) this.#sources.shift();
      else this.#next = found.value;
    }
    return this.#next;
  }

  shift(): void {
    this.#next = null;
  }
}
