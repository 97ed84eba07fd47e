import { decodePacket, encodePacket, type Packet, PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { fitPacket } from './packet-fit.js';

const properties = { reasonString: 'because', userProperties: [['k', 'v']] as [string, string][] };
const puback: Packet = { type: PacketType.PUBACK, packetId: 7, reasonCode: 0x97, properties };
const connack: Packet = {
  type: PacketType.CONNACK,
  sessionPresent: false,
  reasonCode: 0x87,
  properties: { ...properties, receiveMaximum: 5 },
};

const sizeOf = (packet: Packet): number => encodePacket(packet, 5).length;

function fitted(packet: Packet, maximumSize: number, wantsProblemInformation = true) {
  const bytes = fitPacket(packet, 5, maximumSize, wantsProblemInformation);
  if (bytes === null) return null;
  const decoded = decodePacket(bytes, 0, 2, bytes.length, 5);
  return 'properties' in decoded ? (decoded.properties ?? {}) : {};
}

describe('fitPacket', () => {
  it('leaves a packet whole that fits', () => {
    expect(fitted(puback, sizeOf(puback))).toEqual(properties);
    expect(fitted(puback, Number.POSITIVE_INFINITY)).toEqual(properties);
  });

  it('drops the reason string first, then the user properties, and nothing else [MQTT-3.2.2-19] [MQTT-3.2.2-20]', () => {
    const { reasonString: _, ...rest } = properties;
    expect(fitted(connack, sizeOf(connack) - 1)).toEqual({ ...rest, receiveMaximum: 5 });
    const less = sizeOf({ ...connack, properties: { ...rest, receiveMaximum: 5 } }) - 1;
    expect(fitted(connack, less)).toEqual({ receiveMaximum: 5 });
  });

  it('gives up when that does not help [MQTT-3.1.2-24]', () => {
    const least = sizeOf({ ...connack, properties: { receiveMaximum: 5 } });
    expect(fitted(connack, least)).not.toBeNull();
    expect(fitted(connack, least - 1)).toBeNull();
    expect(fitPacket({ type: PacketType.PINGRESP }, 5, 1, true)).toBeNull();
  });

  it('explains itself only to clients that want it, but for CONNACK and DISCONNECT [MQTT-3.1.2-29]', () => {
    expect(fitted(puback, 1000, false)).toEqual({});
    expect(fitted(connack, 1000, false)).toEqual({ ...properties, receiveMaximum: 5 });
    const disconnect: Packet = { type: PacketType.DISCONNECT, reasonCode: 0x8b, properties };
    expect(fitted(disconnect, 1000, false)).toEqual(properties);
  });

  it('does not change the packet that it is given', () => {
    const before = JSON.stringify(connack);
    fitted(connack, sizeOf(connack) - 1);
    expect(JSON.stringify(connack)).toBe(before);
  });

  it('is as simple as that before 5.0', () => {
    const suback: Packet = { type: PacketType.SUBACK, packetId: 1, reasonCodes: [0, 1] };
    expect(fitPacket(suback, 4, 6, false)).toEqual(encodePacket(suback, 4));
    expect(fitPacket(suback, 4, 5, false)).toBeNull();
  });
});
