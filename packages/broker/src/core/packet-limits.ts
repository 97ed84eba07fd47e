import { type PacketLimits, PacketType, type ProtocolVersion } from '@cauldron/codec';

/** CONNECT and AUTH, and the lists of filters of 5.0: much of what they say becomes objects. The fixed header is apart. */
const LARGE = 100_000 + 4;

/** The packets that say little: an id, a reason, properties. */
const SMALL = 10_000 + 3;

const SMALL_TYPES = [
  PacketType.PUBACK,
  PacketType.PUBREC,
  PacketType.PUBREL,
  PacketType.PUBCOMP,
  PacketType.UNSUBACK,
  PacketType.PINGREQ,
  PacketType.PINGRESP,
  PacketType.DISCONNECT,
];

const LIMITS = limits(false);
const LIMITS_OF_5 = limits(true);

/**
 * What packets that are no PUBLISH may have at most, in bytes: a client cannot make the broker hold more of them,
 * whatever `max_packet_size` is. The figures are Mosquitto's.
 */
export function packetLimits(version: ProtocolVersion): PacketLimits {
  return version === 5 ? LIMITS_OF_5 : LIMITS;
}

function limits(isV5: boolean): PacketLimits {
  const list: (number | undefined)[] = new Array(16).fill(undefined);
  list[PacketType.CONNECT] = LARGE;
  list[PacketType.AUTH] = LARGE;
  for (const type of SMALL_TYPES) list[type] = SMALL;
  if (isV5) list[PacketType.SUBSCRIBE] = list[PacketType.UNSUBSCRIBE] = LARGE;
  return list;
}
