import { BUCKETS, Histogram } from './histogram.js';

/** What each worker counts while it runs, and where that stands among its numbers. */
export const Slot = {
  connected: 0,
  /** Messages that were published, and their bytes of payload. */
  published: 1,
  publishedBytes: 2,
  /** Deliveries that these make due. */
  due: 3,
  /** Messages that the network, at QoS 1 and 2 the broker has taken, and those that it has not. */
  settled: 4,
  refused: 5,
  /** Deliveries that the latter had made due. */
  refusedDeliveries: 6,
  /** Deliveries, and their bytes of payload. */
  delivered: 7,
  deliveredBytes: 8,
} as const;
export type Counts = Record<keyof typeof Slot, number>;

const SLOTS = Object.keys(Slot) as readonly (keyof Counts)[];

/** Times in microseconds that each worker measures. */
const TIMES = [
  /** From the moment when a message should have been sent until a subscriber has it. */
  'delivery',
  /** The same until the broker has acknowledged it, at QoS 2 until its handshake is over. */
  'acknowledgement',
  /** How late this tool itself was with sending, in an open loop. */
  'lateness',
  /** From the first packet of the network until the broker has accepted. */
  'connect',
] as const;
export type Times = Readonly<Record<(typeof TIMES)[number], Histogram>>;

const NUMBERS = SLOTS.length + TIMES.length * BUCKETS;

/**
 * What all threads see of each other's work. Each number is written by one thread and read by the others, who may be a
 * moment behind.
 */
export class Board {
  /** By stream: how many messages were published. */
  readonly sent: Uint32Array;
  /** By stream: how many subscribers are to get it. Does not change. */
  readonly receivers: Uint32Array;
  readonly #numbers: Float64Array;
  readonly #workers: number;

  /** @param memory of `memory` for as many workers and streams */
  constructor(memory: SharedArrayBuffer, workers: number, streams: number) {
    this.#workers = workers;
    this.#numbers = new Float64Array(memory, 0, workers * NUMBERS);
    this.sent = new Uint32Array(memory, this.#numbers.byteLength, streams);
    this.receivers = new Uint32Array(memory, this.sent.byteOffset + this.sent.byteLength, streams);
  }

  static memory(workers: number, streams: number): SharedArrayBuffer {
    const { BYTES_PER_ELEMENT } = Float64Array;
    return new SharedArrayBuffer(workers * NUMBERS * BYTES_PER_ELEMENT + 2 * streams * Uint32Array.BYTES_PER_ELEMENT);
  }

  /** Of a worker, by `Slot`; writing there is for that worker alone. */
  countsOf(worker: number): Float64Array {
    return this.#numbers.subarray(worker * NUMBERS, worker * NUMBERS + SLOTS.length);
  }

  /** Of a worker; recording there is for that worker alone. */
  timesOf(worker: number): Times {
    const first = worker * NUMBERS + SLOTS.length;
    const entries = TIMES.map((name, n) => {
      const at = first + n * BUCKETS;
      return [name, new Histogram(this.#numbers.subarray(at, at + BUCKETS))];
    });
    return Object.fromEntries(entries) as Times;
  }

  /** The sums of all workers. */
  counts(): Counts {
    return Object.fromEntries(SLOTS.map((name) => [name, this.#sum(Slot[name])])) as Counts;
  }

  /** What all workers have measured. */
  time(name: keyof Times): Histogram {
    const sum = new Histogram();
    for (let worker = 0; worker < this.#workers; worker++) sum.add(this.timesOf(worker)[name]);
    return sum;
  }

  /** Deliveries that have not come yet. */
  undelivered(): number {
    return this.#sum(Slot.due) - this.#sum(Slot.delivered) - this.#sum(Slot.refusedDeliveries);
  }

  /** Whether nothing is on its way: all deliveries have come, and the broker has answered. */
  get isQuiet(): boolean {
    return this.undelivered() <= 0 && this.#sum(Slot.published) === this.#sum(Slot.settled);
  }

  #sum(slot: number): number {
    let sum = 0;
    for (let at = slot; at < this.#numbers.length; at += NUMBERS) sum += this.#numbers[at];
    return sum;
  }
}
