import { describe, expect, it } from 'vitest';
import { PacketType } from './constants.js';
import type { Properties } from './packets.js';
import { decodeProperties, propertiesSize, WILL, writeProperties } from './properties.js';
import { ProtocolError } from './protocol-error.js';
import { Reader } from './reader.js';

const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, AUTH } = PacketType;
const REASON_STRING = [CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH];

/** Table 2-4 of MQTT 5.0 again, as bytes: a valid property of each kind, and where it may stand. */
const TABLE: readonly (readonly [name: string, bytes: readonly number[], owners: readonly number[]])[] = [
  ['payloadFormatIndicator', [0x01, 0], [PUBLISH, WILL]],
  ['messageExpiryInterval', [0x02, 0, 0, 0, 1], [PUBLISH, WILL]],
  ['contentType', [0x03, 0, 0], [PUBLISH, WILL]],
  ['responseTopic', [0x08, 0, 1, 0x61], [PUBLISH, WILL]],
  ['correlationData', [0x09, 0, 0], [PUBLISH, WILL]],
  ['subscriptionIdentifiers', [0x0b, 1], [PUBLISH, SUBSCRIBE]],
  ['sessionExpiryInterval', [0x11, 0, 0, 0, 1], [CONNECT, CONNACK, DISCONNECT]],
  ['assignedClientIdentifier', [0x12, 0, 0], [CONNACK]],
  ['serverKeepAlive', [0x13, 0, 0], [CONNACK]],
  ['authenticationMethod', [0x15, 0, 0], [CONNECT, CONNACK, AUTH]],
  ['requestProblemInformation', [0x17, 0], [CONNECT]],
  ['willDelayInterval', [0x18, 0, 0, 0, 0], [WILL]],
  ['requestResponseInformation', [0x19, 0], [CONNECT]],
  ['responseInformation', [0x1a, 0, 0], [CONNACK]],
  ['serverReference', [0x1c, 0, 0], [CONNACK, DISCONNECT]],
  ['reasonString', [0x1f, 0, 0], REASON_STRING],
  ['receiveMaximum', [0x21, 0, 1], [CONNECT, CONNACK]],
  ['topicAliasMaximum', [0x22, 0, 0], [CONNECT, CONNACK]],
  ['topicAlias', [0x23, 0, 1], [PUBLISH]],
  ['maximumQoS', [0x24, 0], [CONNACK]],
  ['retainAvailable', [0x25, 0], [CONNACK]],
  ['userProperties', [0x26, 0, 0, 0, 0], [WILL, CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, ...REASON_STRING]],
  ['maximumPacketSize', [0x27, 0, 0, 0, 1], [CONNECT, CONNACK]],
  ['wildcardSubscriptionAvailable', [0x28, 0], [CONNACK]],
  ['subscriptionIdentifierAvailable', [0x29, 0], [CONNACK]],
  ['sharedSubscriptionAvailable', [0x2a, 0], [CONNACK]],
];

const OWNERS = [WILL, ...Object.values(PacketType)] as const;

describe('properties', () => {
  for (const [name, property, owners] of TABLE) {
    it(`reads and writes ${name} where the standard has it, and refuses it anywhere else`, () => {
      const bytes = Uint8Array.of(property.length, ...property);
      const size = property.length;
      let value: Properties = {};
      for (const owner of OWNERS) {
        const read = () => decodeProperties(new Reader(bytes, 0, bytes.length, 'it'), owner) ?? {};
        if (!owners.includes(owner)) {
          expect(read).toThrow(ProtocolError);
          continue;
        }
        value = read();
        expect(Object.keys(value)).toEqual([name]);
        const out = new Uint8Array(size + 1);
        expect(propertiesSize(value, owner)).toBe(size);
        expect(writeProperties(out, 0, value, size)).toBe(size + 1);
        expect(out).toEqual(bytes);
      }
      for (const owner of OWNERS) {
        if (!owners.includes(owner)) expect(() => propertiesSize(value, owner)).toThrow(ProtocolError);
      }
    });
  }

  it('reads on after the properties, and not before', () => {
    const reader = new Reader(Uint8Array.of(0xee, 2, 0x24, 1, 0x77), 1, 5, 'it');
    expect(decodeProperties(reader, CONNACK)).toEqual({ maximumQoS: 1 });
    expect([reader.at, reader.end]).toEqual([4, 5]);
    expect(reader.byte('the rest')).toBe(0x77);
  });

  it('gives the lengths of more than 127 bytes in more than one byte', () => {
    const value = { userProperties: [['x'.repeat(200), 'y'.repeat(20_000)]] as const };
    const size = propertiesSize(value, PUBLISH);
    const out = new Uint8Array(size + 3);
    expect(writeProperties(out, 0, value, size)).toBe(out.length);
    expect(decodeProperties(new Reader(out, 0, out.length, 'it'), PUBLISH)).toEqual(value);
  });
});
