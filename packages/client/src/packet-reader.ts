import {
  copyBytes,
  decodeServerPacket,
  Framer,
  type Packet,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  type QoS,
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
  packet(packet: Exclude<Packet, Publish>): void;
}

/** Bytes to packets. The two packets that come in masses, PUBLISH without properties and PUBACK, take a short way. */
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
      if (this.#trace !== null || !this.#readPlain(framer)) this.#readAny(framer);
    }
    framer.finish();
  }

  /** @returns false for a frame that is not one of the plain ones */
  #readPlain({ bytes, start, body, end }: Framer): boolean {
    const header = bytes[start];
    if (header === PacketType.PUBACK << 4 && end - body === 2) {
      const packetId = (bytes[body] << 8) | bytes[body + 1];
      if (packetId === 0) return false;
      this.#owner.puback(packetId);
      return true;
    }
    if (header >> 4 !== PacketType.PUBLISH) return false;
    const qos = (header >> 1) & 3;
    const dup = (header & 8) !== 0;
    const topicAt = body + 2;
    const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
    let at = qos === 0 ? topicEnd : topicEnd + 2;
    if (qos === 3 || (dup && qos === 0) || topicEnd === topicAt || at > end) return false;
    if (this.#version === 5 && (at === end || bytes[at++] !== 0)) return false;
    const packetId = qos === 0 ? 0 : (bytes[topicEnd] << 8) | bytes[topicEnd + 1];
    if (qos !== 0 && packetId === 0) return false;
    const packet: ReadPublish = {
      topic: this.#topics.topicOf(bytes, topicAt, topicEnd),
      payload: copyOf(bytes, at, end),
      qos: qos as QoS,
      retain: (header & 1) === 1,
      dup,
    };
    if (packetId !== 0) packet.packetId = packetId;
    this.#owner.publish(packet);
    return true;
  }

  #readAny({ bytes, start, body, end }: Framer): void {
    const packet = decodeServerPacket(bytes, start, body, end, this.#version);
    this.#trace?.(packet);
    if (packet.type !== PacketType.PUBLISH) {
      this.#owner.packet(packet);
      return;
    }
    const { properties } = packet;
    packet.payload = new Uint8Array(packet.payload);
    if (properties?.correlationData) properties.correlationData = new Uint8Array(properties.correlationData);
    this.#owner.publish(packet);
  }
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copyBytes(bytes, start, end, copy, 0);
  return copy;
}
