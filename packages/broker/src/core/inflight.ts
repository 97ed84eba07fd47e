/** What a packet id that was sent waits for; 0 for an id that is not in use. */
export const InflightState = {
  FREE: 0,
  AWAITING_PUBACK: 1,
  AWAITING_PUBREC: 2,
  AWAITING_PUBCOMP: 3,
} as const;
export type InflightState = (typeof InflightState)[keyof typeof InflightState];
export type UsedState = Exclude<InflightState, 0>;

export interface InflightEntry<M extends object> {
  readonly id: number;
  readonly state: UsedState;
  readonly message: M | null;
}

/** There are no more packet ids than these (section 2.2.1). */
export const MAX_PACKET_IDS = 65_535;

const SMALLEST_RING = 32;
const LARGEST_RING = 65_536;
/** A ring up to this size is kept while nothing is in flight; a larger one came of a burst and is let go. */
const KEPT_RING = 1024;
const NO_RING = new Uint8Array(0);

class Waiting<M extends object> {
  state: UsedState;
  message: M | null;

  constructor(state: UsedState, message: M | null) {
    this.state = state;
    this.message = message;
  }
}

/**
 * The outbound window of one session: which packet ids are in use, and what each waits for. Ids are handed out in
 * order, 1 to 65,535 and round again, passing over those in use [MQTT-2.2.1-4].
 *
 * Clients acknowledge nearly in order, so the ids in use lie close together: a ring of one byte for each id, from the
 * oldest to the next one, tells all, and a second ring beside it holds the messages if there are any. The few ids for
 * which that does not hold are set aside in a Map: those that stay unacknowledged while the window has moved on (the
 * ring need not grow for their sake), and those of a session that was read from disk. What is aside is always older
 * than what is in the ring.
 *
 * An id given to a method must be 1 to 65,535, as the codec gives it.
 */
export class Inflight<M extends object> {
  /** All zero outside the window. One place always stays unused, so that even the largest ring ends below 65,536. */
  #states: Uint8Array = NO_RING;
  /** As long as `#states`, or null as long as no message was added. */
  #messages: (M | null)[] | null = null;
  /** The id at the beginning of the window, and its place in the ring. If the window is empty: the id that is next. */
  #oldestId = 1;
  #oldestSlot = 0;
  /** How many ids the window spans, free ones among them included; the first one is never free. */
  #span = 0;
  /** How many of them are in use. */
  #used = 0;
  /** In the order of sending; null while empty. */
  #aside: Map<number, Waiting<M>> | null = null;

  /** How many ids are in use. */
  get size(): number {
    return this.#aside === null ? this.#used : this.#used + this.#aside.size;
  }

  /** True when every id is in use: then `add` must not be called. */
  get full(): boolean {
    return this.size >= MAX_PACKET_IDS;
  }

  /**
   * Takes the next id into use and returns it. `message` is kept for sending it again; null where nothing will be sent
   * again (a session that ends with its connection).
   * @throws RangeError if all 65,535 ids are in use.
   */
  add(state: UsedState, message: M | null): number {
    if (this.full) throw new RangeError('All 65,535 packet ids are in use');
    this.#makeRoom(1);
    let id = idAfter(this.#oldestId, this.#span);
    while (this.#aside?.has(id)) {
      this.#passOverNext();
      this.#makeRoom(1);
      id = idAfter(this.#oldestId, this.#span);
    }
    const slot = (this.#oldestSlot + this.#span) & (this.#states.length - 1);
    this.#states[slot] = state;
    this.#span++;
    this.#used++;
    if (message !== null) {
      this.#messages ??= new Array<M | null>(this.#states.length).fill(null);
      this.#messages[slot] = message;
    }
    return id;
  }

  /**
   * Takes `count` ids that follow each other into use, without messages, and returns the first; the one after 65,535 is
   * 1. Returns 0 and changes nothing if the next `count` ids are not all free: then `add` finds them one by one.
   */
  addMany(state: UsedState, count: number): number {
    if (this.size + count > MAX_PACKET_IDS) return 0;
    this.#makeRoom(count);
    const first = idAfter(this.#oldestId, this.#span);
    if (this.#aside !== null && this.#isAnyAside(first, count)) return 0;
    const states = this.#states;
    const mask = states.length - 1;
    const end = this.#oldestSlot + this.#span + count;
    for (let slot = end - count; slot < end; slot++) states[slot & mask] = state;
    this.#span += count;
    this.#used += count;
    return first;
  }

  /** What `id` waits for; 0 if it is not in use. */
  state(id: number): InflightState {
    const offset = this.#offsetOf(id);
    const state = offset < this.#span ? this.#stateAt(offset) : InflightState.FREE;
    return state === InflightState.FREE ? (this.#aside?.get(id)?.state ?? state) : state;
  }

  /** The message that was added with `id`; null if there was none, or if it is no longer needed. */
  message(id: number): M | null {
    const offset = this.#offsetOf(id);
    const message = offset < this.#span ? this.#messageAt(offset) : null;
    return message ?? this.#aside?.get(id)?.message ?? null;
  }

  /** Frees `id`, whatever it waits for; false if it was not in use. */
  acknowledge(id: number): boolean {
    const offset = this.#offsetOf(id);
    if (offset < this.#span) {
      const slot = (this.#oldestSlot + offset) & (this.#states.length - 1);
      if (this.#states[slot] !== InflightState.FREE) {
        this.#free(slot);
        if (offset === 0) this.#moveUp();
        return true;
      }
    }
    return this.#aside !== null && this.#acknowledgeAside(id);
  }

  /** PUBREC came: from now on `id` awaits PUBCOMP, and its message goes. False if `id` does not await PUBREC. */
  advance(id: number): boolean {
    if (this.state(id) !== InflightState.AWAITING_PUBREC) return false;
    const waiting = this.#aside?.get(id);
    if (waiting !== undefined) {
      waiting.state = InflightState.AWAITING_PUBCOMP;
      waiting.message = null;
      return true;
    }
    const slot = (this.#oldestSlot + this.#offsetOf(id)) & (this.#states.length - 1);
    this.#states[slot] = InflightState.AWAITING_PUBCOMP;
    if (this.#messages !== null) this.#messages[slot] = null;
    return true;
  }

  /**
   * Takes a certain id into use, for a session that is read from disk: call it for each entry, in the order of sending,
   * before anything is added. The next id will be the one after the last.
   * @throws RangeError if `id` is not 1 to 65,535 or is in use, Error if something was added before.
   */
  restore(id: number, state: UsedState, message: M | null): void {
    if (!Number.isInteger(id) || id < 1 || id > MAX_PACKET_IDS) throw new RangeError(`No packet id: ${id}`);
    if (this.#span > 0) throw new Error('A packet id can be restored only before the first is added');
    this.#aside ??= new Map();
    if (this.#aside.has(id)) throw new RangeError(`Packet id ${id} is in use already`);
    this.#aside.set(id, new Waiting(state, message));
    this.#oldestId = idAfter(id, 1);
  }

  /**
   * All that is in flight in the order of sending, which is the order to send it again in [MQTT-4.6.0-1]. What is freed
   * meanwhile is passed over; `add`, `addMany` and `restore` must not be called before the end.
   */
  *entries(): Generator<InflightEntry<M>, void, undefined> {
    if (this.#aside !== null) {
      for (const [id, waiting] of this.#aside) yield { id, state: waiting.state, message: waiting.message };
    }
    const first = this.#oldestId;
    const span = this.#span;
    for (let i = 0; i < span; i++) {
      const id = idAfter(first, i);
      const offset = this.#offsetOf(id); // anew each time: the window may have moved up
      const state = offset < this.#span ? this.#stateAt(offset) : InflightState.FREE;
      if (state !== InflightState.FREE) yield { id, state, message: this.#messageAt(offset) };
    }
  }

  /** Lets memory go that is not in use. Called when the connection ends: most sessions then have nothing in flight. */
  trim(): void {
    if (this.#span === 0) this.#dropRing();
  }

  #offsetOf(id: number): number {
    const offset = id - this.#oldestId;
    return offset < 0 ? offset + MAX_PACKET_IDS : offset;
  }

  #stateAt(offset: number): InflightState {
    return this.#states[(this.#oldestSlot + offset) & (this.#states.length - 1)] as InflightState;
  }

  #messageAt(offset: number): M | null {
    return this.#messages === null ? null : this.#messages[(this.#oldestSlot + offset) & (this.#states.length - 1)];
  }

  #free(slot: number): void {
    this.#states[slot] = InflightState.FREE;
    if (this.#messages !== null) this.#messages[slot] = null;
    this.#used--;
  }

  /** The first id of the window was freed: the window begins with the next one that is in use. */
  #moveUp(): void {
    const mask = this.#states.length - 1;
    do {
      this.#oldestSlot = (this.#oldestSlot + 1) & mask;
      this.#oldestId = idAfter(this.#oldestId, 1);
      this.#span--;
    } while (this.#span > 0 && this.#states[this.#oldestSlot] === InflightState.FREE);
    if (this.#span === 0 && mask >= KEPT_RING) this.#dropRing();
  }

  #acknowledgeAside(id: number): boolean {
    if (!this.#aside?.delete(id)) return false;
    if (this.#aside.size === 0) this.#aside = null;
    return true;
  }

  #isAnyAside(first: number, count: number): boolean {
    for (let i = 0; i < count; i++) if (this.#aside?.has(idAfter(first, i))) return true;
    return false;
  }

  /** The next id is in use, aside: its place in the window stays free. */
  #passOverNext(): void {
    if (this.#span === 0) this.#oldestId = idAfter(this.#oldestId, 1);
    else this.#span++;
  }

  /**
   * Sees to it that the window can span `count` ids more. Where most of the window is free, an old id is in the way and
   * goes aside, once in its life; else the ring grows.
   */
  #makeRoom(count: number): void {
    while (this.#span + count >= this.#states.length) {
      const length = this.#states.length;
      if (length < LARGEST_RING && this.#used + count > length / 4) this.#grow();
      else this.#setOldestAside();
    }
  }

  #setOldestAside(): void {
    const state = this.#stateAt(0);
    if (state === InflightState.FREE) throw new Error('The oldest packet id of the window is free');
    this.#aside ??= new Map();
    this.#aside.set(this.#oldestId, new Waiting(state, this.#messageAt(0)));
    this.#free(this.#oldestSlot);
    this.#moveUp();
  }

  #grow(): void {
    const states = new Uint8Array(Math.max(SMALLEST_RING, this.#states.length * 2));
    for (let i = 0; i < this.#span; i++) states[i] = this.#stateAt(i);
    if (this.#messages !== null) {
      const messages = new Array<M | null>(states.length).fill(null);
      for (let i = 0; i < this.#span; i++) messages[i] = this.#messageAt(i);
      this.#messages = messages;
    }
    this.#states = states;
    this.#oldestSlot = 0;
  }

  #dropRing(): void {
    this.#states = NO_RING;
    this.#messages = null;
    this.#oldestSlot = 0;
  }
}

/** The id that comes `steps` after `id`; `steps` is 0 to 65,535. */
function idAfter(id: number, steps: number): number {
  const sum = id + steps;
  return sum > MAX_PACKET_IDS ? sum - MAX_PACKET_IDS : sum;
}
