import { MalformedPacketError, PacketBody } from './packet-body.js';
import {
  type AcknowledgementName,
  PACKET_TYPE,
  type PacketName,
  type ProtocolLevel,
  type QoS,
} from './packet-writer.js';
import { PROPERTY_NAMES, PROPERTY_TABLE, type Properties, type PropertyName } from './property-table.js';

// What packets of both directions have in common.

/** What every packet from a peer has. */
export interface Received {
  /** The whole packet, as it came. */
  readonly bytes: Buffer;
  readonly firstByte: number;
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

export interface ReasonPacket extends Received {
  readonly name: 'DISCONNECT' | 'AUTH';
  /** 0 where the packet leaves it out. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** Those of the packets that may have this name. */
export type PacketOf<N extends PacketName, P> = P extends { readonly name: infer M }
  ? N extends M
    ? P
    : never
  : never;

/** The reason codes that one side may put into each of its packets of MQTT 5.0. */
export type ReasonCodes = Readonly<Partial<Record<PacketName, readonly number[]>>>;

const PACKET_NAMES = Object.keys(PACKET_TYPE) as PacketName[];

const PUBLISHED_REASON_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/** Those of the acknowledgements, which are the same for both sides. */
export const ACKNOWLEDGEMENT_REASON_CODES = {
  PUBACK: PUBLISHED_REASON_CODES,
  PUBREC: PUBLISHED_REASON_CODES,
  PUBREL: [0x00, 0x92],
  PUBCOMP: [0x00, 0x92],
} as const satisfies ReasonCodes;

/** Properties for which the standard forbids 0. */
const NEVER_ZERO: ReadonlySet<PropertyName> = new Set([
  'receiveMaximum',
  'maximumPacketSize',
  'topicAlias',
  'subscriptionIdentifier',
]);

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
 * Takes a packet's fixed header off. `flagged` names the packets whose reserved flags are 0010.
 * @throws MalformedPacketError
 */
export function openPacket(bytes: Buffer, flagged: readonly PacketName[]): { name: PacketName; body: PacketBody } {
  const firstByte = bytes[0];
  const name = PACKET_NAMES.find((candidate) => PACKET_TYPE[candidate] === firstByte >> 4);
  if (name === undefined) throw new MalformedPacketError('There is no packet of type 0');
  let headerLength = 2;
  while ((bytes[headerLength - 1] & 0x80) !== 0) headerLength++;
  const wantedFlags = flagged.includes(name) ? 2 : 0;
  if (name !== 'PUBLISH' && (firstByte & 0x0f) !== wantedFlags) {
    throw new MalformedPacketError(`The reserved flags of ${name} are 0x${(firstByte & 0x0f).toString(16)}`);
  }
  return { name, body: new PacketBody(bytes.subarray(headerLength)) };
}

export function readPublish(body: PacketBody, received: Received, level: ProtocolLevel): PublishPacket {
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
  if (/[+#]/.test(properties.responseTopic ?? '')) {
    throw new MalformedPacketError(`The response topic ${properties.responseTopic} contains a wildcard`);
  }
  const payload = body.take(body.left, 'The payload');
  const retain = (firstByte & 1) === 1;
  return { name: 'PUBLISH', ...received, topic, payload, qos: qos as QoS, retain, dup, packetId, properties };
}

export function readAcknowledgement(
  name: AcknowledgementName,
  body: PacketBody,
  received: Received,
  level: ProtocolLevel,
): AcknowledgementPacket {
  const packetId = packetIdOf(name, body);
  const reasonCode = level === 5 && body.left > 0 ? reasonCodeOf(name, body, ACKNOWLEDGEMENT_REASON_CODES) : 0;
  const properties = body.left > 0 ? propertiesOf(name, body, level) : {};
  return { name, ...received, packetId, reasonCode, properties };
}

/** DISCONNECT and AUTH of MQTT 5.0. */
export function readReasonPacket(
  name: ReasonPacket['name'],
  body: PacketBody,
  received: Received,
  reasonCodes: ReasonCodes,
): ReasonPacket {
  const reasonCode = body.left > 0 ? reasonCodeOf(name, body, reasonCodes) : 0;
  const properties = body.left > 0 ? propertiesOf(name, body, 5) : {};
  return { name, ...received, reasonCode, properties };
}

export function packetIdOf(name: PacketName, body: PacketBody): number {
  const packetId = body.two(`The packet id of ${name}`);
  if (packetId === 0) throw new MalformedPacketError(`The packet id of ${name} is 0`);
  return packetId;
}

export function reasonCodeOf(name: PacketName, body: PacketBody, reasonCodes: ReasonCodes): number {
  const code = body.byte(`The reason code of ${name}`);
  if (reasonCodes[name]?.includes(code) === false) {
    throw new MalformedPacketError(`${name} from this side has no reason code 0x${code.toString(16)}`);
  }
  return code;
}

/** `owner` is the packet, or `will` for the second list in CONNECT. */
export function propertiesOf(owner: PacketName | 'will', body: PacketBody, level: ProtocolLevel): Properties {
  if (level < 5) return {};
  const list = new PacketBody(body.take(body.varint(`The property length of ${owner}`), `The properties of ${owner}`));
  const found: Record<string, unknown> = {};
  while (list.left > 0) {
    const id = list.varint('A property identifier');
    const property = PROPERTY_NAMES.find((candidate) => PROPERTY_TABLE[candidate].id === id);
    if (property === undefined) throw new MalformedPacketError(`There is no property 0x${id.toString(16)}`);
    const allowed: readonly string[] = PROPERTY_TABLE[property].packets;
    if (!allowed.includes(owner)) throw new MalformedPacketError(`${property} does not belong into ${owner}`);
    const value = propertyValue(property, list);
    if (NEVER_ZERO.has(property) && value === 0) throw new MalformedPacketError(`${owner} has ${property} 0`);
    if (property === 'userProperty' || (property === 'subscriptionIdentifier' && owner === 'PUBLISH')) {
      found[property] = [...((found[property] as unknown[] | undefined) ?? []), value];
    } else if (property in found) {
      throw new MalformedPacketError(`${owner} has ${property} twice`);
    } else {
      found[property] = value;
    }
  }
  return found as Properties;
}

function propertyValue(property: PropertyName, list: PacketBody): unknown {
  switch (PROPERTY_TABLE[property].kind) {
    case 'byte': {
      const value = list.byte(property);
      if (value > 1) throw new MalformedPacketError(`${property} is ${value}, neither 0 nor 1`);
      return value;
    }
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
