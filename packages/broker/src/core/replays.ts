import type { Delivery } from './delivery.js';
import type { Authorizer } from './ports/access.js';

/**
 * What a search for retained messages finds next: a message; that somebody has to be asked about the next one; or null:
 * nothing so far, and it has looked at so much that others should have their turn.
 */
export type Found = Delivery | Promise<void> | null;

/** Retained messages for the new subscriptions of one session: found one at a time, as they can be sent. */
export class Replays {
  readonly #sources: Iterator<Found>[] = [];
  readonly #onAnswer: () => void;
  #next: Delivery | null = null;
  #isWaiting = false;
  #isSearching = false;
  readonly #authorizer: Authorizer;
  /** The version of the access rules under which the next one was found. */
  rulesVersion = 0;

  /** `onAnswer`: called when it can go on that had to wait. */
  constructor(authorizer: Authorizer, onAnswer: () => void) {
    this.#authorizer = authorizer;
    this.#onAnswer = onAnswer;
  }

  /** The next one is not known yet. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** The last `peek` has not come to the next one yet: it is to be asked again in a later turn. */
  get isSearching(): boolean {
    return this.#isSearching;
  }

  add(source: Iterator<Found>): void {
    this.#sources.push(source);
  }

  /** The next one, the same until `shift`; null: nothing is left, or it waits, or searches. */
  peek(): Delivery | null {
    this.#isSearching = false;
    while (this.#next === null && !this.#isWaiting && !this.#isSearching && this.#sources.length > 0) {
      const found = this.#sources[0].next();
      if (found.done === true) this.#sources.shift();
      else if (found.value === null) this.#isSearching = true;
      else if (found.value instanceof Promise) this.#await(found.value);
      else {
        this.#next = found.value;
        this.rulesVersion = this.#authorizer.version;
      }
    }
    return this.#next;
  }

  shift(): void {
    this.#next = null;
  }

  #await(answer: Promise<void>): void {
    this.#isWaiting = true;
    void answer.then(() => {
      this.#isWaiting = false;
      this.#onAnswer();
    });
  }
}
