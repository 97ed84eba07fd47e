import type { Properties, ProtocolVersion, PublishMessage, QoS } from '@cauldron/codec';
import { PublishLayout } from '@cauldron/codec';
import type { Principal } from './ports/access.js';
import type { Clock } from './ports/clock.js';
import type { OutboundAliases } from './topic-aliases.js';

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
  /** Wall clock, ms: when a retained message was published. 0 for others, and where nobody knows. */
  publishedAtMs = 0;
  /**
   * Of a retained message: whose right to write decides whether it may still be given out. Null for others, for those of
   * the broker itself, and where nobody knows.
   */
  source: Principal | null = null;
  #kept: boolean;
  #layout: PublishLayout | null = null;
  #layoutKey = -1;

  /** `kept`: its bytes are its own, nobody else writes to them. */
  constructor(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    properties: Properties | null,
    publisher: string,
    expiresAtMs: number,
    kept = false,
  ) {
    this.#kept = kept;
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
      this.#layoutKey = -1;
      // Not `payload.slice()`: on a Buffer that would be a view.
      this.payload = Uint8Array.prototype.slice.call(this.payload);
      const correlationData = this.properties?.correlationData;
      if (this.properties !== null && correlationData !== undefined) {
        this.properties.correlationData = Uint8Array.prototype.slice.call(correlationData);
      }
    }
    return this;
  }

  /**
   * How it is sent with this QoS and retain flag to clients of this version: worked out once for a message that goes to
   * many. `identifiers` and a message expiry make a layout of their own.
   */
  layout(
    qos: QoS,
    retain: boolean,
    version: ProtocolVersion,
    identifiers: readonly number[] | null,
    clock: Clock,
  ): PublishLayout {
    const isPlain = version !== 5 || (identifiers === null && this.expiresAtMs === Number.POSITIVE_INFINITY);
    if (!isPlain) return new PublishLayout(this.#forOne(identifiers, clock), qos, retain, version);
    const key = (qos << 2) | (retain ? 2 : 0) | (version === 5 ? 1 : 0);
    if (this.#layout === null || this.#layoutKey !== key) {
      this.#layout = new PublishLayout(this.#forAll(), qos, retain, version);
      this.#layoutKey = key;
    }
    return this.#layout;
  }

  /** For a 5.0 client that knows topic aliases: the topic goes out once, together with its alias, and then the alias alone. */
  aliasedLayout(
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | null,
    clock: Clock,
    aliases: OutboundAliases,
  ): PublishLayout {
    const alias = aliases.aliasFor(this.topic);
    if (alias === 0) return this.layout(qos, retain, 5, identifiers, clock);
    const message = this.#forOne(identifiers, clock);
    const topic = alias > 0 ? '' : this.topic;
    const properties = { ...message.properties, topicAlias: Math.abs(alias) };
    return new PublishLayout({ ...message, topic, properties }, qos, retain, 5);
  }

  #forAll(): PublishMessage {
    const { topic, payload, properties } = this;
    return properties === null ? { topic, payload } : { topic, payload, properties };
  }

  #forOne(identifiers: readonly number[] | null, clock: Clock): PublishMessage {
    const properties: Properties = { ...this.properties };
    // [MQTT-3.3.2-6]
    if (this.expiresAtMs < Number.POSITIVE_INFINITY) properties.messageExpiryInterval = this.#remainingS(clock);
    if (identifiers !== null) properties.subscriptionIdentifiers = identifiers; // [MQTT-3.3.4-3]
    return { topic: this.topic, payload: this.payload, properties };
  }

  /** What it counts against byte bounds: topic, payload and properties, roughly. */
  get bytes(): number {
    return this.topic.length + this.payload.length + (this.properties === null ? 0 : 64);
  }

  #remainingS(clock: Clock): number {
    return Math.max(0, Math.ceil((this.expiresAtMs - clock.wallMs()) / 1000));
  }

  /** The same message with its life beginning now: a will, whose expiry counts from its publication. */
  startingAt(wallMs: number): Message {
    const lifeS = this.properties?.messageExpiryInterval;
    if (lifeS === undefined) return this;
    const { topic, payload, qos, retain, properties, publisher } = this;
    return new Message(topic, payload, qos, retain, properties, publisher, wallMs + lifeS * 1000);
  }

  /** The same message as clients see it that know it by another topic. It lasts no longer than this one's payload. */
  withTopic(topic: string): Message {
    const { payload, qos, retain, properties, publisher, expiresAtMs } = this;
    return new Message(topic, payload, qos, retain, properties, publisher, expiresAtMs, this.#kept);
  }

  /** Asks the clock only for messages that expire at all. */
  isExpired(clock: Clock): boolean {
    return this.expiresAtMs < Number.POSITIVE_INFINITY && clock.wallMs() >= this.expiresAtMs;
  }
}
