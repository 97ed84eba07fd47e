import type { Properties, Publish, QoS } from '@cauldron/codec';
import type { Delivery } from './delivery.js';

/** The parameters of a message that came by a plain filter. */
export type NoParams = Readonly<Record<never, never>>;

export const NO_PARAMS: NoParams = Object.freeze({});
const NO_PROPERTIES: Readonly<Properties> = Object.freeze({});

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The delivery that a message is part of; null at QoS 0. Only the client itself may see it. */
export let deliveryOf: (message: Message<unknown, unknown>) => Delivery | null;

/** A message as it was received. Payload and properties belong to the receiver, and to all others that it is for. */
export class Message<T = Uint8Array, P = NoParams> {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** Whether it was retained when the subscription began; with `retainAsPublished`, whether it was published so. */
  readonly retain: boolean;
  /** Whether the server has sent it before, and does not know if it arrived. */
  readonly dup: boolean;
  /** Undefined at QoS 0. */
  readonly packetId: number | undefined;
  /** Empty before 5.0. */
  readonly properties: Readonly<Properties>;
  /** The payload as the codec of the subscription decoded it; without a codec the bytes. */
  readonly value: T;
  /** What stood in the topic for the parameters of a typed topic. */
  readonly params: P;
  readonly #delivery: Delivery | null;

  static {
    deliveryOf = (message) => message.#delivery;
  }

  /** @internal */
  constructor(packet: Publish, delivery: Delivery | null, value: T, params: P) {
    this.topic = packet.topic;
    this.payload = packet.payload;
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.dup = packet.dup;
    this.packetId = packet.packetId;
    this.properties = packet.properties ?? NO_PROPERTIES;
    this.value = value;
    this.params = params;
    this.#delivery = delivery;
  }

  /** The payload as text (UTF-8); bytes that are none become U+FFFD. */
  text(): string {
    return lenient.decode(this.payload);
  }

  /**
   * The payload as JSON. It is not checked against `J`: a codec with a schema does that.
   * @throws SyntaxError
   */
  json<J = unknown>(): J {
    return JSON.parse(lenient.decode(this.payload)) as J;
  }
}
