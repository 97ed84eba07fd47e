import { MalformedPacketError, type PacketBody } from './packet-body.js';
import {
  ACKNOWLEDGEMENT_REASON_CODES,
  type AcknowledgementPacket,
  openPacket,
  type PacketOf,
  type PublishPacket,
  packetIdOf,
  propertiesOf,
  type ReasonCodes,
  type ReasonPacket,
  type Received,
  readAcknowledgement,
  readPublish,
  readReasonPacket,
} from './packet-fields.js';
import type { PacketName, ProtocolLevel } from './packet-writer.js';
import type { Properties } from './property-table.js';

export interface ReceivedWill {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
  readonly properties: Properties;
}

export interface ConnectPacket extends Received {
  readonly name: 'CONNECT';
  readonly protocolName: string;
  readonly protocolLevel: number;
  /** The byte as it came. */
  readonly flags: number;
  readonly clean: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly properties: Properties;
  readonly clientId: string;
  readonly will: ReceivedWill | undefined;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
}

export interface SubscribePacket extends Received {
  readonly name: 'SUBSCRIBE';
  readonly packetId: number;
  readonly properties: Properties;
  /** Each with its options byte as it came. */
  readonly subscriptions: readonly { readonly filter: string; readonly options: number }[];
}

export interface UnsubscribePacket extends Received {
  readonly name: 'UNSUBSCRIBE';
  readonly packetId: number;
  readonly properties: Properties;
  readonly filters: readonly string[];
}

export interface PingreqPacket extends Received {
  readonly name: 'PINGREQ';
}

/** What a client may send. */
export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | UnsubscribePacket
  | PingreqPacket
  | ReasonPacket;

/** The packets that may have this name. */
export type ClientPacketOf<N extends PacketName> = PacketOf<N, ClientPacket>;

/** The reason codes that a client may put into each packet of MQTT 5.0. */
const REASON_CODES: ReasonCodes = {
  ...ACKNOWLEDGEMENT_REASON_CODES,
  DISCONNECT: [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
  AUTH: [0x18, 0x19],
};

/**
 * Reads one packet from a client, strictly: it is where every packet that a test meets proves the rules on form.
 * @throws MalformedPacketError
 */
export function readClientPacket(bytes: Buffer, level: ProtocolLevel): ClientPacket {
  const { name, body } = openPacket(bytes, ['PUBREL', 'SUBSCRIBE', 'UNSUBSCRIBE']);
  const packet = readBody(name, body, { bytes, firstByte: bytes[0] }, level);
  body.end(name);
  return packet;
}

function readBody(name: PacketName, body: PacketBody, received: Received, level: ProtocolLevel): ClientPacket {
  switch (name) {
    case 'CONNECT':
      return readConnect(body, received, level);
    case 'PUBLISH': {
      const packet = readPublish(body, received, level);
      if (packet.properties.subscriptionIdentifier !== undefined) {
        throw new MalformedPacketError('A client sent a subscription identifier in PUBLISH');
      }
      return packet;
    }
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      return readAcknowledgement(name, body, received, level);
    case 'SUBSCRIBE':
      return readSubscribe(body, received, level);
    case 'UNSUBSCRIBE': {
      const packetId = packetIdOf(name, body);
      const properties = propertiesOf(name, body, level);
      const filters: string[] = [];
      do filters.push(filterOf(body, level));
      while (body.left > 0);
      return { name, ...received, packetId, properties, filters };
    }
    case 'PINGREQ':
      return { name, ...received };
    case 'DISCONNECT': {
      if (level < 5) return { name, ...received, reasonCode: 0, properties: {} };
      const packet = readReasonPacket(name, body, received, REASON_CODES);
      if (packet.properties.serverReference !== undefined) {
        throw new MalformedPacketError('A client sent a server reference in DISCONNECT');
      }
      return packet;
    }
    case 'AUTH': {
      if (level < 5) throw new MalformedPacketError('There is no AUTH before MQTT 5.0');
      const packet = readReasonPacket(name, body, received, REASON_CODES);
      if (packet.properties.authenticationMethod === undefined) {
        throw new MalformedPacketError('AUTH has no authentication method');
      }
      return packet;
    }
    default:
      throw new MalformedPacketError(`A client does not send ${name}`);
  }
}

function readConnect(body: PacketBody, received: Received, level: ProtocolLevel): ConnectPacket {
  const protocolName = body.string('The protocol name');
  const protocolLevel = body.byte('The protocol level');
  if (protocolName !== 'MQTT' || protocolLevel !== level) {
    throw new MalformedPacketError(`CONNECT names ${protocolName}, level ${protocolLevel}`);
  }
  const flags = body.byte('The connect flags');
  const isSet = (bit: number): boolean => (flags & bit) !== 0;
  if (isSet(0x01)) throw new MalformedPacketError('The reserved connect flag is set');
  const willQoS = (flags >> 3) & 3;
  if (willQoS === 3) throw new MalformedPacketError('The QoS of the will is 3');
  if (!isSet(0x04) && (flags & 0x38) !== 0) throw new MalformedPacketError('The flags of a will are set without one');
  if (level < 5 && isSet(0x40) && !isSet(0x80)) throw new MalformedPacketError('A password comes without a user name');
  const keepAlive = body.two('The keep alive');
  const properties = propertiesOf('CONNECT', body, level);
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw new MalformedPacketError('Authentication data comes without a method');
  }
  const clientId = body.string('The client identifier');
  if (level < 5 && clientId === '' && !isSet(0x02)) {
    throw new MalformedPacketError('An empty client identifier comes without clean session');
  }
  const will = isSet(0x04)
    ? {
        properties: propertiesOf('will', body, level),
        topic: willTopicOf(body),
        payload: body.binary('The will payload'),
        qos: willQoS,
        retain: isSet(0x20),
      }
    : undefined;
  const username = isSet(0x80) ? body.string('The user name') : undefined;
  const password = isSet(0x40) ? body.binary('The password') : undefined;
  const connect = { protocolName, protocolLevel, flags, clean: isSet(0x02), keepAlive, properties, clientId };
  return { name: 'CONNECT', ...received, ...connect, will, username, password };
}

function willTopicOf(body: PacketBody): string {
  const topic = body.string('The will topic');
  if (topic === '' || /[+#]/.test(topic)) throw new MalformedPacketError(`The will topic is '${topic}'`);
  return topic;
}

function readSubscribe(body: PacketBody, received: Received, level: ProtocolLevel): SubscribePacket {
  const packetId = packetIdOf('SUBSCRIBE', body);
  const properties = propertiesOf('SUBSCRIBE', body, level);
  const subscriptions: { filter: string; options: number }[] = [];
  do {
    const filter = filterOf(body, level);
    const options = body.byte('The subscription options');
    const isValid = level === 5 ? (options & 0xc0) === 0 && (options & 0x30) !== 0x30 : options < 4;
    if (!isValid || (options & 3) === 3) {
      throw new MalformedPacketError(`The options of ${filter} are 0x${options.toString(16)}`);
    }
    if ((options & 4) !== 0 && filter.startsWith('$share/')) {
      throw new MalformedPacketError(`No Local is set for ${filter}`);
    }
    subscriptions.push({ filter, options });
  } while (body.left > 0);
  return { name: 'SUBSCRIBE', ...received, packetId, properties, subscriptions };
}

function filterOf(body: PacketBody, level: ProtocolLevel): string {
  const filter = body.string('A topic filter');
  const levels = filter.split('/');
  const isValid = levels.every(
    (one, index) => !/[+#]/.test(one) || one === '+' || (one === '#' && index === levels.length - 1),
  );
  if (filter === '' || !isValid) throw new MalformedPacketError(`The topic filter '${filter}' is not valid`);
  if (
    level === 5 &&
    levels[0] === '$share' &&
    (levels.length < 3 || /^[+#]?$/.test(levels[1]) || isEmptyShare(levels))
  ) {
    throw new MalformedPacketError(`The shared subscription '${filter}' is not valid`);
  }
  return filter;
}

/** Whether nothing follows the name of the group. */
function isEmptyShare(levels: readonly string[]): boolean {
  return levels.length === 3 && levels[2] === '';
}
