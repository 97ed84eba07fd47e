import { copyBytes } from '@cauldron/codec';
import type { Targets } from './targets.js';

const FIRST_SLOTS = 1 << 10;
const MAX_SLOTS = 1 << 17;
/** Half of the slots stay empty, so that searches are short. */
const MAX_ROUTES = MAX_SLOTS / 2;
const FIRST_BYTES = 1 << 14;
/** Of all topics together: clients choose how long they are. */
const MAX_BYTES = 1 << 23;

/** Publishers of one topic whose right to do so is remembered; beyond that it is asked about anew. */
const MAX_WRITERS = 4096;

/** A topic that was published to, and where its messages go. */
export class Route {
  // What is read for each message comes first: it lies together in memory.
  /** Of the topic, in bytes. */
  readonly length: number;
  /** Where the cache has its bytes; -1: nowhere, it is not remembered. */
  readonly at: number;
  /** The router's version for which `targets` was worked out; 0: never. */
  version = 0;
  targets: Targets | null = null;
  /**
   * The serial number of the session that last published here, and may, under the present version; 0: none. Nearly every
   * topic has one publisher, so this is all that is looked at before `admits` is asked.
   */
  writer = 0;
  /** The cache's: the one that was found after this one the last time; itself: none. */
  next: Route = this;
  readonly topic: string;
  /** All that may, if there was more than one. */
  #writers: Set<number> | null = null;

  constructor(topic: string, at: number, length: number) {
    this.topic = topic;
    this.at = at;
    this.length = length;
  }

  /** Whether the session with this serial number is known to be allowed to publish here. */
  admits(serial: number): boolean {
    if (this.writer === serial) return true;
    if (this.#writers === null || !this.#writers.has(serial)) return false;
    this.writer = serial;
    return true;
  }

  /** It may publish here, under the present version. */
  admit(serial: number): void {
    if (this.writer !== 0) {
      this.#writers ??= new Set([this.writer]);
      if (this.#writers.size >= MAX_WRITERS) this.#writers.clear();
      this.#writers.add(serial);
    }
    this.writer = serial;
  }

  /** Whoever may publish here has to be asked about again. */
  forgetWriters(): void {
    this.writer = 0;
    this.#writers = null;
  }
}

/** Never 0. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
  hash ^= hash >>> 15;
  return hash === 0 ? 1 : hash;
}

/** No topic has its length. */
const noRoute = (): Route => new Route('', 0, -1);

/**
 * From the bytes of a topic to its route, without making a string: open addressing over byte sequences. A topic in here
 * has passed every check that a topic must pass.
 *
 * The cache is bounded. While it is full a new topic is not remembered when it is seen first, so that a million topics in
 * turn neither wash out those in use nor cost more than their own way. One that is seen a second time soon makes the cache
 * begin anew: topics in use come back, and the others are forgotten.
 */
export class RouteCache {
  #slots: (Route | null)[] = new Array(FIRST_SLOTS).fill(null);
  /** By slot, the hash of the route; 0: there is none. A search reads nothing else before it is nearly sure. */
  #hashes = new Int32Array(FIRST_SLOTS);
  #size = 0;
  /** The bytes of all topics, one after the other. */
  #bytes = new Uint8Array(FIRST_BYTES);
  #bytesUsed = 0;
  /**
   * The one found last. Who publishes many messages in a row does so to one topic, or to the same topics in the same order:
   * so it is looked at first, and then the one that came after it the last time.
   */
  #last = noRoute();
  /** The hashes of topics that were seen since the cache was full, each in the place that its own bits say. */
  #seen: Int32Array | null = null;

  get size(): number {
    return this.#size;
  }

  /** The route of the topic in `bytes[start, start + length)`, or null if it is not known. */
  find(bytes: Uint8Array, start: number, length: number): Route | null {
    const last = this.#last;
    if (last.length === length && this.#holds(last.at, bytes, start, length)) return last;
    const { next } = last;
    if (next.length === length && this.#holds(next.at, bytes, start, length)) {
      this.#last = next;
      return next;
    }
    const hash = hashOf(bytes, start, start + length);
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = hashes[slot];
      if (found === 0) return null;
      if (found !== hash) continue;
      const route = this.#slots[slot];
      if (route === null || route.length !== length || !this.#holds(route.at, bytes, start, length)) continue;
      last.next = route;
      this.#last = route;
      return route;
    }
  }

  /** The route of a topic that was found valid, which `find` does not know. Remembered, unless the cache is full; see above. */
  add(bytes: Uint8Array, start: number, end: number, topic: string): Route {
    const length = end - start;
    const hash = hashOf(bytes, start, end);
    if (this.#size === MAX_ROUTES || this.#bytesUsed + length > MAX_BYTES) {
      if (!this.#wasSeen(hash)) return new Route(topic, -1, length);
      this.#beginAnew();
    }
    if (this.#size * 2 >= this.#slots.length) this.#growSlots();
    if (this.#bytesUsed + length > this.#bytes.length) this.#growBytes(length);
    const at = this.#bytesUsed;
    copyBytes(bytes, start, end, this.#bytes, at);
    this.#bytesUsed += length;
    const route = new Route(topic, at, length);
    this.#insert(route, hash);
    this.#size++;
    return route;
  }

  /** From the end, where topics of one publisher differ. */
  #holds(at: number, bytes: Uint8Array, start: number, length: number): boolean {
    const known = this.#bytes;
    let i = length - 1;
    while (i >= 0 && known[at + i] === bytes[start + i]) i--;
    return i < 0;
  }

  /** Whether a topic with this hash came before, not long ago; from now on it did. */
  #wasSeen(hash: number): boolean {
    this.#seen ??= new Int32Array(MAX_ROUTES);
    const place = hash & (MAX_ROUTES - 1);
    if (this.#seen[place] === hash) return true;
    this.#seen[place] = hash;
    return false;
  }

  #beginAnew(): void {
    this.#slots.fill(null);
    this.#hashes.fill(0);
    this.#seen?.fill(0);
    this.#size = this.#bytesUsed = 0;
    this.#last = noRoute();
  }

  #growSlots(): void {
    const old = this.#slots;
    const oldHashes = this.#hashes;
    const slots = Math.min(old.length * 4, MAX_SLOTS);
    this.#slots = new Array(slots).fill(null);
    this.#hashes = new Int32Array(slots);
    for (let slot = 0; slot < old.length; slot++) {
      const route = old[slot];
      if (route !== null) this.#insert(route, oldHashes[slot]);
    }
  }

  #growBytes(needed: number): void {
    const old = this.#bytes;
    this.#bytes = new Uint8Array(Math.min(Math.max(old.length * 2, old.length + needed), MAX_BYTES));
    this.#bytes.set(old);
  }

  #insert(route: Route, hash: number): void {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    let slot = hash & mask;
    while (hashes[slot] !== 0) slot = (slot + 1) & mask;
    hashes[slot] = hash;
    this.#slots[slot] = route;
  }
}
