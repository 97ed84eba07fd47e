import { PacketType, type ProtocolVersion } from './constants.js';
import { cannotSend, checkedQoS, PacketBody, wrongReason } from './packet-body.js';
import { assertAuthenticationMethod } from './packet-rules.js';
import type {
  Auth,
  Connect,
  Disconnect,
  Pingreq,
  Puback,
  Pubcomp,
  Pubrec,
  Pubrel,
  Subscribe,
  SubscribeRequest,
  Unsubscribe,
} from './packets.js';
import { propertiesSize, WILL } from './properties.js';
import { isReasonCodeOf, ReasonCode } from './reason-codes.js';
import { assertTopicFilter, assertTopicName, parseSharedFilter } from './topic.js';

/** What a client sends, but for PUBLISH: of that there is so much that whoever sends it has a way of its own. */
export type ClientPacket =
  | Auth
  | Connect
  | Disconnect
  | Pingreq
  | Puback
  | Pubcomp
  | Pubrec
  | Pubrel
  | Subscribe
  | Unsubscribe;

const body = new PacketBody();

/**
 * The bytes of `packet`: as `encodePacket`, for clients, without code for the packets that servers alone send.
 * @returns a view, valid until the next call
 * @throws ProtocolError that says which field cannot be encoded, and why
 */
export function encodeClientPacket(packet: ClientPacket, version: ProtocolVersion): Uint8Array {
  const { type } = packet;
  body.begin();
  switch (type) {
    case PacketType.CONNECT:
      writeConnect(packet, version);
      break;
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      body.packetId(packet);
      writeReason(packet, version);
      break;
    case PacketType.SUBSCRIBE:
      writeSubscribe(packet, version);
      break;
    case PacketType.UNSUBSCRIBE:
      writeUnsubscribe(packet, version);
      break;
    case PacketType.DISCONNECT:
      writeReason(packet, version);
      break;
    case PacketType.AUTH:
      writeAuth(packet, version);
      break;
    case PacketType.PINGREQ:
      break;
  }
  return body.finish(type);
}

function writeConnect(packet: Connect, version: ProtocolVersion): void {
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
  body.text(version === 3 ? 'MQIsdp' : 'MQTT', 'the protocol name'); // [MQTT-3.1.2-1]
  body.byte(packet.bridge ? version | 0x80 : version);
  body.byte(flags);
  body.uint16(packet.keepAlive, type, 'the keep alive', 0);
  body.properties(packet.properties, type, version);
  // [MQTT-3.1.3-1]
  body.text(packet.clientId, 'the client identifier');
  if (will !== undefined) {
    body.properties(will.properties, WILL, version);
    assertTopicName(will.topic);
    body.text(will.topic, 'the will topic');
    body.binary(will.payload, type, 'the will payload');
  }
  if (username !== undefined) body.text(username, 'the user name');
  if (password !== undefined) body.binary(password, type, 'the password');
}

/** A reason code and properties at the end of a packet, which may be left out from there where they say nothing. */
function writeReason(
  { type, reasonCode, properties }: Puback | Pubcomp | Pubrec | Pubrel | Disconnect,
  version: ProtocolVersion,
): void {
  if (version !== 5) return;
  if (!isReasonCodeOf(type, reasonCode)) throw wrongReason(type, reasonCode, 5);
  const size = propertiesSize(properties, type);
  if (reasonCode === ReasonCode.SUCCESS && size === 0) return;
  body.byte(reasonCode);
  if (size > 0) body.sizedProperties(properties, size);
}

function writeSubscribe(packet: Subscribe, version: ProtocolVersion): void {
  const { type, subscriptions } = packet;
  body.packetId(packet);
  body.properties(packet.properties, type, version);
  if (subscriptions.length === 0) throw cannotSend(type, 'there is no topic filter'); // [MQTT-3.8.3-2]
  for (const request of subscriptions) {
    const isShared = writeFilter(request.filter, version);
    // [MQTT-3.8.3-4]
    if (isShared && request.noLocal) throw cannotSend(type, 'No Local is set for a shared subscription');
    body.byte(version === 5 ? subscriptionOptions(request) : checkedQoS(type, request.qos));
  }
}

function writeUnsubscribe(packet: Unsubscribe, version: ProtocolVersion): void {
  body.packetId(packet);
  body.properties(packet.properties, packet.type, version);
  if (packet.filters.length === 0) throw cannotSend(packet.type, 'there is no topic filter'); // [MQTT-3.10.3-2]
  for (const filter of packet.filters) writeFilter(filter, version);
}

function writeAuth(packet: Auth, version: ProtocolVersion): void {
  const { type, reasonCode, properties } = packet;
  if (version !== 5) throw cannotSend(type, 'it does not exist before MQTT 5.0');
  if (!isReasonCodeOf(type, reasonCode)) throw wrongReason(type, reasonCode, version);
  const size = propertiesSize(properties, type);
  assertAuthenticationMethod(reasonCode, size === 0 ? undefined : properties);
  if (size === 0) return;
  body.byte(reasonCode);
  body.sizedProperties(properties, size);
}

/** Returns whether the filter is that of a shared subscription. */
function writeFilter(filter: string, version: ProtocolVersion): boolean {
  assertTopicFilter(filter);
  body.text(filter, 'a topic filter');
  return version === 5 && parseSharedFilter(filter) !== null;
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
