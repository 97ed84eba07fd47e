import { describe, expect, it } from 'vitest';
import { bytesOf, type Fixture, packetFixtures } from '../../../test/fixtures/packets.js';
import type { ProtocolVersion } from './constants.js';
import { PacketType } from './constants.js';
import { decodePacket } from './decode.js';
import { decodeServerPacket } from './decode-server-packet.js';
import { encodePacket } from './encode.js';
import { Framer } from './framer.js';
import { MAX_FILTERS_PER_PACKET, MAX_SUBSCRIPTION_IDENTIFIERS, MAX_USER_PROPERTIES } from './limits.js';
import type { Packet } from './packets.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode, reasonName } from './reason-codes.js';

/** What a receiver makes of a stream that is read in two pieces, `cut` bytes first. */
function receive(bytes: Uint8Array, version: ProtocolVersion, cut = bytes.length): Packet[] {
  const framer = new Framer();
  framer.strictLength = version === 5;
  const packets: Packet[] = [];
  for (const piece of [bytes.slice(0, cut), bytes.slice(cut)]) {
    framer.feed(piece, piece.length);
    while (framer.next()) packets.push(decodePacket(framer.bytes, framer.start, framer.body, framer.end, version));
    framer.finish();
  }
  return packets;
}

function refusal(bytes: Uint8Array, version: ProtocolVersion): ProtocolError {
  try {
    receive(bytes, version);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

function title(fixture: Fixture, version: ProtocolVersion): string {
  const outcome = fixture.error === undefined ? 'decodes' : `answers "${reasonName(fixture.error)}" to`;
  return `${fixture.statements?.map((id) => `[${id}] `).join('') ?? ''}${outcome} ${fixture.name} (version ${version})`;
}

describe('the fixture table', () => {
  it('has every type of packet and every property in it', () => {
    const types = new Set<number>();
    const properties = new Set<string>();
    for (const { packet } of packetFixtures) {
      if (packet === undefined) continue;
      types.add(packet.type);
      const sets = [
        'properties' in packet ? packet.properties : undefined,
        'will' in packet ? packet.will?.properties : undefined,
      ];
      for (const set of sets) for (const key in set) properties.add(key);
    }
    expect([...types].sort((a, b) => a - b)).toEqual(Object.values(PacketType));
    expect(properties.size).toBe(27);
  });

  it('says one thing about each frame: a packet or an error, under one name', () => {
    const names = packetFixtures.flatMap(({ name, versions }) => versions.map((version) => `${name} ${version}`));
    expect(new Set(names).size).toBe(names.length);
    for (const { packet, error } of packetFixtures) expect((packet === undefined) !== (error === undefined)).toBe(true);
  });
});

describe('decodePacket', () => {
  for (const fixture of packetFixtures) {
    const bytes = bytesOf(fixture.hex);
    for (const version of fixture.versions) {
      it(title(fixture, version), () => {
        if (fixture.error === undefined) expect(receive(bytes, version)).toEqual([fixture.packet]);
        else expect(refusal(bytes, version).reasonCode).toBe(fixture.error);
      });
    }
  }

  it('decodes every packet the same wherever it is cut', () => {
    for (const { hex, versions, packet } of packetFixtures) {
      if (packet === undefined) continue;
      const bytes = bytesOf(hex);
      for (let cut = 0; cut <= bytes.length; cut++) {
        for (const version of versions) expect(receive(bytes, version, cut)).toEqual([packet]);
      }
    }
  });

  it('refuses every packet that breaks off, but where what can be left out is missing', () => {
    const mayBreakOff = new Set<number>([PacketType.PUBLISH, PacketType.SUBACK, PacketType.UNSUBACK]);
    for (const { hex, versions, packet } of packetFixtures) {
      if (packet === undefined || mayBreakOff.has(packet.type)) continue;
      const bytes = bytesOf(hex);
      for (const version of versions) {
        for (let end = 2; end < bytes.length; end++) {
          let shorter: Packet;
          try {
            shorter = decodePacket(bytes, 0, 2, end, version);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
            continue;
          }
          // What is left is a packet of its own: it says less, and nothing that was not there.
          expect(encodePacket(shorter, version).length).toBeLessThanOrEqual(end);
        }
      }
    }
  });

  it('[MQTT-1.5.5-1] takes a CONNECT with a padded remaining length before 5.0 only', () => {
    const connect = (level: number): number[] => [0, 4, 0x4d, 0x51, 0x54, 0x54, level, 2, 0, 0, 0, 1, 0x61];
    const padded = (body: number[]): Uint8Array => Uint8Array.from([0x10, body.length | 0x80, 0, ...body]);
    expect(receive(padded(connect(4)), 4)).toHaveLength(1);
    const framer = new Framer(); // Nobody has told it the version yet.
    const bytes = padded([...connect(5).slice(0, 10), 0, ...connect(5).slice(10)]);
    framer.feed(bytes, bytes.length);
    expect(framer.next()).toBe(true);
    expect(() => decodePacket(framer.bytes, framer.start, framer.body, framer.end, 5)).toThrow('shortest form');
  });

  it('reads CONNECT by the version that it names, whatever it is told', () => {
    for (const { hex, packet } of packetFixtures) {
      if (packet?.type !== PacketType.CONNECT) continue;
      const bytes = bytesOf(hex);
      for (const version of [3, 4, 5] as const)
        expect(decodePacket(bytes, 0, 2, bytes.length, version)).toEqual(packet);
    }
  });

  it('gives views of the payload and of binary properties, not copies', () => {
    const bytes = bytesOf('30 0c 0001 "t" 04 09 0001 aa 01 02 03 04');
    const packet = decodePacket(bytes, 0, 2, bytes.length, 5);
    bytes.fill(0xee);
    expect(packet).toMatchObject({
      topic: 't',
      payload: Uint8Array.of(0xee, 0xee, 0xee, 0xee),
      properties: { correlationData: Uint8Array.of(0xee) },
    });
  });

  it('decodes at any offset of a larger array, and in a view of one', () => {
    const frame = bytesOf('32 08 0003 "a/b" 0007 ff');
    const memory = new Uint8Array(64).fill(0x55);
    memory.set(frame, 20);
    const expected = decodePacket(frame, 0, 2, frame.length, 4);
    expect(decodePacket(memory, 20, 22, 30, 4)).toEqual(expected);
    expect(decodePacket(memory.subarray(13), 7, 9, 17, 4)).toEqual(expected);
  });

  it('names the packet and the field in what it says', () => {
    expect(refusal(bytesOf('30 04 0002 "a" ff'), 4).message).toContain('PUBLISH: the topic name is not valid UTF-8');
    expect(refusal(bytesOf('82 04 0001 0001'), 4).message).toContain(
      'SUBSCRIBE: ends before the end of a topic filter',
    );
  });

  it('refuses more user properties than its bound', () => {
    const packet = (count: number): Packet => ({
      type: PacketType.DISCONNECT,
      reasonCode: ReasonCode.SUCCESS,
      properties: { userProperties: new Array<[string, string]>(count).fill(['', '']) },
    });
    expect(receive(encodePacket(packet(MAX_USER_PROPERTIES), 5), 5)).toEqual([packet(MAX_USER_PROPERTIES)]);
    expect(refusal(encodePacket(packet(MAX_USER_PROPERTIES + 1), 5), 5).reasonCode).toBe(ReasonCode.QUOTA_EXCEEDED);
  });

  it('refuses more subscription identifiers than its bound', () => {
    const bytes = (count: number) =>
      encodePacket(
        {
          type: PacketType.PUBLISH,
          topic: 't',
          payload: new Uint8Array(0),
          qos: 0,
          retain: false,
          dup: false,
          properties: { subscriptionIdentifiers: new Array<number>(count).fill(1) },
        },
        5,
      );
    expect(receive(bytes(MAX_SUBSCRIPTION_IDENTIFIERS), 5)).toHaveLength(1);
    expect(refusal(bytes(MAX_SUBSCRIPTION_IDENTIFIERS + 1), 5).reasonCode).toBe(ReasonCode.QUOTA_EXCEEDED);
  });

  it('refuses more topic filters than its bound', () => {
    const bytes = (count: number) =>
      encodePacket({ type: PacketType.UNSUBSCRIBE, packetId: 1, filters: new Array<string>(count).fill('a') }, 4);
    expect(receive(bytes(MAX_FILTERS_PER_PACKET), 4)).toHaveLength(1);
    expect(refusal(bytes(MAX_FILTERS_PER_PACKET + 1), 4).reasonCode).toBe(ReasonCode.QUOTA_EXCEEDED);
  });
});

describe('decodeServerPacket', () => {
  const FROM_CLIENTS: readonly number[] = [
    PacketType.CONNECT,
    PacketType.SUBSCRIBE,
    PacketType.UNSUBSCRIBE,
    PacketType.PINGREQ,
  ];

  it.each([3, 4, 5] as const)(
    'takes what a server sends but PUBLISH, and nothing that clients alone send (version %i)',
    (version) => {
      const seen = new Set<number>();
      for (const { hex, packet, versions } of packetFixtures) {
        if (packet === undefined || !versions.includes(version)) continue;
        if (packet.type === PacketType.PUBLISH) continue;
        const bytes = bytesOf(hex);
        const framer = new Framer();
        framer.feed(bytes, bytes.length);
        framer.next();
        const decode = () => decodeServerPacket(framer.bytes, framer.start, framer.body, framer.end, version);
        seen.add(packet.type);
        if (FROM_CLIENTS.includes(packet.type)) expect(decode).toThrow('A server sends no ');
        else expect(decode()).toEqual(packet);
      }
      expect(seen.size).toBe(version === 5 ? 14 : 13);
    },
  );
});
