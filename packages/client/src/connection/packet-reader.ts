import {
  copyBytes,
  decodeProperties,
  decodeServerPacket,
  Framer,
  type Packet,
  PacketType,
  type Properties,
  ProtocolError,
  type ProtocolVersion,
  type QoS,
  Reader,
  ReasonCode,
  type ServerPacket,
} from '@cauldron/codec';
import { TopicCache } from './topic-cache.js';

/** A PUBLISH as it was read. The payload is its own; the object may be used again for the next one. */
export interface ReadPublish {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  dup: boolean;
  packetId?: number;
  properties?: Properties;
}

/** Who is told of packets. What these calls throw, `read` throws. */
export interface PacketReaderOwner {
  /** Whether the next packet is wanted. */
  reads(): boolean;
  publish(packet: ReadPublish): void;
  /** The plain PUBACK, which says nothing but that all is well. */
  puback(packetId: number): void;
  /** Any other packet. */
  packet(packet: ServerPacket): void;
}

/** Bytes to packets. Those that come in masses, PUBLISH and the plain PUBACK, have ways of their own. */
export class PacketReader {
  readonly #version: ProtocolVersion;
  readonly #framer: Framer;
  readonly #topics = new TopicCache();
  readonly #owner: PacketReaderOwner;
  /** Sees each packet as an object; null when nobody wants to. */
  readonly #trace: ((packet: Packet) => void) | null;
  /** How often a packet was read. */
  count = 0;

  constructor(
    version: ProtocolVersion,
    maximumPacketSize: number,
    owner: PacketReaderOwner,
    trace: ((packet: Packet) => void) | null,
  ) {
    this.#version = version;
    this.#owner = owner;
    this.#trace = trace;
    this.#framer = new Framer(maximumPacketSize);
    this.#framer.strictLength = version === 5;
  }

  /** @param bytes are only borrowed. @throws ProtocolError for what is no packet of a server */
  read(bytes: Uint8Array, length: number): void {
    const framer = this.#framer;
    framer.feed(bytes, length);
    while (this.#owner.reads() && framer.next()) {
      this.count++;
      this.#readPacket(framer);
    }
    framer.finish();
  }

  #readPacket(framer: Framer): void {
    const { bytes, start, body, end } = framer;
    const header = bytes[start];
    if (header >> 4 === PacketType.PUBLISH) {
      this.#readPublish(framer, header);
      return;
    }
    if (header === PacketType.PUBACK << 4 && end - body === 2 && this.#trace === null) {
      const packetId = (bytes[body] << 8) | bytes[body + 1];
      if (packetId !== 0) {
        this.#owner.puback(packetId);
        return;
      }
    }
    const packet = decodeServerPacket(bytes, start, body, end, this.#version);
    this.#trace?.(packet);
    this.#owner.packet(packet);
  }

  #readPublish({ bytes, body, end }: Framer, header: number): void {
    const qos = (header >> 1) & 3;
    const dup = (header & 8) !== 0;
    const topicAt = body + 2;
    const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
    let at = qos === 0 ? topicEnd : topicEnd + 2;
    if (qos === 3) throw malformed('the QoS is 3'); // [MQTT-3.3.1-4]
    if (dup && qos === 0) throw malformed('DUP is set at QoS 0'); // [MQTT-3.3.1-2]
    if (topicAt > end || at > end) throw malformed('ends before the end of the topic name or the packet identifier');
    const packetId = qos === 0 ? 0 : (bytes[topicEnd] << 8) | bytes[topicEnd + 1];
    // [MQTT-2.2.1-3]
    if (qos !== 0 && packetId === 0) throw malformed('the packet identifier is 0', ReasonCode.PROTOCOL_ERROR);
    let properties: Properties | undefined;
    if (this.#version === 5) {
      if (bytes[at] === 0 && at < end) {
        at++;
      } else {
        const reader = new Reader(bytes, at, end, 'PUBLISH');
        properties = decodeProperties(reader, PacketType.PUBLISH);
        at = reader.at;
        if (properties?.correlationData) properties.correlationData = new Uint8Array(properties.correlationData);
      }
    }
    const isAliased = topicEnd === topicAt && this.#version === 5;
    if (isAliased && properties?.topicAlias === undefined) {
      throw malformed('the topic name is empty and there is no topic alias', ReasonCode.PROTOCOL_ERROR);
    }
    const packet: ReadPublish = {
      topic: isAliased ? '' : this.#topics.topicOf(bytes, topicAt, topicEnd),
      payload: copyOf(bytes, at, end),
      qos: qos as QoS,
      retain: (header & 1) === 1,
      dup,
    };
    if (packetId !== 0) packet.packetId = packetId;
    if (properties !== undefined) packet.properties = properties;
    this.#trace?.({ type: PacketType.PUBLISH, ...packet });
    this.#owner.publish(packet);
  }
}

function malformed(message: string, reasonCode: ReasonCode = ReasonCode.MALFORMED_PACKET): ProtocolError {
  return new ProtocolError(reasonCode, `PUBLISH: ${message}`);
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copyBytes(bytes, start, end, copy, 0);
  return copy;
}
