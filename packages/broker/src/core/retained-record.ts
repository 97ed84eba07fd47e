import type { Properties, QoS } from '@cauldron/codec';
import { Message } from './message.js';
import type { PayloadSlabs, Slab } from './payload-slabs.js';
import type { Principal } from './ports/access.js';
import type { Clock } from './ports/clock.js';

/** Bytes before the payload: when the message was published, and when it expires, in ms of the wall clock. */
const TIMES = 16;

/** A retained message as it is kept. There may be millions, so it is no `Message`: that is made when it is given out. */
export class RetainedRecord {
  readonly topic: string;
  readonly qos: QoS;
  readonly properties: Properties | null;
  readonly publisher: string;
  readonly source: Principal | null;
  readonly #length: number;
  readonly #slab: Slab;
  readonly #start: number;

  /** Copies the payload into `slabs`. */
  constructor(message: Message, slabs: PayloadSlabs) {
    const { topic, qos, properties, publisher, source, payload, publishedAtMs, expiresAtMs } = message;
    this.topic = topic;
    this.qos = qos;
    this.properties = properties;
    this.publisher = publisher;
    this.source = source;
    this.#length = payload.length;
    const slab = slabs.slabFor(TIMES + payload.length);
    const start = slab.take();
    slab.numbers[start / 8] = publishedAtMs;
    slab.numbers[start / 8 + 1] = expiresAtMs;
    slab.bytes.set(payload, start + TIMES);
    this.#slab = slab;
    this.#start = start;
  }

  /** See `Message.bytes`. */
  get bytes(): number {
    return this.topic.length + this.#length + (this.properties === null ? 0 : 64);
  }

  isExpired(clock: Clock): boolean {
    const expiresAtMs = this.#expiresAtMs;
    return expiresAtMs < Number.POSITIVE_INFINITY && clock.wallMs() >= expiresAtMs;
  }

  /** With bytes of its own. */
  toMessage(): Message {
    const { topic, qos, properties, publisher } = this;
    const begin = this.#start + TIMES;
    const payload = this.#slab.bytes.slice(begin, begin + this.#length);
    const message = new Message(topic, payload, qos, true, properties, publisher, this.#expiresAtMs, true);
    message.publishedAtMs = this.#slab.numbers[this.#start / 8];
    message.source = this.source;
    return message;
  }

  /** Nobody uses it any more: its memory is free for others. */
  release(slabs: PayloadSlabs): void {
    slabs.giveBack(this.#slab, this.#start);
  }

  get #expiresAtMs(): number {
    return this.#slab.numbers[this.#start / 8 + 1];
  }
}
