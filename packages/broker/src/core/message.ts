import type { Properties, QoS } from '@cauldron/codec';

/** An application message on its way through the broker: what a PUBLISH said, without what concerns one connection. */
export class Message {
  readonly topic: string;
  /** Lent by the read buffer until `keep` was called. */
  payload: Uint8Array;
  readonly qos: QoS;
  /** As the publisher sent it; what a subscriber gets depends on its subscription. */
  readonly retain: boolean;
  /** Only what is passed on: no topic alias, no subscription identifiers. Null when there are none. */
  readonly properties: Properties | null;
  /** The publisher's client id, for no-local; empty when the broker itself is the publisher. */
  readonly publisher: string;
  /** Wall clock, ms; `Infinity` when it does not expire. */
  readonly expiresAtMs: number;
  #kept = false;

  constructor(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    properties: Properties | null,
    publisher: string,
    expiresAtMs: number,
  ) {
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.retain = retain;
    this.properties = properties;
    this.publisher = publisher;
    this.expiresAtMs = expiresAtMs;
  }

  /**
   * Makes the message independent of the read buffer. Whoever holds on to a message beyond the call that brought it
   * calls this first; only the first call copies.
   */
  keep(): this {
    if (!this.#kept) {
      this.#kept = true;
      // Not `payload.slice()`: on a Buffer that would be a view.
      this.payload = Uint8Array.prototype.slice.call(this.payload);
      const correlationData = this.properties?.correlationData;
      if (this.properties !== null && correlationData !== undefined) {
        this.properties.correlationData = Uint8Array.prototype.slice.call(correlationData);
      }
    }
    return this;
  }

  /** What it counts against byte bounds: topic, payload and properties, roughly. */
  get bytes(): number {
    return this.topic.length + this.payload.length + (this.properties === null ? 0 : 64);
  }

  /** Seconds of its life that are left at `wallMs`, rounded up; undefined when it does not expire. */
  remainingExpiryS(wallMs: number): number | undefined {
    if (this.expiresAtMs === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(0, Math.ceil((this.expiresAtMs - wallMs) / 1000));
  }

  isExpired(wallMs: number): boolean {
    return wallMs >= this.expiresAtMs;
  }
}
