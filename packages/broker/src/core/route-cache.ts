import type { Targets } from './targets.js';

const FIRST_SLOTS = 1 << 10;
const MAX_SLOTS = 1 << 17;

/** Publishers of one topic whose right to do so is remembered; beyond that it is asked about anew. */
const MAX_WRITERS = 4096;

/** A topic that was published to, and where its messages go. */
export class Route {
  /** The topic as it stands in PUBLISH. */
  readonly bytes: Uint8Array;
  readonly hash: number;
  readonly topic: string;
  /** The router's version for which `targets` was worked out; 0: never. */
  version = 0;
  targets: Targets | null = null;
  /**
   * The serial number of the session that last published here, and may, under the present version; 0: none. Nearly every
   * topic has one publisher, so this is all that is looked at before `admits` is asked.
   */
  writer = 0;
  /** All that may, if there was more than one. */
  #writers: Set<number> | null = null;

  constructor(bytes: Uint8Array, hash: number, topic: string) {
    this.bytes = bytes;
    this.hash = hash;
    this.topic = topic;
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

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
  return hash ^ (hash >>> 15);
}

/**
 * From the bytes of a topic to its route, without making a string: open addressing over byte sequences. A topic in here
 * has passed every check that a topic must pass. The table is bounded; when it is full it begins anew, so topics in use
 * come back and the others are forgotten.
 */
export class RouteCache {
  #slots: (Route | null)[] = new Array(FIRST_SLOTS).fill(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The route of the topic in `bytes[start, start + length)`, or null if it is not known. */
  find(bytes: Uint8Array, start: number, length: number): Route | null {
    const end = start + length;
    const hash = hashOf(bytes, start, end);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const route = slots[slot];
      if (route === null) return null;
      if (route.hash !== hash) continue;
      const known = route.bytes;
      if (known.length !== length) continue;
      let i = 0;
      while (i < length && known[i] === bytes[start + i]) i++;
      if (i === length) return route;
    }
  }

  /** Remembers a topic that was found valid. The bytes are copied. */
  add(bytes: Uint8Array, start: number, end: number, topic: string): Route {
    if (this.#size * 2 >= this.#slots.length) this.#makeRoom();
    const route = this.make(bytes, start, end, topic);
    this.#insert(route);
    this.#size++;
    return route;
  }

  /** A route that is not remembered. */
  make(bytes: Uint8Array, start: number, end: number, topic: string): Route {
    return new Route(Uint8Array.prototype.slice.call(bytes, start, end), hashOf(bytes, start, end), topic);
  }

  clear(): void {
    this.#slots = new Array(FIRST_SLOTS).fill(null);
    this.#size = 0;
  }

  #makeRoom(): void {
    if (this.#slots.length === MAX_SLOTS) {
      this.clear();
      return;
    }
    const old = this.#slots;
    this.#slots = new Array(old.length * 4 > MAX_SLOTS ? MAX_SLOTS : old.length * 4).fill(null);
    for (const route of old) if (route !== null) this.#insert(route);
  }

  #insert(route: Route): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = route.hash & mask;
    while (slots[slot] !== null) slot = (slot + 1) & mask;
    slots[slot] = route;
  }
}
