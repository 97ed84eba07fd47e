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
      this.#passOver();
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
    if (this.#span + count > this.#states.length) this.#makeRoom(count);
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
}

/** The id that comes `steps` after `id`; `steps` is 0 to 65,535. */
function idAfter(id: number, steps: number): number {
  const sum = id + steps;
  return sum > MAX_PACKET_IDS ? sum - MAX_PACKET_IDS : sum;
}
