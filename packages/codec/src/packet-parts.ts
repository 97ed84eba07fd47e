import { type PacketType, type ProtocolVersion, packetName } from './constants.js';
import { fixedHeaderFlags } from './packet-rules.js';
import type { Packet, Properties } from './packets.js';
import { ProtocolError } from './protocol-error.js';
import { Reader } from './reader.js';
import { ReasonCode } from './reason-codes.js';

/** Checks the fixed header of a packet that is not a PUBLISH, and returns a reader for the rest. */
export function openPacket(
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

export function readPacketId(reader: Reader): number {
  const packetId = reader.uint16('the packet identifier');
  if (packetId === 0) throw zeroPacketId(reader.packet);
  return packetId;
}

export function withProperties<T extends Packet & { properties?: Properties }>(
  packet: T,
  properties: Properties | undefined,
): T {
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

export function zeroPacketId(packet: string): ProtocolError {
  // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
  return new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${packet}: the packet identifier is 0`);
}
