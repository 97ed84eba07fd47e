import { copyBytes } from './byte-copy.js';
import { type PacketType, type ProtocolVersion, packetName, type QoS } from './constants.js';
import { writeBinary, writeText, writeUint16 } from './fields.js';
import { fixedHeaderFlags } from './packet-rules.js';
import type { Properties } from './packets.js';
import { type PropertyOwner, propertiesSize, writeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';
import { encodedLength, MAX_STRING_BYTES } from './utf8.js';
import { MAX_VARINT, varintSize, writeVarint } from './varint.js';

/** Room for the longest fixed header; the body is written behind it first, because its length is known only then. */
const HEADER_ROOM = 5;
const INITIAL_SIZE = 256;
/** A writer does not keep a larger buffer than this for its next packet. */
const LARGEST_KEPT = 65_536;

/**
 * Field after field of a packet, in memory that is used again for the next one. What a method throws is a ProtocolError that
 * says which field cannot be encoded, and why; the next packet begins anew.
 */
export class PacketBody {
  #bytes = new Uint8Array(INITIAL_SIZE);
  #at = HEADER_ROOM;

  begin(): void {
    if (this.#bytes.length > LARGEST_KEPT) this.#bytes = new Uint8Array(INITIAL_SIZE);
    this.#at = HEADER_ROOM;
  }

  /** The whole packet: a view, valid until `begin`. */
  finish(type: PacketType): Uint8Array {
    const remaining = this.#at - HEADER_ROOM;
    if (remaining > MAX_VARINT) throw cannotSend(type, `${remaining} bytes are more than the format allows`);
    const start = HEADER_ROOM - 1 - varintSize(remaining);
    this.#bytes[start] = (type << 4) | fixedHeaderFlags(type); // [MQTT-2.1.3-1]
    writeVarint(this.#bytes, start + 1, remaining);
    return this.#bytes.subarray(start, this.#at);
  }

  packetId(packet: { type: PacketType; packetId: number }): void {
    this.uint16(packet.packetId, packet.type, 'the packet identifier', 1); // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
  }

  properties(properties: Properties | undefined, owner: PropertyOwner, version: ProtocolVersion): void {
    if (version === 5) this.sizedProperties(properties, propertiesSize(properties, owner));
  }

  sizedProperties(properties: Properties | undefined, size: number): void {
    this.#reserve(4 + size);
    this.#at = writeProperties(this.#bytes, this.#at, properties, size);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  uint16(value: number, type: PacketType, field: string, minimum: number): void {
    if (!(Number.isInteger(value) && value >= minimum && value <= 0xffff)) {
      throw cannotSend(type, `${field} is ${value}, allowed is ${minimum} to 65535`);
    }
    this.#reserve(2);
    this.#at = writeUint16(this.#bytes, this.#at, value);
  }

  text(text: string, field: string): void {
    this.#reserve(2 + encodedLength(text, field));
    this.#at = writeText(this.#bytes, this.#at, text);
  }

  binary(bytes: Uint8Array, type: PacketType, field: string): void {
    if (bytes.length > MAX_STRING_BYTES) throw cannotSend(type, `${field} has more than ${MAX_STRING_BYTES} bytes`);
    this.#reserve(2 + bytes.length);
    this.#at = writeBinary(this.#bytes, this.#at, bytes);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    copyBytes(this.#bytes, 0, this.#at, larger, 0);
    this.#bytes = larger;
  }
}

export function checkedQoS(type: PacketType, qos: QoS): QoS {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw cannotSend(type, `the QoS is ${qos}, allowed is 0 to 2`);
  return qos;
}

export function wrongReason(type: PacketType, code: number, version: ProtocolVersion): ProtocolError {
  return cannotSend(
    type,
    `0x${code.toString(16).padStart(2, '0')} is not one of its reason codes in version ${version}`,
  );
}

export function cannotSend(type: PacketType, message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `${packetName(type)} cannot be encoded: ${message}`);
}
