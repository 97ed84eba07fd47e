import { PacketType, packetName } from './constants.js';
import { writeBinary, writeText, writeUint16, writeUint32 } from './fields.js';
import { MAX_SUBSCRIPTION_IDENTIFIERS, MAX_USER_PROPERTIES } from './limits.js';
import type { Properties, UserProperty } from './packets.js';
import { ProtocolError } from './protocol-error.js';
import type { Reader } from './reader.js';
import { ReasonCode } from './reason-codes.js';
import { isValidTopicName } from './topic.js';
import { encodedLength, MAX_STRING_BYTES } from './utf8.js';
import { MAX_VARINT, varintSize, writeVarint } from './varint.js';

/** Stands for the properties of a will, which are a set of their own inside CONNECT. */
export const WILL = 0;

/** What a set of properties belongs to: a packet, or a will. */
export type PropertyOwner = PacketType | typeof WILL;

/** How a property stands on the wire. */
const BYTE = 0;
const UINT16 = 1;
const UINT32 = 2;
const VARINTS = 3;
const TEXT = 4;
const TOPIC = 5;
const BINARY = 6;
const PAIRS = 7;
type Kind =
  | typeof BYTE
  | typeof UINT16
  | typeof UINT32
  | typeof VARINTS
  | typeof TEXT
  | typeof TOPIC
  | typeof BINARY
  | typeof PAIRS;

/** Ties the kinds that a row may have to the type that `Properties` gives its key. */
type KindOf<T> = T extends Uint8Array
  ? typeof BINARY
  : T extends string
    ? typeof TEXT | typeof TOPIC
    : T extends readonly number[]
      ? typeof VARINTS
      : T extends readonly UserProperty[]
        ? typeof PAIRS
        : T extends 0 | 1
          ? typeof BYTE
          : typeof UINT16 | typeof UINT32;

type RowOf<K extends keyof Properties> = readonly [
  id: number,
  key: K,
  kind: KindOf<NonNullable<Properties[K]>>,
  /** One bit for each. */
  owners: number,
  /** For numbers; the largest is what the kind can hold. */
  minimum?: number,
  /** The reason code for a number below the minimum, where it is not PROTOCOL_ERROR. */
  rangeError?: ReasonCode,
];
type Row = { [K in keyof Properties]-?: RowOf<K> }[keyof Properties];

const CONNECT = 1 << PacketType.CONNECT;
const CONNACK = 1 << PacketType.CONNACK;
const PUBLISH = 1 << PacketType.PUBLISH;
const SUBSCRIBE = 1 << PacketType.SUBSCRIBE;
const UNSUBSCRIBE = 1 << PacketType.UNSUBSCRIBE;
const DISCONNECT = 1 << PacketType.DISCONNECT;
const AUTH = 1 << PacketType.AUTH;
const MESSAGE = PUBLISH | (1 << WILL);
/** What may end with an explanation: all answers, and the packets that either side may end with. */
const EXPLAINED =
  CONNACK |
  (1 << PacketType.PUBACK) |
  (1 << PacketType.PUBREC) |
  (1 << PacketType.PUBREL) |
  (1 << PacketType.PUBCOMP) |
  (1 << PacketType.SUBACK) |
  (1 << PacketType.UNSUBACK) |
  DISCONNECT |
  AUTH;

/** MQTT 5.0, table 2-4, with the ranges that the sections of the packets give. */
const ROWS: readonly Row[] = [
  [0x01, 'payloadFormatIndicator', BYTE, MESSAGE],
  [0x02, 'messageExpiryInterval', UINT32, MESSAGE],
  [0x03, 'contentType', TEXT, MESSAGE],
  [0x08, 'responseTopic', TOPIC, MESSAGE],
  [0x09, 'correlationData', BINARY, MESSAGE],
  [0x0b, 'subscriptionIdentifiers', VARINTS, PUBLISH | SUBSCRIBE, 1],
  [0x11, 'sessionExpiryInterval', UINT32, CONNECT | CONNACK | DISCONNECT],
  [0x12, 'assignedClientIdentifier', TEXT, CONNACK],
  [0x13, 'serverKeepAlive', UINT16, CONNACK],
  [0x15, 'authenticationMethod', TEXT, CONNECT | CONNACK | AUTH],
  [0x16, 'authenticationData', BINARY, CONNECT | CONNACK | AUTH],
  [0x17, 'requestProblemInformation', BYTE, CONNECT],
  [0x18, 'willDelayInterval', UINT32, 1 << WILL],
  [0x19, 'requestResponseInformation', BYTE, CONNECT],
  [0x1a, 'responseInformation', TEXT, CONNACK],
  [0x1c, 'serverReference', TEXT, CONNACK | DISCONNECT],
  [0x1f, 'reasonString', TEXT, EXPLAINED],
  [0x21, 'receiveMaximum', UINT16, CONNECT | CONNACK, 1],
  [0x22, 'topicAliasMaximum', UINT16, CONNECT | CONNACK],
  [0x23, 'topicAlias', UINT16, PUBLISH, 1, ReasonCode.TOPIC_ALIAS_INVALID], // [MQTT-3.3.2-8]
  [0x24, 'maximumQoS', BYTE, CONNACK],
  [0x25, 'retainAvailable', BYTE, CONNACK],
  [0x26, 'userProperties', PAIRS, EXPLAINED | CONNECT | MESSAGE | SUBSCRIBE | UNSUBSCRIBE],
  [0x27, 'maximumPacketSize', UINT32, CONNECT | CONNACK, 1],
  [0x28, 'wildcardSubscriptionAvailable', BYTE, CONNACK],
  [0x29, 'subscriptionIdentifierAvailable', BYTE, CONNACK],
  [0x2a, 'sharedSubscriptionAvailable', BYTE, CONNACK],
];

/** A row made ready for the loops below. */
class Property {
  readonly id: number;
  readonly key: keyof Properties;
  readonly kind: Kind;
  /** What `typeof` gives for its value. */
  readonly type: 'number' | 'string' | 'object';
  readonly minimum: number;
  readonly maximum: number;
  readonly rangeError: ReasonCode;
  /** One bit for each owner. */
  readonly #owners: number;

  constructor([id, key, kind, owners, minimum = 0, rangeError = ReasonCode.PROTOCOL_ERROR]: Row) {
    this.id = id;
    this.key = key;
    this.kind = kind;
    this.type = typeOf(kind);
    this.minimum = minimum;
    this.maximum = maximumOf(kind);
    this.rangeError = rangeError;
    this.#owners = owners;
  }

  isAllowedIn(owner: PropertyOwner): boolean {
    return ((this.#owners >> owner) & 1) === 1;
  }

  /** @throws ProtocolError for a number that the standard does not allow, wherever it comes from */
  checkNumber(value: number): void {
    if (value >= this.minimum && value <= this.maximum && Number.isInteger(value)) return;
    throw new ProtocolError(this.rangeError, `${this.key} is ${value}, allowed is ${this.minimum} to ${this.maximum}`);
  }
}

function typeOf(kind: Kind): 'number' | 'string' | 'object' {
  if (kind <= UINT32) return 'number';
  return kind === TEXT || kind === TOPIC ? 'string' : 'object';
}

function maximumOf(kind: Kind): number {
  switch (kind) {
    case BYTE:
      return 1; // every property of one byte is a flag, or a QoS of 0 or 1
    case UINT16:
      return 0xffff;
    case VARINTS:
      return MAX_VARINT;
    default:
      return 0xffffffff;
  }
}

const byId: readonly (Property | undefined)[] = ROWS.reduce<(Property | undefined)[]>((list, row) => {
  list[row[0]] = new Property(row);
  return list;
}, new Array(0x2b).fill(undefined));
const byKey: ReadonlyMap<string, Property> = new Map(
  byId.flatMap((property) => (property ? [[property.key, property]] : [])),
);

/**
 * Reads a property length and the properties it spans. Undefined if there are none. Binary data are views.
 * @throws ProtocolError MALFORMED_PACKET for a property that is unknown or does not belong here (MQTT 5.0, section
 * 2.2.2.2), PROTOCOL_ERROR for one that is repeated or has a forbidden value, QUOTA_EXCEEDED past a bound of `limits.ts`
 */
export function decodeProperties(reader: Reader, owner: PropertyOwner): Properties | undefined {
  const length = reader.varint('the property length');
  if (length === 0) return undefined;
  const outerEnd = reader.end;
  const end = reader.at + length;
  if (end > outerEnd) throw reader.malformed('the properties are longer than the packet');
  reader.end = end;
  const properties: Record<string, unknown> = {};
  while (reader.at < end) {
    // Identifiers are variable byte integers, all below 128; a longer form would not be the shortest.
    const id = reader.byte('a property');
    const property = byId[id];
    if (property === undefined) throw reader.malformed(`there is no property 0x${id.toString(16).padStart(2, '0')}`);
    if (!property.isAllowedIn(owner))
      throw reader.malformed(`${property.key} is not a property of ${ownerName(owner)}`);
    decodeProperty(reader, property, owner, properties);
  }
  reader.end = outerEnd;
  checkTogether(properties);
  return properties as Properties;
}

function decodeProperty(
  reader: Reader,
  property: Property,
  owner: PropertyOwner,
  properties: Record<string, unknown>,
): void {
  const { key, kind } = property;
  const previous = properties[key];
  if (kind === PAIRS) {
    const pair: UserProperty = [
      reader.text('the name of a user property'),
      reader.text('the value of a user property'),
    ];
    properties[key] = append(previous as UserProperty[] | undefined, pair, MAX_USER_PROPERTIES, key);
    return;
  }
  if (kind === VARINTS) {
    if (previous !== undefined && owner !== PacketType.PUBLISH) throw repeated(key);
    const id = reader.varint(key);
    property.checkNumber(id);
    properties[key] = append(previous as number[] | undefined, id, MAX_SUBSCRIPTION_IDENTIFIERS, key);
    return;
  }
  if (previous !== undefined) throw repeated(key);
  if (kind === TEXT || kind === TOPIC) {
    const text = reader.text(key);
    if (kind === TOPIC) checkTopic(key, text);
    properties[key] = text;
  } else if (kind === BINARY) {
    properties[key] = reader.binary(key);
  } else {
    const value = kind === BYTE ? reader.byte(key) : kind === UINT16 ? reader.uint16(key) : reader.uint32(key);
    property.checkNumber(value);
    properties[key] = value;
  }
}

/**
 * The number of bytes that `properties` take, without the property length. Checks everything, so that `writeProperties`
 * need not.
 * @throws ProtocolError if they cannot be sent: a key that does not exist or does not belong to `owner`, a value out of
 * range
 */
export function propertiesSize(properties: Properties | undefined, owner: PropertyOwner): number {
  if (properties === undefined) return 0;
  let size = 0;
  for (const key in properties) {
    const value = properties[key as keyof Properties];
    if (value === undefined) continue;
    const property = byKey.get(key);
    if (property === undefined) throw cannotSend(`there is no property ${key}`);
    if (!property.isAllowedIn(owner)) throw cannotSend(`${key} is not a property of ${ownerName(owner)}`);
    if (typeof value !== property.type) throw cannotSend(`${key} is a ${typeof value}, not a ${property.type}`);
    size += valueSize(property, value, owner);
  }
  if (size > 0) checkTogether(properties);
  return size;
}

function valueSize(property: Property, value: NonNullable<Properties[keyof Properties]>, owner: PropertyOwner): number {
  const { key, kind } = property;
  if (typeof value === 'number') {
    property.checkNumber(value);
    return kind === BYTE ? 2 : kind === UINT16 ? 3 : 5;
  }
  if (typeof value === 'string') {
    if (kind === TOPIC) checkTopic(key, value);
    return 3 + encodedLength(value, key);
  }
  if (value instanceof Uint8Array) {
    if (value.length > MAX_STRING_BYTES) throw cannotSend(`${key} has more than ${MAX_STRING_BYTES} bytes`);
    return 3 + value.length;
  }
  if (kind === VARINTS && value.length > 1 && owner !== PacketType.PUBLISH) throw repeated(key);
  let size = 0;
  for (const item of value) {
    if (typeof item === 'number') {
      property.checkNumber(item);
      size += 1 + varintSize(item);
    } else {
      size += 5 + encodedLength(item[0], 'the name of a user property');
      size += encodedLength(item[1], 'the value of a user property');
    }
  }
  return size;
}

/**
 * Writes the property length and the properties, and returns the offset after them.
 * @param size what `propertiesSize` gave for the same properties; the caller sees to the room
 */
export function writeProperties(out: Uint8Array, at: number, properties: Properties | undefined, size: number): number {
  let end = writeVarint(out, at, size);
  if (size === 0) return end;
  for (const key in properties) {
    const value = properties[key as keyof Properties];
    const property = byKey.get(key);
    if (value !== undefined && property !== undefined) end = writeProperty(out, end, property, value);
  }
  return end;
}

function writeProperty(
  out: Uint8Array,
  at: number,
  property: Property,
  value: NonNullable<Properties[keyof Properties]>,
): number {
  let end = at;
  if (typeof value === 'number') {
    out[end++] = property.id;
    if (property.kind === UINT32) end = writeUint32(out, end, value);
    else if (property.kind === UINT16) end = writeUint16(out, end, value);
    else out[end++] = value;
  } else if (typeof value === 'string') {
    out[end++] = property.id;
    end = writeText(out, end, value);
  } else if (value instanceof Uint8Array) {
    out[end++] = property.id;
    end = writeBinary(out, end, value);
  } else {
    for (const item of value) {
      out[end++] = property.id;
      if (typeof item === 'number') {
        end = writeVarint(out, end, item);
      } else {
        end = writeText(out, end, item[0]);
        end = writeText(out, end, item[1]);
      }
    }
  }
  return end;
}

function append<T>(list: T[] | undefined, item: T, most: number, key: string): T[] {
  if (list === undefined) return [item];
  if (list.length === most)
    throw new ProtocolError(ReasonCode.QUOTA_EXCEEDED, `more than ${most} ${key} in one packet`);
  list.push(item);
  return list;
}

function checkTopic(key: string, topic: string): void {
  // [MQTT-3.3.2-14]
  if (isValidTopicName(topic)) return;
  throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${key} is not a topic name: it is empty or contains a wildcard`);
}

/** What one property demands of another (MQTT 5.0, section 3.1.2.11.10). */
function checkTogether(properties: { authenticationMethod?: unknown; authenticationData?: unknown }): void {
  if (properties.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw new ProtocolError(ReasonCode.PROTOCOL_ERROR, 'authenticationData comes without authenticationMethod');
}

function repeated(key: string): ProtocolError {
  return new ProtocolError(ReasonCode.PROTOCOL_ERROR, `${key} may stand only once in this packet`);
}

function cannotSend(message: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, message);
}

function ownerName(owner: PropertyOwner): string {
  return owner === WILL ? 'a will' : packetName(owner);
}
