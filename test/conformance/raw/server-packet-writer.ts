import { byte, frame, type PropertyList, type ProtocolLevel, properties, two } from './packet-writer.js';

// Packets that only a server sends. PUBLISH, its acknowledgements, DISCONNECT and AUTH are the same for both sides.

export interface ConnackFields {
  readonly sessionPresent?: boolean;
  /** Return code before 5.0. 0 unless told. */
  readonly reasonCode?: number;
  readonly properties?: PropertyList;
  /** Instead of the flags that the fields make. */
  readonly flags?: number;
}

export function connackPacket(level: ProtocolLevel, fields: ConnackFields = {}): Buffer {
  const { sessionPresent = false, reasonCode = 0, flags = sessionPresent ? 1 : 0 } = fields;
  return frame(0x20, byte(flags), byte(reasonCode), ...propertiesIn(level, fields.properties));
}

export function subackPacket(
  level: ProtocolLevel,
  packetId: number,
  reasonCodes: readonly number[],
  list?: PropertyList,
): Buffer {
  return frame(0x90, two(packetId), ...propertiesIn(level, list), Buffer.from(reasonCodes));
}

/** Before 5.0 it has no reason codes, so they are left out. */
export function unsubackPacket(
  level: ProtocolLevel,
  packetId: number,
  reasonCodes: readonly number[],
  list?: PropertyList,
): Buffer {
  const codes = level === 5 ? Buffer.from(reasonCodes) : Buffer.alloc(0);
  return frame(0xb0, two(packetId), ...propertiesIn(level, list), codes);
}

export function pingrespPacket(): Buffer {
  return frame(0xd0);
}

function propertiesIn(level: ProtocolLevel, list: PropertyList | undefined): Uint8Array[] {
  return level === 5 ? [properties(list)] : [];
}
