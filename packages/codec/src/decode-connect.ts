import { PacketType, type ProtocolVersion, type QoS } from './constants.js';
import type { Connect, Will } from './packets.js';
import { decodeProperties, WILL } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { Reader } from './reader.js';
import { ReasonCode } from './reason-codes.js';
import { assertTopicName } from './topic.js';

/** The bits of the connect flags. */
const Flag = { RESERVED: 0x01, CLEAN: 0x02, WILL: 0x04, WILL_RETAIN: 0x20, PASSWORD: 0x40, USERNAME: 0x80 } as const;
const WILL_QOS_SHIFT = 3;

/** The top bit of the version byte: the client is a bridge. */
const BRIDGE = 0x80;

/**
 * As `decodePacket`, for a frame whose type is CONNECT. Needs no version, because the packet names its own. Whether the
 * client identifier may be empty or is too long for 3.1 is left to the server.
 * @throws ProtocolError also UNSUPPORTED_PROTOCOL_VERSION, for a name or version that is none of MQTT 3.1, 3.1.1 and 5.0
 */
export function decodeConnect(bytes: Uint8Array, start: number, body: number, end: number): Connect {
  const reader = new Reader(bytes, body, end, 'CONNECT');
  const name = reader.text('the protocol name');
  const level = reader.byte('the protocol version');
  const protocolVersion = versionOf(name, level);
  if (protocolVersion !== 3 && (bytes[start] & 0x0f) !== 0) {
    throw reader.malformed('the flags of the fixed header are wrong'); // [MQTT-2.1.3-1]
  }
  // The framer does not know the version before this packet. A length ends in a zero byte only if that is one too many.
  if (protocolVersion === 5 && body > start + 2 && bytes[body - 1] === 0) {
    throw reader.malformed('the remaining length is not in its shortest form'); // [MQTT-1.5.5-1]
  }
  const flags = reader.byte('the connect flags');
  checkFlags(reader, flags, protocolVersion);
  const keepAlive = reader.uint16('the keep alive');
  const properties = protocolVersion === 5 ? decodeProperties(reader, PacketType.CONNECT) : undefined;
  const packet: Connect = {
    type: PacketType.CONNECT,
    protocolVersion,
    clean: (flags & Flag.CLEAN) !== 0,
    keepAlive,
    clientId: reader.text('the client identifier'), // [MQTT-3.1.3-3]
  };
  if ((level & BRIDGE) !== 0) packet.bridge = true;
  if (properties !== undefined) packet.properties = properties;
  if ((flags & Flag.WILL) !== 0) packet.will = decodeWill(reader, flags, protocolVersion); // [MQTT-3.1.2-9]
  // 3.1 lets the flags of user name and password be set although the packet ends before them.
  const mayBeMissing = protocolVersion === 3;
  if ((flags & Flag.USERNAME) !== 0 && !(mayBeMissing && reader.at === end)) {
    packet.username = reader.text('the user name'); // [MQTT-3.1.2-17] [MQTT-3.1.3-12]
  }
  if ((flags & Flag.PASSWORD) !== 0 && !(mayBeMissing && reader.at === end)) {
    packet.password = reader.binary('the password'); // [MQTT-3.1.2-19]
  }
  reader.expectEnd(); // [MQTT-3.1.2-16] [MQTT-3.1.2-18]
  return packet;
}

function versionOf(name: string, level: number): ProtocolVersion {
  // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
  if (name === 'MQTT') {
    if (level === 5) return 5;
    if (level === 4 || level === (BRIDGE | 4)) return 4;
  } else if (name === 'MQIsdp') {
    if (level === 3 || level === (BRIDGE | 3)) return 3;
  } else {
    throw new ProtocolError(
      ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
      `CONNECT: the protocol is ${JSON.stringify(name.slice(0, 20))}, not MQTT`,
    );
  }
  throw new ProtocolError(
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    `CONNECT: version ${level} of ${name} is not known; MQTT 4 and 5 and MQIsdp 3 are`,
  );
}

function checkFlags(reader: Reader, flags: number, version: ProtocolVersion): void {
  // 3.1 leaves the lowest bit, and the will's bits where there is no will, unused; it does not say that they are 0.
  const strict = version !== 3;
  if (strict && (flags & Flag.RESERVED) !== 0) throw reader.malformed('the reserved connect flag is set'); // [MQTT-3.1.2-3]
  const willQos = (flags >> WILL_QOS_SHIFT) & 3;
  if ((flags & Flag.WILL) !== 0) {
    if (willQos === 3) throw reader.malformed('the QoS of the will is 3'); // [MQTT-3.1.2-12]
  } else if (strict && willQos !== 0) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNECT: a will QoS without a will'); // [MQTT-3.1.2-11]
  } else if (strict && (flags & Flag.WILL_RETAIN) !== 0) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNECT: Will Retain without a will'); // [MQTT-3.1.2-13]
  }
  // [MQTT-3.1.2-22] of 3.1.1; 5.0 allows it
  if (version !== 5 && (flags & Flag.PASSWORD) !== 0 && (flags & Flag.USERNAME) === 0) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNECT: a password without a user name, before MQTT 5.0');
  }
}

function decodeWill(reader: Reader, flags: number, version: ProtocolVersion): Will {
  const properties = version === 5 ? decodeProperties(reader, WILL) : undefined;
  const topic = reader.text('the will topic'); // [MQTT-3.1.3-11]
  assertTopicName(topic);
  const will: Will = {
    topic,
    payload: reader.binary('the will payload'),
    qos: ((flags >> WILL_QOS_SHIFT) & 3) as QoS,
    retain: (flags & Flag.WILL_RETAIN) !== 0,
  };
  if (properties !== undefined) will.properties = properties;
  return will;
}
