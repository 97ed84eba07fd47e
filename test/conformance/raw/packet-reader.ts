import { MalformedPacketError, PacketBody } from './packet-body.js';
import {
  type AcknowledgementName,
  PACKET_TYPE,
  type PacketName,
  type ProtocolLevel,
  type QoS,
} from './packet-writer.js';
import { PROPERTY_NAMES, PROPERTY_TABLE, type Properties, type PropertyName } from './property-table.js';

/** What every packet from a peer has. */
interface Received {
  /** The whole packet, as it came. */
  readonly bytes: Buffer;
  readonly firstByte: number;
}

export interface ConnackPacket extends Received {
  readonly name: 'CONNACK';
  /** The byte as it came. */
  readonly flags: number;
  readonly sessionPresent: boolean;
  readonly reasonCode: number;
  readonly properties: Properties;
}

export interface PublishPacket extends Received {
  readonly name: 'PUBLISH';
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** Undefined at QoS 0. */
  readonly packetId: number | undefined;
  readonly properties: Properties;
}

export interface AcknowledgementPacket extends Received {
  readonly name: AcknowledgementName;
  readonly packetId: number;
  /** 0 where the packet leaves it out. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** SUBACK and UNSUBACK; a UNSUBACK of 3.1.1 has no reason codes. */
export interface SubackPacket extends Received {
  readonly name: 'SUBACK' | 'UNSUBACK';
  readonly packetId: number;
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

export interface PlainPacket extends Received {
  readonly name: 'PINGRESP' | 'PINGREQ';
}

export interface ReasonPacket extends Received {
  readonly name: 'DISCONNECT' | 'AUTH';
  /** 0 where the packet leaves it out. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** What a server may send. */
export type ServerPacket =
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubackPacket
  | PlainPacket
  | ReasonPacket;

/** The packets that may have this name. */
export type ServerPacketOf<N extends PacketName, P = ServerPacket> = P extends { readonly name: infer M }
  ? N extends M
    ? P
    : never
  : never;

const PACKET_NAMES = Object.keys(PACKET_TYPE) as PacketName[];

const CONNECT_REASON_CODES = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9f,
];
const PUBLISHED_REASON_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/** The reason codes that a server may put into each packet of MQTT 5.0. */
const REASON_CODES: Readonly<Partial<Record<PacketName, readonly number[]>>> = {
  CONNACK: CONNECT_REASON_CODES,
  PUBACK: PUBLISHED_REASON_CODES,
  PUBREC: PUBLISHED_REASON_CODES,
  PUBREL: [0x00, 0x92],
  PUBCOMP: [0x00, 0x92],
  SUBACK: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  UNSUBACK: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  DISCONNECT: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  AUTH: [0x00, 0x18],
};

/** The length of the packet that the bytes begin with, or undefined while its header is incomplete. */
export function packetLength(bytes: Uint8Array): number | undefined {
  let value = 0;
  for (let index = 1; index <= 4; index++) {
    if (index >= bytes.length) return undefined;
    value += (bytes[index] & 0x7f) * 128 ** (index - 1);
    if ((bytes[index] & 0x80) === 0) {
      if (bytes[index] === 0 && index > 1) {
        throw new MalformedPacketError('The remaining length takes more bytes than it needs');
      }
      return 1 + index + value;
    }
  }
  throw new MalformedPacketError('The remaining length is longer than four bytes');
}

/**
 * Reads one packet from a server, strictly: it is where every packet that a test meets proves the rules on form.
 * @throws MalformedPacketError
 */
export function readServerPacket(bytes: Buffer, level: ProtocolLevel): ServerPacket {
  const firstByte = bytes[0];
  const name = PACKET_NAMES.find((candidate) => PACKET_TYPE[candidate] === firstByte >> 4);
  if (name === undefined) throw new MalformedPacketError('There is no packet of type 0');
  let headerLength = 2;
  while ((bytes[headerLength - 1] & 0x80) !== 0) headerLength++;
  const body = new PacketBody(bytes.subarray(headerLength));
  const wantedFlags = name === 'PUBREL' ? 2 : 0;
  if (name !== 'PUBLISH' && (firstByte & 0x0f) !== wantedFlags) {
    throw new MalformedPacketError(`The reserved flags of ${name} are 0x${(firstByte & 0x0f).toString(16)}`);
  }
  const received = { bytes, firstByte };
  const packet = readBody(name, body, received, level);
  body.end(name);
  return packet;
}

function readBody(name: PacketName, body: PacketBody, received: Received, level: ProtocolLevel): ServerPacket {
  switch (name) {
    case 'CONNACK': {
      const flags = body.byte('The flags of CONNACK');
      if ((flags & 0xfe) !== 0) throw new MalformedPacketError('The reserved flags of CONNACK are not 0');
      const reasonCode = level === 5 ? reasonCodeOf(name, body) : body.byte('The return code');
      if (level < 5 && reasonCode > 5) throw new MalformedPacketError(`CONNACK has no return code ${reasonCode}`);
      const properties = propertiesOf(name, body, level);
      return { name, ...received, flags, sessionPresent: (flags & 1) === 1, reasonCode, properties };
    }
    case 'PUBLISH':
      return readPublish(body, received, level);
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP': {
      const packetId = packetIdOf(name, body);
      const reasonCode = level === 5 && body.left > 0 ? reasonCodeOf(name, body) : 0;
      const properties = body.left > 0 ? propertiesOf(name, body, level) : {};
      return { name, ...received, packetId, reasonCode, properties };
    }
    case 'SUBACK':
    case 'UNSUBACK': {
      const packetId = packetIdOf(name, body);
      const properties = propertiesOf(name, body, level);
      const reasonCodes: number[] = [];
      if (level === 5) while (body.left > 0) reasonCodes.push(reasonCodeOf(name, body));
      else if (name === 'SUBACK') reasonCodes.push(...body.take(body.left, name));
      if (level < 5 && reasonCodes.some((code) => code > 2 && code !== 0x80)) {
        throw new MalformedPacketError(`SUBACK has a return code other than 0, 1, 2 and 0x80`);
      }
      return { name, ...received, packetId, reasonCodes, properties };
    }
    case 'PINGRESP':
      return { name, ...received };
    case 'DISCONNECT':
    case 'AUTH': {
      if (level < 5) throw new MalformedPacketError(`A server has no ${name} before MQTT 5.0`);
      const reasonCode = body.left > 0 ? reasonCodeOf(name, body) : 0;
      const properties = body.left > 0 ? propertiesOf(name, body, level) : {};
      if (name === 'DISCONNECT' && properties.sessionExpiryInterval !== undefined) {
        throw new MalformedPacketError('A server sent a session expiry interval in DISCONNECT');
      }
      return { name, ...received, reasonCode, properties };
    }
    default:
      throw new MalformedPacketError(`A server does not send ${name}`);
  }
}

function readPublish(body: PacketBody, received: Received, level: ProtocolLevel): PublishPacket {
  const { firstByte } = received;
  const qos = (firstByte >> 1) & 3;
  if (qos === 3) throw new MalformedPacketError('PUBLISH has both QoS bits set');
  const dup = (firstByte & 8) !== 0;
  if (qos === 0 && dup) throw new MalformedPacketError('PUBLISH has DUP at QoS 0');
  const topic = body.string('The topic name');
  if (/[+#]/.test(topic)) throw new MalformedPacketError(`The topic name ${topic} contains a wildcard`);
  const packetId = qos === 0 ? undefined : packetIdOf('PUBLISH', body);
  const properties = propertiesOf('PUBLISH', body, level);
  if (topic === '' && properties.topicAlias === undefined) {
    throw new MalformedPacketError('PUBLISH has neither a topic name nor a topic alias');
  }
  if (properties.topicAlias === 0) throw new MalformedPacketError('PUBLISH has the topic alias 0');
  const payload = body.take(body.left, 'The payload');
  const retain = (firstByte & 1) === 1;
  return { name: 'PUBLISH', ...received, topic, payload, qos: qos as QoS, retain, dup, packetId, properties };
}

function packetIdOf(name: PacketName, body: PacketBody): number {
  const packetId = body.two(`The packet id of ${name}`);
  if (packetId === 0) throw new MalformedPacketError(`The packet id of ${name} is 0`);
  return packetId;
}

function reasonCodeOf(name: PacketName, body: PacketBody): number {
  const code = body.byte(`The reason code of ${name}`);
  if (REASON_CODES[name]?.includes(code) === false) {
    throw new MalformedPacketError(`${name} from a server has no reason code 0x${code.toString(16)}`);
  }
  return code;
}

function propertiesOf(name: PacketName, body: PacketBody, level: ProtocolLevel): Properties {
  if (level < 5) return {};
  const list = new PacketBody(body.take(body.varint(`The property length of ${name}`), `The properties of ${name}`));
  const found: Record<string, unknown> = {};
  while (list.left > 0) {
    const id = list.varint('A property identifier');
    const property = PROPERTY_NAMES.find((candidate) => PROPERTY_TABLE[candidate].id === id);
    if (property === undefined) throw new MalformedPacketError(`There is no property 0x${id.toString(16)}`);
    const allowed: readonly string[] = PROPERTY_TABLE[property].packets;
    if (!allowed.includes(name)) throw new MalformedPacketError(`${property} does not belong into ${name}`);
    const value = propertyValue(property, list);
    if (property === 'userProperty' || (property === 'subscriptionIdentifier' && name === 'PUBLISH')) {
      found[property] = [...((found[property] as unknown[] | undefined) ?? []), value];
    } else if (property in found) {
      throw new MalformedPacketError(`${name} has ${property} twice`);
    } else {
      found[property] = value;
    }
  }
  return found as Properties;
}

function propertyValue(property: PropertyName, list: PacketBody): unknown {
  switch (PROPERTY_TABLE[property].kind) {
    case 'byte':
      return list.byte(property);
    case 'two':
      return list.two(property);
    case 'four':
      return list.four(property);
    case 'varint':
      return list.varint(property);
    case 'string':
      return list.string(property);
    case 'binary':
      return list.binary(property);
    case 'pair':
      return [list.string(property), list.string(property)];
  }
}
