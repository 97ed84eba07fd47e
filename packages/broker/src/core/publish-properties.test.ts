import { decodePublish, encodePacket, PacketType, type Properties, type Publish } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PublishProperties } from './publish-properties.js';

const BODY = 2;
const TOPIC_END = BODY + 3;

/** A PUBLISH of QoS 0 to `t` with these bytes of properties, and a payload of one byte. */
function frame(properties: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.of(0x30, 5 + properties.length, 0, 1, 0x74, properties.length),
    properties,
    Buffer.of(9),
  ]);
}

function codecReads(bytes: Uint8Array): Publish | null {
  try {
    return decodePublish(bytes, 0, BODY, bytes.length, 5);
  } catch {
    return null;
  }
}

function passedOn({ topicAlias, ...rest }: Properties): Properties {
  return rest;
}

const byte = fc.nat(255);
const text = fc.string({ maxLength: 4, unit: fc.constantFrom('a', '/', 'ü', '+', '#', '\u0000', '😀') });
const textBytes = text.map((each) => {
  const bytes = Buffer.from(each);
  return [0, bytes.length, ...bytes];
});
const property = fc.oneof(
  fc.tuple(fc.constant(0x01), fc.nat(2)),
  fc.tuple(fc.constantFrom(0x03, 0x08, 0x09), textBytes).map(([id, bytes]) => [id, ...bytes]),
  fc.tuple(textBytes, textBytes).map(([name, value]) => [0x26, ...name, ...value]),
  fc.tuple(fc.constant(0x23), fc.constant(0), fc.nat(3)),
  fc.tuple(fc.constant(0x02), fc.constant(0), fc.constant(0), fc.constant(0), byte),
  fc.tuple(fc.constant(0x0b), fc.nat(3)),
  fc.array(byte, { maxLength: 3 }),
);
const properties = fc.array(property, { maxLength: 5 }).map((all) => Uint8Array.from(all.flat()));

describe('PublishProperties', () => {
  it('takes nothing that the codec refuses, and nothing that it would write in other bytes', () => {
    const read = new PublishProperties();
    let taken = 0;
    fc.assert(
      fc.property(properties, fc.boolean(), (bytes, isCut) => {
        const whole = frame(bytes);
        const source = isCut ? whole.subarray(0, whole.length - 2) : whole;
        if (!read.read(source, TOPIC_END, source.length)) return;
        taken++;
        const packet = codecReads(source);
        if (packet === null) throw new Error('the codec refuses it');
        expect(source.length - read.end).toBe(packet.payload.length);
        expect(read.alias).toBe(packet.properties?.topicAlias ?? 0);
        const own = [...source.subarray(TOPIC_END + 1, read.end)];
        if (read.alias > 0) own.splice(read.aliasAt - TOPIC_END - 1, 3);
        const again = encodePacket({ ...packet, properties: passedOn(packet.properties ?? {}) }, 5);
        expect([...again.subarray(TOPIC_END + 1, again.length - packet.payload.length)]).toEqual(own);
      }),
      { numRuns: 5000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it.each<[string, Properties]>([
    [
      'user properties',
      {
        userProperties: [
          ['a', 'b'],
          ['a', 'ü'],
        ],
      },
    ],
    ['what a request has', { responseTopic: 'answers/1', correlationData: Buffer.of(0, 255) }],
    ['a content type and the format of the payload', { payloadFormatIndicator: 1, contentType: 'text/plain' }],
    ['an alias', { topicAlias: 258, contentType: 'x' }],
    ['more than 127 bytes', { contentType: 'x'.repeat(200) }],
  ])('takes %s', (_, given) => {
    const bytes = encodePacket(
      {
        type: PacketType.PUBLISH,
        topic: 't',
        payload: Buffer.of(9),
        qos: 0,
        retain: false,
        dup: false,
        properties: given,
      },
      5,
    );
    const read = new PublishProperties();
    const body = bytes[1] < 128 ? BODY : BODY + 1;
    expect(read.read(bytes, body + 3, bytes.length)).toBe(true);
    expect(bytes.length - read.end).toBe(1);
    expect(read.alias).toBe(given.topicAlias ?? 0);
  });
});
