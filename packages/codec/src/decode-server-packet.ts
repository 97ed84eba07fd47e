import { PacketType, type ProtocolVersion, packetName } from './constants.js';
import { openPacket, readPacketId, withProperties } from './packet-parts.js';
import { assertAuthenticationMethod } from './packet-rules.js';
import type {
  Auth,
  Connack,
  Disconnect,
  Pingresp,
  Properties,
  Puback,
  Pubcomp,
  Pubrec,
  Pubrel,
  Suback,
  Unsuback,
} from './packets.js';
import { decodeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import type { Reader } from './reader.js';
import { type ConnectReturnCode, isReasonCodeOf, ReasonCode } from './reason-codes.js';

/** What a server sends, but for PUBLISH: of that there is so much that whoever reads it has a way of its own. */
export type ServerPacket =
  | Auth
  | Connack
  | Disconnect
  | Pingresp
  | Puback
  | Pubcomp
  | Pubrec
  | Pubrel
  | Suback
  | Unsuback;

/**
 * As `decodePacket`, for clients: it has no code for PUBLISH, and for the packets that clients alone send.
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
  if (type === 0) throw reserved('0');
  if (type === PacketType.AUTH && version !== 5) throw reserved('15', ' before MQTT 5.0');
  switch (type) {
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAcknowledgement(bytes, start, body, end, version);
  }
  const reader = openPacket(bytes, start, body, end, version, type);
  switch (type) {
    case PacketType.CONNACK:
      return readConnack(reader, version);
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      return readAnswer(reader, type, version);
    case PacketType.DISCONNECT:
    case PacketType.AUTH:
      return readReason(reader, type, version);
    case PacketType.PINGRESP:
      reader.expectEnd();
      return { type };
    default:
      throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `A server sends no ${packetName(type)}`);
  }
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

function readConnack(reader: Reader, version: ProtocolVersion): Connack {
  const type = PacketType.CONNACK;
  const flags = reader.byte('the acknowledge flags');
  // 3.1 has no such flags: it reserves the byte, and says nothing of its value.
  if (version !== 3 && flags > 1) throw reader.malformed('a reserved acknowledge flag is set'); // [MQTT-3.2.2-1]
  const sessionPresent = version !== 3 && flags === 1;
  const reasonCode = version === 5 ? readReasonCode(reader, type) : readConnectReturnCode(reader);
  const properties = version === 5 ? decodeProperties(reader, type) : undefined;
  reader.expectEnd();
  // [MQTT-3.2.2-6]
  if (sessionPresent && reasonCode !== ReasonCode.SUCCESS) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'CONNACK: Session Present is set in a refusal');
  }
  return withProperties({ type, sessionPresent, reasonCode }, properties);
}

function readAnswer(reader: Reader, type: Suback['type'] | Unsuback['type'], version: ProtocolVersion): ServerPacket {
  const packetId = readPacketId(reader);
  const properties = version === 5 ? decodeProperties(reader, type) : undefined;
  const reasonCodes: ReasonCode[] = [];
  if (type === PacketType.UNSUBACK && version !== 5) {
    reader.expectEnd();
  } else {
    do reasonCodes.push(readReasonCode(reader, type));
    while (reader.at < reader.end);
  }
  // [MQTT-3.9.3-2] of 3.1.1: the three grants, and one failure
  if (version !== 5 && reasonCodes.some((code) => code > ReasonCode.UNSPECIFIED_ERROR)) {
    throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'SUBACK: a return code is reserved');
  }
  return withProperties<Suback | Unsuback>({ type, packetId, reasonCodes }, properties);
}

function readReason(reader: Reader, type: Disconnect['type'] | Auth['type'], version: ProtocolVersion): ServerPacket {
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  let properties: Properties | undefined;
  if (version === 5 && reader.at < reader.end) {
    reasonCode = readReasonCode(reader, type);
    // Only a DISCONNECT may leave out that it has none.
    if (type === PacketType.AUTH || reader.at < reader.end) properties = decodeProperties(reader, type);
  }
  reader.expectEnd();
  if (type === PacketType.AUTH) assertAuthenticationMethod(reasonCode, properties);
  return withProperties<Disconnect | Auth>({ type, reasonCode }, properties);
}

function readReasonCode(reader: Reader, type: PacketType): ReasonCode {
  const code = reader.byte('the reason code');
  if (isReasonCodeOf(type, code)) return code;
  throw new ProtocolError(
    ReasonCode.PROTOCOL_ERROR,
    `${reader.packet}: the reason code 0x${code.toString(16).padStart(2, '0')} is not one of this packet`,
  );
}

function readConnectReturnCode(reader: Reader): ConnectReturnCode {
  const code = reader.byte('the return code');
  if (code <= 5) return code as ConnectReturnCode;
  throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `CONNACK: the return code ${code} is reserved`);
}

function reserved(type: string, until = ''): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `The packet type is ${type}, which is reserved${until}`);
}
