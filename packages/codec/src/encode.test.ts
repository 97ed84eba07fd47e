import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, packetFixtures } from '../../../test/fixtures/packets.js';
import { PacketType, type ProtocolVersion } from './constants.js';
import { decodePacket } from './decode.js';
import { encodePacket, PINGREQ_BYTES, PINGRESP_BYTES } from './encode.js';
import { type ClientPacket, encodeClientPacket } from './encode-client-packet.js';
import { Framer } from './framer.js';
import { packets } from './packet-arbitraries.test-support.js';
import type { Connect, Packet, Publish, Subscribe } from './packets.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';

const VERSIONS = [3, 4, 5] as const;

function decodeWhole(bytes: Uint8Array, version: ProtocolVersion): Packet {
  const framer = new Framer();
  framer.strictLength = true;
  framer.feed(bytes, bytes.length);
  expect(framer.next()).toBe(true);
  expect(framer.end).toBe(bytes.length);
  return decodePacket(framer.bytes, framer.start, framer.body, framer.end, version);
}

function refusal(packet: Packet, version: ProtocolVersion): ProtocolError {
  try {
    encodePacket(packet, version);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('was encoded');
}

const connect: Connect = { type: PacketType.CONNECT, protocolVersion: 4, clean: true, keepAlive: 0, clientId: 'c' };
const publish: Publish = {
  type: PacketType.PUBLISH,
  topic: 't',
  payload: new Uint8Array(0),
  qos: 1,
  retain: false,
  dup: false,
  packetId: 1,
};
const subscribe: Subscribe = {
  type: PacketType.SUBSCRIBE,
  packetId: 1,
  subscriptions: [{ filter: 'a', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
};

describe('encodePacket', () => {
  for (const { name, hex, versions, packet, canonical } of packetFixtures) {
    if (packet === undefined) continue;
    for (const version of versions) {
      if (canonical === false) {
        it(`encodes ${name} in a form that decodes to the same (version ${version})`, () => {
          const bytes = encodePacket(packet, version);
          expect(bytes.length).toBeLessThanOrEqual(bytesOf(hex).length);
          expect(decodeWhole(bytes, version)).toEqual(packet);
        });
      } else {
        it(`encodes ${name} (version ${version})`, () => {
          expect(encodePacket(packet, version)).toEqual(bytesOf(hex));
        });
      }
    }
  }

  for (const version of VERSIONS) {
    it(`gives bytes that decode to the same packet (version ${version})`, () => {
      fc.assert(
        fc.property(packets(version), (packet) => {
          expect(decodeWhole(encodePacket(packet, version), version)).toEqual(packet);
        }),
        { numRuns: 600 },
      );
    });
  }

  it('gives an array of its own and of the exact size', () => {
    const first = encodePacket({ type: PacketType.PINGREQ }, 4);
    const second = encodePacket(publish, 4);
    for (const bytes of [first, second]) expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(first).toEqual(PINGREQ_BYTES);
    expect(first).not.toBe(PINGREQ_BYTES);
    expect(encodePacket({ type: PacketType.PINGRESP }, 4)).toEqual(PINGRESP_BYTES);
  });

  it('leaves out what 3.1 and 3.1.1 have no place for', () => {
    const properties = { userProperties: [['a', 'b']] as const };
    expect(encodePacket({ ...publish, properties }, 4)).toEqual(encodePacket(publish, 4));
    expect(
      encodePacket({ type: PacketType.PUBACK, packetId: 1, reasonCode: ReasonCode.NOT_AUTHORIZED, properties }, 3),
    ).toEqual(bytesOf('40 02 0001'));
    expect(encodePacket({ type: PacketType.DISCONNECT, reasonCode: ReasonCode.NOT_AUTHORIZED, properties }, 4)).toEqual(
      bytesOf('e0 00'),
    );
    expect(
      encodePacket({ type: PacketType.UNSUBACK, packetId: 1, reasonCodes: [ReasonCode.SUCCESS], properties }, 4),
    ).toEqual(bytesOf('b0 02 0001'));
    const options = { noLocal: true, retainAsPublished: true, retainHandling: 2 as const };
    expect(encodePacket({ ...subscribe, subscriptions: [{ filter: 'a', qos: 1, ...options }] }, 4)).toEqual(
      bytesOf('82 06 0001 0001 "a" 01'),
    );
  });

  it('turns every failure in a SUBACK into the one that 3.1.1 knows', () => {
    const reasonCodes = [ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED, ReasonCode.QUOTA_EXCEEDED];
    expect(encodePacket({ type: PacketType.SUBACK, packetId: 1, reasonCodes }, 4)).toEqual(
      bytesOf('90 05 0001 01 80 80'),
    );
  });

  it('treats properties that are empty or undefined as none', () => {
    expect(encodePacket({ ...publish, properties: {} }, 5)).toEqual(encodePacket(publish, 5));
    const fromJavaScript = { ...publish, properties: { contentType: undefined } } as unknown as Publish;
    expect(encodePacket(fromJavaScript, 5)).toEqual(encodePacket(publish, 5));
  });

  const refused: readonly (readonly [name: string, version: ProtocolVersion, packet: unknown, message: string])[] = [
    ['a packet identifier of 0', 4, { ...publish, packetId: 0 }, 'packet identifier is 0'],
    ['a packet identifier that is missing', 4, { ...publish, packetId: undefined }, 'packet identifier is undefined'],
    ['a packet identifier of 65536', 4, { ...subscribe, packetId: 65536 }, 'packet identifier is 65536'],
    ['a packet identifier of one and a half', 4, { ...subscribe, packetId: 1.5 }, 'packet identifier is 1.5'],
    ['QoS 3', 4, { ...publish, qos: 3 }, 'QoS is 3'],
    ['DUP at QoS 0', 4, { ...publish, qos: 0, dup: true }, 'DUP'],
    ['a wildcard in a topic name', 4, { ...publish, topic: 'a/+' }, 'wildcard'],
    ['an empty topic name without an alias', 5, { ...publish, topic: '' }, 'is empty'],
    [
      'an empty topic name where there are no aliases',
      4,
      { ...publish, topic: '', properties: { topicAlias: 1 } },
      'empty',
    ],
    ['half a surrogate pair in a topic name', 4, { ...publish, topic: 'a\ud800' }, 'surrogate'],
    [
      'a null character in a user property',
      5,
      { ...publish, properties: { userProperties: [['a', '\0']] } },
      'value of a user property',
    ],
    ['a string of 65536 bytes', 4, { ...connect, clientId: 'x'.repeat(65536) }, 'client identifier has 65536 bytes'],
    [
      'a string of few characters but too many bytes',
      4,
      { ...connect, clientId: '\u20ac'.repeat(21846) },
      '65538 bytes',
    ],
    ['a password that is too long', 4, { ...connect, username: '', password: new Uint8Array(65536) }, 'password'],
    ['a keep alive of 65536 seconds', 4, { ...connect, keepAlive: 65536 }, 'keep alive'],
    ['a keep alive below 0', 4, { ...connect, keepAlive: -1 }, 'keep alive'],
    ['a CONNECT of another version than the connection', 5, connect, 'version 4'],
    ['a bridge of 5.0', 5, { ...connect, protocolVersion: 5, bridge: true }, 'bridge'],
    ['a password without a user name in 3.1.1', 4, { ...connect, password: new Uint8Array(1) }, 'user name'],
    [
      'a will with a wildcard',
      4,
      { ...connect, will: { topic: '#', payload: new Uint8Array(0), qos: 0, retain: false } },
      'wildcard',
    ],
    [
      'a CONNACK of 3.1.1 with a reason code of 5.0',
      4,
      { type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0x87 },
      '0x87',
    ],
    [
      'a CONNACK of 5.0 with a return code of 3.1.1',
      5,
      { type: PacketType.CONNACK, sessionPresent: false, reasonCode: 5 },
      '0x05',
    ],
    [
      'a refusal with a session',
      4,
      { type: PacketType.CONNACK, sessionPresent: true, reasonCode: 5 },
      'Session Present',
    ],
    ['a reason code of another packet', 5, { type: PacketType.PUBACK, packetId: 1, reasonCode: 0x8e }, '0x8e'],
    [
      'a reason code of another packet in a SUBACK',
      5,
      { type: PacketType.SUBACK, packetId: 1, reasonCodes: [0x11] },
      '0x11',
    ],
    ['a SUBACK without a reason code', 5, { type: PacketType.SUBACK, packetId: 1, reasonCodes: [] }, 'no reason code'],
    ['a SUBSCRIBE without a topic filter', 4, { ...subscribe, subscriptions: [] }, 'no topic filter'],
    [
      'an UNSUBSCRIBE without a topic filter',
      4,
      { type: PacketType.UNSUBSCRIBE, packetId: 1, filters: [] },
      'no topic filter',
    ],
    [
      'a topic filter that is none',
      4,
      { type: PacketType.UNSUBSCRIBE, packetId: 1, filters: ['a#'] },
      'alone in the last level',
    ],
    [
      'a shared subscription without a filter',
      5,
      { type: PacketType.UNSUBSCRIBE, packetId: 1, filters: ['$share/g'] },
      'no topic filter',
    ],
    [
      'No Local for a shared subscription',
      5,
      { ...subscribe, subscriptions: [{ ...subscribe.subscriptions[0], filter: '$share/g/a', noLocal: true }] },
      'No Local',
    ],
    [
      'a retain handling of 3',
      5,
      { ...subscribe, subscriptions: [{ ...subscribe.subscriptions[0], retainHandling: 3 }] },
      'retain handling',
    ],
    ['an AUTH before 5.0', 4, { type: PacketType.AUTH, reasonCode: 0 }, 'does not exist'],
    ['an AUTH without a method', 5, { type: PacketType.AUTH, reasonCode: 0x18 }, 'method is missing'],
    [
      'an AUTH with a reason code of another packet',
      5,
      { type: PacketType.AUTH, reasonCode: 0x80, properties: { authenticationMethod: 'm' } },
      '0x80',
    ],
    ['a property that does not exist', 5, { ...publish, properties: { contentTyp: 'x' } }, 'contentTyp'],
    ['a property of another packet', 5, { ...publish, properties: { maximumQoS: 1 } }, 'not a property of PUBLISH'],
    [
      'a property of a will in its CONNECT',
      5,
      { ...connect, protocolVersion: 5, properties: { willDelayInterval: 1 } },
      'CONNECT',
    ],
    ['a property of the wrong type', 5, { ...publish, properties: { contentType: 5 } }, 'not a string'],
    ['a flag that is a boolean', 5, { ...publish, properties: { payloadFormatIndicator: true } }, 'not a number'],
    ['a flag of 2', 5, { ...publish, properties: { payloadFormatIndicator: 2 } }, 'allowed is 0 to 1'],
    [
      'a number that its field cannot hold',
      5,
      { ...publish, properties: { messageExpiryInterval: 2 ** 32 } },
      '4294967295',
    ],
    ['a topic alias of 0', 5, { ...publish, properties: { topicAlias: 0 } }, 'topicAlias is 0'],
    [
      'two subscription identifiers in a SUBSCRIBE',
      5,
      { ...subscribe, properties: { subscriptionIdentifiers: [1, 2] } },
      'only once',
    ],
    ['a subscription identifier of 0', 5, { ...subscribe, properties: { subscriptionIdentifiers: [0] } }, 'is 0'],
    ['a response topic with a wildcard', 5, { ...publish, properties: { responseTopic: '#' } }, 'responseTopic'],
    [
      'correlation data of 65536 bytes',
      5,
      { ...publish, properties: { correlationData: new Uint8Array(65536) } },
      'correlationData',
    ],
    [
      'authentication data without a method',
      5,
      { ...connect, protocolVersion: 5, properties: { authenticationData: new Uint8Array(1) } },
      'authenticationMethod',
    ],
  ];
  for (const [name, version, packet, message] of refused) {
    it(`refuses ${name}, and says so`, () => {
      expect(refusal(packet as Packet, version).message).toContain(message);
    });
  }
});

function isClientPacket(packet: Packet): packet is ClientPacket {
  const { PUBLISH, CONNACK, SUBACK, UNSUBACK, PINGRESP } = PacketType;
  return ![PUBLISH, CONNACK, SUBACK, UNSUBACK, PINGRESP].some((type) => type === packet.type);
}

describe('encodeClientPacket', () => {
  it.each(VERSIONS)('gives the same bytes as encodePacket, packet after packet (version %i)', (version) => {
    const packet = packets(version).filter(isClientPacket);
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), (list) => {
        for (const one of list) expect(encodeClientPacket(one, version).slice()).toEqual(encodePacket(one, version));
      }),
    );
  });

  it('writes into the same memory again, and does not keep a large one', () => {
    const first = encodeClientPacket({ type: PacketType.PINGREQ }, 4);
    expect(encodeClientPacket({ type: PacketType.PUBACK, packetId: 1, reasonCode: 0 }, 4).buffer).toBe(first.buffer);
    const filters = Array.from({ length: 5000 }, (_, i) => `level/${i}/#`);
    expect(encodeClientPacket({ type: PacketType.UNSUBSCRIBE, packetId: 1, filters }, 4).length).toBeGreaterThan(
      65_536,
    );
    expect(encodeClientPacket({ type: PacketType.PINGREQ }, 4).buffer.byteLength).toBeLessThan(65_536);
  });

  it('writes the next packet whole after one that it refused', () => {
    expect(() => encodeClientPacket({ ...connect, username: '\0' }, 4)).toThrow(ProtocolError);
    expect(encodeClientPacket({ type: PacketType.PINGREQ }, 4)).toEqual(PINGREQ_BYTES);
  });

  it('grows for packets of any size', () => {
    const filters = Array.from({ length: 5000 }, (_, i) => `level/${i}/#`);
    const packet: ClientPacket = { type: PacketType.UNSUBSCRIBE, packetId: 1, filters };
    expect(decodeWhole(encodeClientPacket(packet, 4), 4)).toEqual(packet);
  });
});
