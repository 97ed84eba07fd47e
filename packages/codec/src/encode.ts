import { copyBytes } from './byte-copy.js';
import { PacketType, type ProtocolVersion, packetName, type QoS } from './constants.js';
import { writeBinary, writeText, writeUint16 } from './fields.js';
import { assertAuthenticationMethod, fixedHeaderFlags } from './packet-rules.js';
import type {
  Auth,
  Connack,
  Connect,
  Disconnect,
  Packet,
  Properties,
  Puback,
  Pubcomp,
  Publish,
  Pubrec,
  Pubrel,
  Suback,
  Subscribe,
  SubscribeRequest,
  Unsuback,
  Unsubscribe,
} from './packets.js';
import { type PropertyOwner, propertiesSize, WILL, writeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { PublishLayout } from './publish-layout.js';
import { isReasonCodeOf, ReasonCode } from './reason-codes.js';
import { assertTopicFilter, assertTopicName, parseSharedFilter } from './topic.js';
import { encodedLength, MAX_STRING_BYTES } from './utf8.js';
import { MAX_VARINT, varintSize, writeVarint } from './varint.js';

/** A whole PINGREQ. Shared: not to be changed. */
export const PINGREQ_BYTES: Uint8Array = Uint8Array.of(PacketType.PINGREQ << 4, 0);

/** A whole PINGRESP. Shared: not to be changed. */
export const PINGRESP_BYTES: Uint8Array = Uint8Array.of(PacketType.PINGRESP << 4, 0);

/** Room for the longest fixed header; the body is written behind it first, because its length is known only then. */
const HEADER_ROOM = 5;
const INITIAL_SIZE = 256;
/** A writer does not keep a larger buffer than this for its next packet. */
const LARGEST_KEPT = 65_536;

type Acknowledgement = Puback | Pubrec | Pubrel | Pubcomp;

/**
 * Encodes packets one after the other in a buffer that it uses again.
 *
 * Writes only what `decodePacket` accepts. 3.1 and 3.1.1 leave out what they have no place for: properties, the reason
 * codes of acknowledgements, all subscription options but the QoS; and every failure in their SUBACK is 0x80.
 */
export class PacketWriter {
  #bytes = new Uint8Array(INITIAL_SIZE);
  #at = HEADER_ROOM;

  /**
   * The bytes of `packet`: a view, valid until the next call of `write`.
   * @throws ProtocolError that says which field cannot be encoded, and why
   */
  write(packet: Packet, version: ProtocolVersion): Uint8Array {
    if (this.#bytes.length > LARGEST_KEPT) this.#bytes = new Uint8Array(INITIAL_SIZE);
    this.#at = HEADER_ROOM;
    if (packet.type === PacketType.PUBLISH) {
      const layout = layoutOf(packet, version);
      this.#reserve(layout.size);
      const end = layout.write(this.#bytes, HEADER_ROOM, packet.packetId, packet.dup);
      return this.#bytes.subarray(HEADER_ROOM, end);
    }
    this.#writeBody(packet, version);
    const remaining = this.#at - HEADER_ROOM;
    if (remaining > MAX_VARINT) throw cannotSend(packet.type, `${remaining} bytes are more than the format allows`);
    const start = HEADER_ROOM - 1 - varintSize(remaining);
    this.#bytes[start] = (packet.type << 4) | fixedHeaderFlags(packet.type); // [MQTT-2.1.3-1]
    writeVarint(this.#bytes, start + 1, remaining);
    return this.#bytes.subarray(start, this.#at);
  }

  #writeBody(packet: Exclude<Packet, Publish>, version: ProtocolVersion): void {
    switch (packet.type) {
      case PacketType.CONNECT:
        this.#connect(packet, version);
        break;
      case PacketType.CONNACK:
        this.#connack(packet, version);
        break;
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        this.#acknowledgement(packet, version);
        break;
      case PacketType.SUBSCRIBE:
        this.#subscribe(packet, version);
        break;
      case PacketType.SUBACK:
        this.#suback(packet, version);
        break;
      case PacketType.UNSUBSCRIBE:
        this.#unsubscribe(packet, version);
        break;
      case PacketType.UNSUBACK:
        this.#unsuback(packet, version);
        break;
      case PacketType.DISCONNECT:
        this.#disconnect(packet, version);
        break;
      case PacketType.AUTH:
        this.#auth(packet, version);
        break;
      case PacketType.PINGREQ:
      case PacketType.PINGRESP:
        break;
    }
  }

  #connect(packet: Connect, version: ProtocolVersion): void {
    const { type, protocolVersion, will, username, password } = packet;
    if (protocolVersion !== version) throw cannotSend(type, `version ${protocolVersion} on a connection of ${version}`);
    if (packet.bridge && version === 5) throw cannotSend(type, 'MQTT 5.0 has no mark for a bridge');
    if (password !== undefined && username === undefined && version !== 5) {
      throw cannotSend(type, 'a password needs a user name before MQTT 5.0'); // [MQTT-3.1.2-22] of 3.1.1
    }
    let flags = packet.clean ? 0x02 : 0;
    if (will !== undefined) flags |= 0x04 | (checkedQoS(type, will.qos) << 3) | (will.retain ? 0x20 : 0);
    if (password !== undefined) flags |= 0x40;
    if (username !== undefined) flags |= 0x80;
    this.#text(version === 3 ? 'MQIsdp' : 'MQTT', 'the protocol name'); // [MQTT-3.1.2-1]
    this.#byte(packet.bridge ? version | 0x80 : version);
    this.#byte(flags);
    this.#uint16(packet.keepAlive, type, 'the keep alive', 0);
    this.#properties(packet.properties, type, version);
    // [MQTT-3.1.3-1]
    this.#text(packet.clientId, 'the client identifier');
    if (will !== undefined) {
      this.#properties(will.properties, WILL, version);
      assertTopicName(will.topic);
      this.#text(will.topic, 'the will topic');
      this.#binary(will.payload, type, 'the will payload');
    }
    if (username !== undefined) this.#text(username, 'the user name');
    if (password !== undefined) this.#binary(password, type, 'the password');
  }

  #connack(packet: Connack, version: ProtocolVersion): void {
    const { type, reasonCode, sessionPresent } = packet;
    if (version === 5 ? !isReasonCodeOf(type, reasonCode) : reasonCode > 5)
      throw wrongReason(type, reasonCode, version);
    if (sessionPresent && reasonCode !== 0) throw cannotSend(type, 'Session Present is set in a refusal'); // [MQTT-3.2.2-6]
    this.#byte(sessionPresent && version !== 3 ? 1 : 0);
    this.#byte(reasonCode);
    this.#properties(packet.properties, type, version);
  }

  #acknowledgement(packet: Acknowledgement, version: ProtocolVersion): void {
    const { type, reasonCode, properties } = packet;
    this.#packetId(packet);
    if (version === 5) this.#reason(type, reasonCode, properties);
  }

  #disconnect(packet: Disconnect, version: ProtocolVersion): void {
    if (version === 5) this.#reason(packet.type, packet.reasonCode, packet.properties);
  }

  /** A reason code and properties at the end of a packet, which may be left out from there where they say nothing. */
  #reason(type: PacketType, reasonCode: ReasonCode, properties: Properties | undefined): void {
    if (!isReasonCodeOf(type, reasonCode)) throw wrongReason(type, reasonCode, 5);
    const size = propertiesSize(properties, type);
    if (reasonCode === ReasonCode.SUCCESS && size === 0) return;
    this.#byte(reasonCode);
    if (size > 0) this.#sizedProperties(properties, size);
  }

  #subscribe(packet: Subscribe, version: ProtocolVersion): void {
    const { type, subscriptions } = packet;
    this.#packetId(packet);
    this.#properties(packet.properties, type, version);
    if (subscriptions.length === 0) throw cannotSend(type, 'there is no topic filter'); // [MQTT-3.8.3-2]
    for (const request of subscriptions) {
      const isShared = this.#filter(request.filter, version);
      // [MQTT-3.8.3-4]
      if (isShared && request.noLocal) throw cannotSend(type, 'No Local is set for a shared subscription');
      this.#byte(version === 5 ? subscriptionOptions(request) : checkedQoS(type, request.qos));
    }
  }

  #suback(packet: Suback, version: ProtocolVersion): void {
    this.#packetId(packet);
    this.#properties(packet.properties, packet.type, version);
    this.#reasonCodes(packet, version);
  }

  #unsubscribe(packet: Unsubscribe, version: ProtocolVersion): void {
    this.#packetId(packet);
    this.#properties(packet.properties, packet.type, version);
    if (packet.filters.length === 0) throw cannotSend(packet.type, 'there is no topic filter'); // [MQTT-3.10.3-2]
    for (const filter of packet.filters) this.#filter(filter, version);
  }

  #unsuback(packet: Unsuback, version: ProtocolVersion): void {
    this.#packetId(packet);
    this.#properties(packet.properties, packet.type, version);
    if (version === 5) this.#reasonCodes(packet, version);
  }

  #auth(packet: Auth, version: ProtocolVersion): void {
    const { type, reasonCode, properties } = packet;
    if (version !== 5) throw cannotSend(type, 'it does not exist before MQTT 5.0');
    if (!isReasonCodeOf(type, reasonCode)) throw wrongReason(type, reasonCode, version);
    const size = propertiesSize(properties, type);
    assertAuthenticationMethod(reasonCode, size === 0 ? undefined : properties);
    if (size === 0) return;
    this.#byte(reasonCode);
    this.#sizedProperties(properties, size);
  }

  #packetId(packet: { type: PacketType; packetId: number }): void {
    this.#uint16(packet.packetId, packet.type, 'the packet identifier', 1); // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
  }

  /** Returns whether the filter is that of a shared subscription. */
  #filter(filter: string, version: ProtocolVersion): boolean {
    assertTopicFilter(filter);
    this.#text(filter, 'a topic filter');
    return version === 5 && parseSharedFilter(filter) !== null;
  }

  #reasonCodes(packet: Suback | Unsuback, version: ProtocolVersion): void {
    const { type, reasonCodes } = packet;
    if (reasonCodes.length === 0) throw cannotSend(type, 'there is no reason code');
    this.#reserve(reasonCodes.length);
    for (const code of reasonCodes) {
      if (!isReasonCodeOf(type, code)) throw wrongReason(type, code, version);
      this.#byte(version === 5 || code < ReasonCode.UNSPECIFIED_ERROR ? code : ReasonCode.UNSPECIFIED_ERROR);
    }
  }

  #properties(properties: Properties | undefined, owner: PropertyOwner, version: ProtocolVersion): void {
    if (version === 5) this.#sizedProperties(properties, propertiesSize(properties, owner));
  }

  #sizedProperties(properties: Properties | undefined, size: number): void {
    this.#reserve(4 + size);
    this.#at = writeProperties(this.#bytes, this.#at, properties, size);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #uint16(value: number, type: PacketType, field: string, minimum: number): void {
    if (!(Number.isInteger(value) && value >= minimum && value <= 0xffff)) {
      throw cannotSend(type, `${field} is ${value}, allowed is ${minimum} to 65535`);
    }
    this.#reserve(2);
    this.#at = writeUint16(this.#bytes, this.#at, value);
  }

  #text(text: string, field: string): void {
    this.#reserve(2 + encodedLength(text, field));
    this.#at = writeText(this.#bytes, this.#at, text);
  }

  #binary(bytes: Uint8Array, type: PacketType, field: string): void {
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

const sharedWriter = new PacketWriter();

/**
 * The bytes of `packet`, in an array of its own and of the exact size; otherwise as `PacketWriter.write`.
 * @throws ProtocolError that says which field cannot be encoded, and why
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  if (packet.type !== PacketType.PUBLISH) return sharedWriter.write(packet, version).slice();
  const layout = layoutOf(packet, version);
  const bytes = new Uint8Array(layout.size);
  layout.write(bytes, 0, packet.packetId, packet.dup);
  return bytes;
}

function layoutOf(packet: Publish, version: ProtocolVersion): PublishLayout {
  const { type, topic, qos, packetId, dup } = packet;
  checkedQoS(type, qos); // [MQTT-3.3.1-4]
  if (qos === 0) {
    if (dup) throw cannotSend(type, 'DUP is set at QoS 0'); // [MQTT-3.3.1-2]
  } else if (packetId === undefined || !(Number.isInteger(packetId) && packetId >= 1 && packetId <= 0xffff)) {
    throw cannotSend(type, `the packet identifier is ${packetId}, allowed is 1 to 65535`); // [MQTT-2.2.1-3]
  }
  const hasAlias = version === 5 && packet.properties?.topicAlias !== undefined;
  if (topic !== '' || !hasAlias) assertTopicName(topic); // [MQTT-3.3.2-2]
  return new PublishLayout(packet, qos, packet.retain, version);
}

function subscriptionOptions(request: SubscribeRequest): number {
  const { qos, noLocal, retainAsPublished, retainHandling } = request;
  if (retainHandling !== 0 && retainHandling !== 1 && retainHandling !== 2) {
    throw cannotSend(PacketType.SUBSCRIBE, `the retain handling is ${retainHandling}, allowed is 0 to 2`);
  }
  return (
    checkedQoS(PacketType.SUBSCRIBE, qos) | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)
  );
}

function checkedQoS(type: PacketType, qos: QoS): QoS {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw cannotSend(type, `the QoS is ${qos}, allowed is 0 to 2`);
  return qos;
}

function wrongReason(type: PacketType, code: number, version: ProtocolVersion): ProtocolError {
  return cannotSend(
    type,
    `0x${code.toString(16).padStart(2, '0')} is not one of its reason codes in version ${version}`,
  );
}

function cannotSend(type: PacketType, message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `${packetName(type)} cannot be encoded: ${message}`);
}
