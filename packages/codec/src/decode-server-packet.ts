import { PacketType, type ProtocolVersion, packetName, type QoS } from './constants.js';
import { openPacket, readPacketId, withProperties, zeroPacketId } from './packet-parts.js';
import { assertAuthenticationMethod } from './packet-rules.js';
import type {
  Auth,
  Connack,
  Disconnect,
  Pingresp,
  Properties,
  Puback,
  Pubcomp,
  Publish,
  Pubrec,
  Pubrel,
  Suback,
  Unsuback,
} from './packets.js';
import { decodeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { Reader, viewOf } from './reader.js';
import { type ConnectReturnCode, isReasonCodeOf, ReasonCode } from './reason-codes.js';
import { assertTopicName } from './topic.js';
import { decodeUtf8 } from './utf8.js';

/** What a server sends. */
export type ServerPacket =
  | Auth
  | Connack
  | Disconnect
  | Pingresp
  | Puback
  | Pubcomp
  | Publish
  | Pubrec
  | Pubrel
  | Suback
  | Unsuback;

/**
 * As `decodePacket`, for clients: it has no code for the packets that clients alone send.
 * @throws ProtocolError with the reason code that the standard gives for what is wrong; PROTOCOL_ERROR for such a packet
 */
export function decodeServerPacket(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): ServerPacket {
  const type = (bytes[start] >> 4) as PacketType | 0;
  switch (type) {
    case PacketType.PUBLISH:
      return decodePublish(bytes, start, body, end, version);
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAcknowledgement(bytes, start, body, end, version);
    case PacketType.CONNACK:
      return decodeConnack(bytes, start, body, end, version);
    case PacketType.SUBACK:
      return decodeSuback(bytes, start, body, end, version);
    case PacketType.UNSUBACK:
      return decodeUnsuback(bytes, start, body, end, version);
    case PacketType.PINGRESP:
      openPacket(bytes, start, body, end, version, type).expectEnd();
      return { type };
    case PacketType.DISCONNECT:
      return decodeDisconnect(bytes, start, body, end, version);
    case PacketType.AUTH:
      return decodeAuth(bytes, start, body, end, version);
    case 0:
      throw new ProtocolError(ReasonCode.MALFORMED_PACKET, 'The packet type is 0, which is reserved');
    default:
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `A server sends no ${packetName(type)}`);
  }
}

/** As `decodePacket`, for a frame whose type is PUBLISH. An empty topic means that the topic alias stands for it. */
export function decodePublish(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Publish {
  const header = bytes[start];
  const qos = (header >> 1) & 3;
  const dup = (header & 8) !== 0;
  if (qos === 3) throw malformedPublish('the QoS is 3'); // [MQTT-3.3.1-4]
  if (dup && qos === 0) throw malformedPublish('DUP is set at QoS 0'); // [MQTT-3.3.1-2]
  const topicAt = body + 2;
  const topicEnd = topicAt + ((bytes[body] << 8) | bytes[body + 1]);
  let at = qos === 0 ? topicEnd : topicEnd + 2;
  // Also catches a topic length that is cut itself: what `topicEnd` then is does not matter.
  if (topicAt > end || at > end)
    throw malformedPublish('ends before the end of the topic name or the packet identifier');
  const topic = decodeUtf8(bytes, topicAt, topicEnd, 'PUBLISH: the topic name'); // [MQTT-3.3.2-1]
  let properties: Properties | undefined;
  if (version === 5) {
    if (at < end && bytes[at] === 0) {
      at++;
    } else {
      const reader = new Reader(bytes, at, end, 'PUBLISH');
      properties = decodeProperties(reader, PacketType.PUBLISH);
      at = reader.at;
    }
  }
  if (topic !== '' || version !== 5) {
    assertTopicName(topic); // [MQTT-3.3.2-2]
  } else if (properties?.topicAlias === undefined) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'PUBLISH: the topic name is empty and there is no topic alias');
  }
  const packet: Publish = {
    type: PacketType.PUBLISH,
    topic,
    payload: viewOf(bytes, at, end),
    qos: qos as QoS,
    retain: (header & 1) === 1,
    dup,
  };
  if (qos !== 0) {
    packet.packetId = (bytes[topicEnd] << 8) | bytes[topicEnd + 1];
    if (packet.packetId === 0) throw zeroPacketId('PUBLISH');
  }
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

/** As `decodePacket`, for a frame whose type is PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function decodeAcknowledgement(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Puback | Pubrec | Pubrel | Pubcomp {
  const type = (bytes[start] >> 4) as Puback['type'] | Pubrec['type'] | Pubrel['type'] | Pubcomp['type'];
  const reader = openPacket(bytes, start, body, end, version, type);
  const packetId = readPacketId(reader);
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  let properties: Properties | undefined;
  // In 5.0 the reason code and the property length may be left out, from the end.
  if (version === 5 && reader.at < end) {
    reasonCode = readReasonCode(reader, type);
    if (reader.at < end) properties = decodeProperties(reader, type);
  }
  reader.expectEnd();
  return properties === undefined ? { type, packetId, reasonCode } : { type, packetId, reasonCode, properties };
}

function decodeConnack(bytes: Uint8Array, start: number, body: number, end: number, version: ProtocolVersion): Connack {
  const reader = openPacket(bytes, start, body, end, version, PacketType.CONNACK);
  const flags = reader.byte('the acknowledge flags');
  // 3.1 has no such flags: it reserves the byte, and says nothing of its value.
  if (version !== 3 && flags > 1) throw reader.malformed('a reserved acknowledge flag is set'); // [MQTT-3.2.2-1]
  const sessionPresent = version !== 3 && flags === 1;
  const reasonCode = version === 5 ? readReasonCode(reader, PacketType.CONNACK) : readConnectReturnCode(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.CONNACK) : undefined;
  reader.expectEnd();
  // [MQTT-3.2.2-6]
  if (sessionPresent && reasonCode !== ReasonCode.SUCCESS) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNACK: Session Present is set in a refusal');
  }
  return withProperties({ type: PacketType.CONNACK, sessionPresent, reasonCode }, properties);
}

function decodeSuback(bytes: Uint8Array, start: number, body: number, end: number, version: ProtocolVersion): Suback {
  const reader = openPacket(bytes, start, body, end, version, PacketType.SUBACK);
  const packetId = readPacketId(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.SUBACK) : undefined;
  const reasonCodes = readReasonCodes(reader, PacketType.SUBACK);
  // [MQTT-3.9.3-2] of 3.1.1: the three grants, and one failure
  if (version !== 5 && reasonCodes.some((code) => code > ReasonCode.UNSPECIFIED_ERROR)) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'SUBACK: a return code is reserved');
  }
  return withProperties({ type: PacketType.SUBACK, packetId, reasonCodes }, properties);
}

function decodeUnsuback(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Unsuback {
  const reader = openPacket(bytes, start, body, end, version, PacketType.UNSUBACK);
  const packetId = readPacketId(reader);
  if (version !== 5) {
    reader.expectEnd();
    return { type: PacketType.UNSUBACK, packetId, reasonCodes: [] };
  }
  const properties = decodeProperties(reader, PacketType.UNSUBACK);
  const reasonCodes = readReasonCodes(reader, PacketType.UNSUBACK);
  return withProperties({ type: PacketType.UNSUBACK, packetId, reasonCodes }, properties);
}

function decodeDisconnect(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Disconnect {
  const reader = openPacket(bytes, start, body, end, version, PacketType.DISCONNECT);
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  let properties: Properties | undefined;
  if (version === 5 && body < end) {
    reasonCode = readReasonCode(reader, PacketType.DISCONNECT);
    if (reader.at < end) properties = decodeProperties(reader, PacketType.DISCONNECT);
  }
  reader.expectEnd();
  return withProperties({ type: PacketType.DISCONNECT, reasonCode }, properties);
}

function decodeAuth(bytes: Uint8Array, start: number, body: number, end: number, version: ProtocolVersion): Auth {
  if (version !== 5) {
    throw new ProtocolError(ReasonCode.MALFORMED_PACKET, 'The packet type is 15, which is reserved before MQTT 5.0');
  }
  const reader = openPacket(bytes, start, body, end, version, PacketType.AUTH);
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  let properties: Properties | undefined;
  if (body < end) {
    reasonCode = readReasonCode(reader, PacketType.AUTH);
    properties = decodeProperties(reader, PacketType.AUTH);
  }
  reader.expectEnd();
  assertAuthenticationMethod(reasonCode, properties);
  return withProperties({ type: PacketType.AUTH, reasonCode }, properties);
}

function readReasonCode(reader: Reader, type: PacketType): ReasonCode {
  const code = reader.byte('the reason code');
  if (isReasonCodeOf(type, code)) return code;
  throw new ProtocolError(
    ReasonCode.PROTOCOL_ERROR,
    `${reader.packet}: the reason code 0x${code.toString(16).padStart(2, '0')} is not one of this packet`,
  );
}

/** The reason codes that fill the rest of a SUBACK or UNSUBACK: at least one. */
function readReasonCodes(reader: Reader, type: PacketType): ReasonCode[] {
  const codes: ReasonCode[] = [];
  do codes.push(readReasonCode(reader, type));
  while (reader.at < reader.end);
  return codes;
}

function readConnectReturnCode(reader: Reader): ConnectReturnCode {
  const code = reader.byte('the return code');
  if (code <= 5) return code as ConnectReturnCode;
  throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `CONNACK: the return code ${code} is reserved`);
}

function malformedPublish(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `PUBLISH: ${message}`);
}
