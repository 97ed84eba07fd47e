import { Delivery } from './delivery.js';
import { MessageQueue } from './message-queue.js';
import type { Position, Store } from './ports/store.js';

/** Messages of one lasting session that are held in memory; beyond, they are in the store alone and come by pages. */
const WINDOW_MESSAGES = 128;

/** Messages that one page brings back into memory. */
const PAGE_MESSAGES = 64;

/**
 * The messages that wait for a session, oldest first. What the store has need not be in memory: only a window of it is,
 * so a million waiting messages are not a million objects.
 */
export class SessionQueue {
  readonly #clientId: string;
  readonly #store: Store;
  readonly #window = new MessageQueue<Delivery>();
  /** Messages in the store that follow those of the window. */
  #storedMessages = 0;
  #storedBytes = 0;
  /** The position of the last message that came into the window. */
  #lastPosition: Position = 0;

  constructor(clientId: string, store: Store) {
    this.#clientId = clientId;
    this.#store = store;
  }

  get length(): number {
    return this.#window.length + this.#storedMessages;
  }

  get bytes(): number {
    return this.#window.bytes + this.#storedBytes;
  }

  /** For a session that came out of the store at the start: this much of it waits there. */
  restore(messages: number, bytes: number): void {
    this.#storedMessages = messages;
    this.#storedBytes = bytes;
  }

  push(delivery: Delivery): void {
    if (delivery.position > 0 && (this.#storedMessages > 0 || this.#window.length >= WINDOW_MESSAGES)) {
      this.#storedMessages++;
      this.#storedBytes += delivery.bytes;
      return;
    }
    // One that only memory has comes after those that only the store has: a session that no longer lasts.
    while (this.#storedMessages > 0) this.#readPage();
    this.#window.push(delivery);
    if (delivery.position > 0) this.#lastPosition = delivery.position;
  }

  /** The oldest, or undefined if nothing waits. */
  shift(): Delivery | undefined {
    if (this.#window.length === 0 && this.#storedMessages > 0) this.#readPage();
    return this.#window.shift();
  }

  /** Takes all out, for a session that ends. */
  *drain(): Generator<Delivery> {
    for (let delivery = this.shift(); delivery !== undefined; delivery = this.shift()) yield delivery;
  }

  #readPage(): void {
    const page = this.#store.queue(this.#clientId, this.#lastPosition, PAGE_MESSAGES);
    for (const queued of page) {
      const delivery = Delivery.from(queued);
      this.#window.push(delivery);
      this.#lastPosition = queued.position;
      this.#storedMessages--;
      this.#storedBytes -= delivery.bytes;
    }
    // The store is the one who knows: what it no longer has does not wait.
    if (page.length < PAGE_MESSAGES) this.#storedMessages = this.#storedBytes = 0;
  }
}
