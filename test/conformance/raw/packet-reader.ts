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
  reasonCodeOf,
} from './packet-fields.js';
import type { PacketName, ProtocolLevel } from './packet-writer.js';
import type { Properties } from './property-table.js';

export interface ConnackPacket extends Received {
  readonly name: 'CONNACK';
  /** The byte as it came. */
  readonly flags: number;
  readonly sessionPresent: boolean;
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
  readonly name: 'PINGRESP';
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
export type ServerPacketOf<N extends PacketName> = PacketOf<N, ServerPacket>;

const CONNECT_REASON_CODES = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9f,
];

/** The reason codes that a server may put into each packet of MQTT 5.0. */
const REASON_CODES: ReasonCodes = {
  CONNACK: CONNECT_REASON_CODES,
  ...ACKNOWLEDGEMENT_REASON_CODES,
  SUBACK: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  UNSUBACK: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  DISCONNECT: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  AUTH: [0x00, 0x18],
};

/**
 * Reads one packet from a server, strictly: it is where every packet that a test meets proves the rules on form.
 * @throws MalformedPacketError
 */
export function readServerPacket(bytes: Buffer, level: ProtocolLevel): ServerPacket {
  const { name, body } = openPacket(bytes, ['PUBREL']);
  const packet = readBody(name, body, { bytes, firstByte: bytes[0] }, level);
  body.end(name);
  return packet;
}

function readBody(name: PacketName, body: PacketBody, received: Received, level: ProtocolLevel): ServerPacket {
  switch (name) {
    case 'CONNACK': {
      const flags = body.byte('The flags of CONNACK');
      if ((flags & 0xfe) !== 0) throw new MalformedPacketError('The reserved flags of CONNACK are not 0');
      const reasonCode = level === 5 ? reasonCodeOf(name, body, REASON_CODES) : body.byte('The return code');
      if (level < 5 && reasonCode > 5) throw new MalformedPacketError(`CONNACK has no return code ${reasonCode}`);
      const properties = propertiesOf(name, body, level);
      return { name, ...received, flags, sessionPresent: (flags & 1) === 1, reasonCode, properties };
    }
    case 'PUBLISH':
      return readPublish(body, received, level);
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      return readAcknowledgement(name, body, received, level);
    case 'SUBACK':
    case 'UNSUBACK': {
      const packetId = packetIdOf(name, body);
      const properties = propertiesOf(name, body, level);
      const reasonCodes: number[] = [];
      if (level === 5) while (body.left > 0) reasonCodes.push(reasonCodeOf(name, body, REASON_CODES));
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
      const packet = readReasonPacket(name, body, received, REASON_CODES);
      if (name === 'DISCONNECT' && packet.properties.sessionExpiryInterval !== undefined) {
        throw new MalformedPacketError('A server sent a session expiry interval in DISCONNECT');
      }
      return packet;
    }
    default:
      throw new MalformedPacketError(`A server does not send ${name}`);
  }
}
