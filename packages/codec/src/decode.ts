import { PacketType, type ProtocolVersion, packetName, type QoS } from './constants.js';
import { decodeConnect } from './decode-connect.js';
import { MAX_FILTERS_PER_PACKET } from './limits.js';
import { assertAuthenticationMethod, fixedHeaderFlags } from './packet-rules.js';
import type {
  Auth,
  Connack,
  Disconnect,
  Packet,
  Properties,
  Puback,
  Pubcomp,
  Publish,
  Pubrec,
  Pubrel,
  RetainHandling,
  Suback,
  Subscribe,
  SubscribeRequest,
  Unsuback,
  Unsubscribe,
} from './packets.js';
import { decodeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { Reader, viewOf } from './reader.js';
import { type ConnectReturnCode, isReasonCodeOf, ReasonCode } from './reason-codes.js';
import { assertTopicFilter, assertTopicName, parseSharedFilter } from './topic.js';
import { decodeUtf8 } from './utf8.js';

/**
 * The packet in a frame. Its payload and its binary properties are views into `bytes`, valid only as long as these are:
 * what outlives them must be copied.
 * @param bytes with `start`, `body` and `end`, as `Framer` gives them
 * @param version what CONNECT agreed on; CONNECT itself is read by the version that it names
 * @throws ProtocolError with the reason code that the standard gives for what is wrong
 */
export function decodePacket(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Packet {
  const header = bytes[start];
  const type = header >> 4;
  switch (type) {
    case PacketType.PUBLISH:
      return decodePublish(bytes, start, body, end, version);
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAcknowledgement(bytes, start, body, end, version);
    case PacketType.CONNECT:
      return decodeConnect(bytes, start, body, end);
    case PacketType.CONNACK:
      return decodeConnack(bytes, start, body, end, version);
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(bytes, start, body, end, version);
    case PacketType.SUBACK:
      return decodeSuback(bytes, start, body, end, version);
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(bytes, start, body, end, version);
    case PacketType.UNSUBACK:
      return decodeUnsuback(bytes, start, body, end, version);
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      openPacket(bytes, start, body, end, version, type).expectEnd();
      return { type };
    case PacketType.DISCONNECT:
      return decodeDisconnect(bytes, start, body, end, version);
    case PacketType.AUTH:
      return decodeAuth(bytes, start, body, end, version);
    default:
      throw new ProtocolError(ReasonCode.MALFORMED_PACKET, 'The packet type is 0, which is reserved');
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

function decodeSubscribe(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Subscribe {
  const reader = openPacket(bytes, start, body, end, version, PacketType.SUBSCRIBE);
  const packetId = readPacketId(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.SUBSCRIBE) : undefined;
  const subscriptions: SubscribeRequest[] = [];
  do {
    // [MQTT-3.8.3-2]: the first turn fails when there is nothing to read
    checkFilterCount(reader, subscriptions.length);
    subscriptions.push(decodeSubscribeRequest(reader, version));
  } while (reader.at < end);
  return withProperties({ type: PacketType.SUBSCRIBE, packetId, subscriptions }, properties);
}

function decodeSubscribeRequest(reader: Reader, version: ProtocolVersion): SubscribeRequest {
  const filter = readFilter(reader, version);
  const options = reader.byte('the subscription options');
  const qos = options & 3;
  if (version !== 5) {
    if (options > 2) throw reader.malformed(`the requested QoS is ${options}`); // [MQTT-3.8.3-4] of 3.1.1
    return { filter, qos: qos as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 };
  }
  if ((options & 0xc0) !== 0) throw reader.malformed('a reserved subscription option is set'); // [MQTT-3.8.3-5]
  const noLocal = (options & 4) !== 0;
  const retainHandling = (options >> 4) & 3;
  if (qos === 3) throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'SUBSCRIBE: the requested QoS is 3');
  if (retainHandling === 3) throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'SUBSCRIBE: Retain Handling is 3');
  // [MQTT-3.8.3-4]
  if (noLocal && filter.startsWith('$share/')) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'SUBSCRIBE: No Local is set for a shared subscription');
  }
  return {
    filter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as RetainHandling,
  };
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

function decodeUnsubscribe(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Unsubscribe {
  const reader = openPacket(bytes, start, body, end, version, PacketType.UNSUBSCRIBE);
  const packetId = readPacketId(reader);
  const properties = version === 5 ? decodeProperties(reader, PacketType.UNSUBSCRIBE) : undefined;
  const filters: string[] = [];
  do {
    // [MQTT-3.10.3-2]: as in SUBSCRIBE
    checkFilterCount(reader, filters.length);
    filters.push(readFilter(reader, version));
  } while (reader.at < end);
  return withProperties({ type: PacketType.UNSUBSCRIBE, packetId, filters }, properties);
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

/** Checks the fixed header of a packet that is not a PUBLISH, and returns a reader for the rest. */
function openPacket(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
  type: PacketType,
): Reader {
  const reader = new Reader(bytes, body, end, packetName(type));
  // 3.1 gives some of these bits a meaning (DUP for what is sent again) and demands nothing of the others.
  if (version !== 3 && (bytes[start] & 0x0f) !== fixedHeaderFlags(type)) {
    throw reader.malformed('the flags of the fixed header are wrong'); // [MQTT-2.1.3-1]
  }
  return reader;
}

function readPacketId(reader: Reader): number {
  const packetId = reader.uint16('the packet identifier');
  if (packetId === 0) throw zeroPacketId(reader.packet);
  return packetId;
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

function checkFilterCount(reader: Reader, count: number): void {
  if (reader.at === reader.end) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${reader.packet}: there is no topic filter`);
  }
  if (count === MAX_FILTERS_PER_PACKET) {
    throw new ProtocolError(
      ReasonCode.QUOTA_EXCEEDED,
      `${reader.packet}: more than ${MAX_FILTERS_PER_PACKET} topic filters in one packet`,
    );
  }
}

function readFilter(reader: Reader, version: ProtocolVersion): string {
  const filter = reader.text('a topic filter');
  assertTopicFilter(filter);
  // Before 5.0 a filter that begins with $share/ is like any other.
  if (version === 5) parseSharedFilter(filter);
  return filter;
}

function withProperties<T extends Packet & { properties?: Properties }>(
  packet: T,
  properties: Properties | undefined,
): T {
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function zeroPacketId(packet: string): ProtocolError {
  // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
  return new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${packet}: the packet identifier is 0`);
}

function malformedPublish(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `PUBLISH: ${message}`);
}
