import { PROPERTY_NAMES, PROPERTY_TABLE, type Properties } from './property-table.js';

/** The protocol level of a CONNECT: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolLevel = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** Properties by name, or the bytes of the whole property list without its length, where a test needs wrong ones. */
export type PropertyList = Properties | Uint8Array;

export interface WillFields {
  readonly topic: string | Uint8Array;
  readonly payload?: string | Uint8Array;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: PropertyList;
}

export interface ConnectFields {
  readonly clientId: string | Uint8Array;
  /** Clean Session of 3.1.1, Clean Start of 5.0. True unless told. */
  readonly clean?: boolean;
  /** Seconds; 0 unless told. */
  readonly keepAlive?: number;
  readonly will?: WillFields;
  readonly username?: string | Uint8Array;
  readonly password?: string | Uint8Array;
  readonly properties?: PropertyList;
  /** Instead of the right one. */
  readonly protocolName?: string;
  /** Instead of the right one. */
  readonly protocolLevel?: number;
  /** Instead of the connect flags that the fields make. */
  readonly flags?: number;
}

export interface PublishFields {
  readonly topic: string | Uint8Array;
  readonly payload?: string | Uint8Array;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** Left out of the packet when absent. */
  readonly packetId?: number;
  readonly properties?: PropertyList;
}

/** A topic filter with its options byte, or the fields that make it. */
export interface SubscriptionFields {
  readonly filter: string | Uint8Array;
  readonly qos?: number;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: number;
  /** Instead of the byte that the fields make. */
  readonly options?: number;
}

export const PACKET_TYPE = {
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

export type PacketName = keyof typeof PACKET_TYPE;
export type AcknowledgementName = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP';

/** Bytes from text such as `10 0c 00 04`; spaces are for the reader. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** A packet of any first byte and body, with the right remaining length. */
export function frame(firstByte: number, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([byte(firstByte), varint(content.length), content]);
}

export function connectPacket(level: ProtocolLevel, fields: ConnectFields): Buffer {
  const { clientId, clean = true, keepAlive = 0, will, username, password } = fields;
  const flags =
    (clean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80);
  const body: Uint8Array[] = [
    text(fields.protocolName ?? (level === 3 ? 'MQIsdp' : 'MQTT')),
    byte(fields.protocolLevel ?? level),
    byte(fields.flags ?? flags),
    two(keepAlive),
  ];
  if (level === 5) body.push(properties(fields.properties));
  body.push(text(clientId));
  if (will !== undefined) {
    if (level === 5) body.push(properties(will.properties));
    body.push(text(will.topic), text(will.payload ?? ''));
  }
  if (username !== undefined) body.push(text(username));
  if (password !== undefined) body.push(text(password));
  return frame(0x10, ...body);
}

export function publishPacket(level: ProtocolLevel, fields: PublishFields): Buffer {
  const { topic, payload = '', qos = 0, retain = false, dup = false, packetId } = fields;
  const body: Uint8Array[] = [text(topic)];
  if (packetId !== undefined) body.push(two(packetId));
  if (level === 5) body.push(properties(fields.properties));
  body.push(typeof payload === 'string' ? Buffer.from(payload) : payload);
  return frame(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), ...body);
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. Reason code and properties are left out where they are not given. */
export function acknowledgementPacket(
  name: AcknowledgementName,
  packetId: number,
  reasonCode?: number,
  list?: PropertyList,
): Buffer {
  const body: Uint8Array[] = [two(packetId)];
  if (reasonCode !== undefined) body.push(byte(reasonCode));
  if (list !== undefined) body.push(properties(list));
  return frame((PACKET_TYPE[name] << 4) | (name === 'PUBREL' ? 2 : 0), ...body);
}

export function subscribePacket(
  level: ProtocolLevel,
  packetId: number,
  subscriptions: readonly SubscriptionFields[],
  list?: PropertyList,
): Buffer {
  const body: Uint8Array[] = [two(packetId)];
  if (level === 5) body.push(properties(list));
  for (const { filter, qos = 0, noLocal, retainAsPublished, retainHandling = 0, options } of subscriptions) {
    const made = qos | (noLocal === true ? 4 : 0) | (retainAsPublished === true ? 8 : 0) | (retainHandling << 4);
    body.push(text(filter), byte(options ?? made));
  }
  return frame(0x82, ...body);
}

export function unsubscribePacket(
  level: ProtocolLevel,
  packetId: number,
  filters: readonly (string | Uint8Array)[],
  list?: PropertyList,
): Buffer {
  const body: Uint8Array[] = [two(packetId)];
  if (level === 5) body.push(properties(list));
  for (const filter of filters) body.push(text(filter));
  return frame(0xa2, ...body);
}

export function pingreqPacket(): Buffer {
  return frame(0xc0);
}

/** Before 5.0 and for reason code 0 it has no body; so too here, unless one is given. */
export function disconnectPacket(reasonCode?: number, list?: PropertyList): Buffer {
  return reasonAndProperties(0xe0, reasonCode, list);
}

export function authPacket(reasonCode?: number, list?: PropertyList): Buffer {
  return reasonAndProperties(0xf0, reasonCode, list);
}

function reasonAndProperties(firstByte: number, reasonCode?: number, list?: PropertyList): Buffer {
  if (reasonCode === undefined) return frame(firstByte);
  return list === undefined ? frame(firstByte, byte(reasonCode)) : frame(firstByte, byte(reasonCode), properties(list));
}

/** A property list with its length in front. */
export function properties(list: PropertyList = {}): Buffer {
  const bytes = list instanceof Uint8Array ? list : propertyBytes(list);
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** The properties one after the other, without the length in front, for tests that repeat or misplace them. */
export function propertyBytes(list: Properties): Buffer {
  const parts: Uint8Array[] = [];
  for (const name of PROPERTY_NAMES) {
    const value: unknown = list[name];
    if (value === undefined) continue;
    const { id, kind } = PROPERTY_TABLE[name];
    const isList = name === 'userProperty' || name === 'subscriptionIdentifier';
    for (const one of isList ? (value as unknown[]) : [value]) {
      parts.push(byte(id));
      if (kind === 'pair') parts.push(...(one as [string, string]).map(text));
      else if (kind === 'string' || kind === 'binary') parts.push(text(one as string | Uint8Array));
      else if (kind === 'byte') parts.push(byte(one as number));
      else if (kind === 'two') parts.push(two(one as number));
      else if (kind === 'four') parts.push(four(one as number));
      else parts.push(varint(one as number));
    }
  }
  return Buffer.concat(parts);
}

export function byte(value: number): Buffer {
  return Buffer.from([value]);
}

export function two(value: number): Buffer {
  return Buffer.from([value >>> 8, value & 0xff]);
}

export function four(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Two bytes of length, then the bytes: a string or binary data. */
export function text(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([two(bytes.length), bytes]);
}

/** A variable byte integer in as few bytes as it takes. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}
