/** The packet types, as they stand in the upper half of the first byte (MQTT 5.0, table 2-1). */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

const packetNames: readonly string[] = ['reserved', ...Object.keys(PacketType)];

/** 'PUBLISH' for 3; 'reserved' for 0, the one type that the standard does not use. */
export function packetName(type: PacketType | 0): string {
  return packetNames[type];
}

/** The protocol version as it stands in CONNECT: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** The largest packet that the format can express: four length bytes, plus the fixed header (268,435,460 bytes). */
export const MAX_PACKET_SIZE = 268_435_455 + 5;

/** A session expiry interval with this value never ends (MQTT 5.0, section 3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffffffff;
