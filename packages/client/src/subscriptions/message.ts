import type { Properties, Publish, QoS } from '@cauldron/codec';
import type { Receipt } from '../session/receipt.js';

/** The parameters of a message that came by a plain filter. */
export type NoParams = Readonly<Record<never, never>>;

export const NO_PARAMS: NoParams = Object.freeze({});
const NO_PROPERTIES: Readonly<Properties> = Object.freeze({});

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a message is made of: a packet, or a message that is to get another value. */
type Source = Readonly<Omit<Publish, 'type' | 'packetId' | 'properties'>> & {
  readonly packetId?: number | undefined;
  readonly properties?: Readonly<Properties>;
};

/** What is owed to the server for a message; null at QoS 0. Programs do not see it. */
export let receiptOf: (message: Message<unknown, unknown>) => Receipt | null;

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
  readonly #receipt: Receipt | null;

  static {
    receiptOf = (message) => message.#receipt;
  }

  /** @internal */
  constructor(source: Source, receipt: Receipt | null, value: T, params: P) {
    this.topic = source.topic;
    this.payload = source.payload;
    this.qos = source.qos;
    this.retain = source.retain;
    this.dup = source.dup;
    this.packetId = source.packetId;
    this.properties = source.properties ?? NO_PROPERTIES;
    this.value = value;
    this.params = params;
    this.#receipt = receipt;
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
