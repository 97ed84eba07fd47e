import { copyBytes } from './byte-copy.js';
import { PacketType, type ProtocolVersion, type QoS } from './constants.js';
import { writeText, writeUint16 } from './fields.js';
import type { Properties } from './packets.js';
import { propertiesSize, writeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';
import { encodedLength } from './utf8.js';
import { MAX_VARINT, varintSize, writeVarint } from './varint.js';

/** What all copies of a message have in common, whoever receives them. */
export interface PublishMessage {
  /** Not checked for wildcards here: the server did that when the message came in. Empty where a topic alias stands for it. */
  topic: string;
  payload: Uint8Array;
  /** Left out before MQTT 5.0. */
  properties?: Properties;
}

/** A PUBLISH as bytes, complete but for the packet identifier. */
export interface EncodedPublish {
  bytes: Uint8Array;
  /** Offset of the two bytes of the packet identifier; 0 at QoS 0. */
  packetIdAt: number;
}

/**
 * One way to encode a message: for a QoS, a retain flag and a protocol version. Finds out the lengths once, so that the
 * same PUBLISH can then be written any number of times, straight to where it shall lie.
 *
 * The strings are encoded at each `write`: the message must not change in between.
 */
export class PublishLayout {
  /** Bytes of the whole packet, fixed header included. */
  readonly size: number;
  /** Where the packet identifier lies, counted from the first byte of the packet; 0 at QoS 0, which has none. */
  readonly packetIdAt: number;
  readonly #message: PublishMessage;
  readonly #header: number;
  readonly #remaining: number;
  /** Without their length; -1 before MQTT 5.0, which has not even that. */
  readonly #propertiesSize: number;

  /** @throws ProtocolError for properties or a topic that cannot be encoded, PACKET_TOO_LARGE past 268,435,460 bytes */
  constructor(message: PublishMessage, qos: QoS, retain: boolean, version: ProtocolVersion) {
    const topicEnd = 2 + encodedLength(message.topic, 'the topic name');
    let remaining = topicEnd + message.payload.length;
    if (qos !== 0) remaining += 2;
    if (version === 5) {
      const size = propertiesSize(message.properties, PacketType.PUBLISH);
      remaining += varintSize(size) + size;
      this.#propertiesSize = size;
    } else {
      this.#propertiesSize = -1;
    }
    if (remaining > MAX_VARINT) {
      throw new ProtocolError(ReasonCode.PACKET_TOO_LARGE, `A PUBLISH cannot have ${remaining} bytes`);
    }
    const headerSize = 1 + varintSize(remaining);
    this.#message = message;
    this.#header = (PacketType.PUBLISH << 4) | (qos << 1) | (retain ? 1 : 0);
    this.#remaining = remaining;
    this.size = headerSize + remaining;
    this.packetIdAt = qos === 0 ? 0 : headerSize + topicEnd;
  }

  /**
   * Writes the packet to `out` at `at`, where the caller guarantees `size` bytes of room, and returns the offset after it.
   * @param packetId 1..65535, not checked; 0 leaves it to be filled in at `packetIdAt`; without meaning at QoS 0
   * @param dup for a PUBLISH that is sent again [MQTT-3.3.1-1]
   */
  write(out: Uint8Array, at: number, packetId = 0, dup = false): number {
    const end = this.writeHead(out, at, packetId, dup);
    const { payload } = this.#message;
    copyBytes(payload, 0, payload.length, out, end);
    return end + payload.length;
  }

  /**
   * The same without the payload, for a sender that passes a large one on without copying it: needs room for `size` less
   * the payload's length.
   */
  writeHead(out: Uint8Array, at: number, packetId: number, dup: boolean): number {
    const { topic, properties } = this.#message;
    out[at] = dup ? this.#header | 8 : this.#header;
    let end = writeVarint(out, at + 1, this.#remaining);
    end = writeText(out, end, topic);
    if (this.packetIdAt !== 0) end = writeUint16(out, end, packetId);
    return this.#propertiesSize < 0 ? end : writeProperties(out, end, properties, this.#propertiesSize);
  }
}

/**
 * Encodes a message once for all receivers that share QoS, retain flag and version, in one allocation of the exact size.
 * DUP is 0, and so is the packet identifier.
 */
export function encodePublishLayout(
  message: PublishMessage,
  qos: QoS,
  retain: boolean,
  version: ProtocolVersion,
): EncodedPublish {
  const layout = new PublishLayout(message, qos, retain, version);
  const bytes = new Uint8Array(layout.size);
  layout.write(bytes, 0);
  return { bytes, packetIdAt: layout.packetIdAt };
}
