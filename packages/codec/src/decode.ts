import { PacketType, type ProtocolVersion, type QoS } from './constants.js';
import { decodeConnect } from './decode-connect.js';
import { decodePublish } from './decode-publish.js';
import { decodeServerPacket } from './decode-server-packet.js';
import { MAX_FILTERS_PER_PACKET } from './limits.js';
import { openPacket, readPacketId, withProperties } from './packet-parts.js';
import type { Packet, RetainHandling, Subscribe, SubscribeRequest, Unsubscribe } from './packets.js';
import { decodeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import type { Reader } from './reader.js';
import { ReasonCode } from './reason-codes.js';
import { assertTopicFilter, parseSharedFilter } from './topic.js';

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
  const type = bytes[start] >> 4;
  switch (type) {
    case PacketType.CONNECT:
      return decodeConnect(bytes, start, body, end);
    case PacketType.PUBLISH:
      return decodePublish(bytes, start, body, end, version);
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(bytes, start, body, end, version);
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(bytes, start, body, end, version);
    case PacketType.PINGREQ:
      openPacket(bytes, start, body, end, version, type).expectEnd();
      return { type };
    default:
      return decodeServerPacket(bytes, start, body, end, version);
  }
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
