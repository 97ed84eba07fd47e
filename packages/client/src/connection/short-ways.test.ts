import {
  decodePacket,
  encodePacket,
  Framer,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Publish,
  type QoS,
} from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Output } from './output.js';
import { PacketReader, type ReadPublish } from './packet-reader.js';
import { PublishWriter } from './publish-writer.js';
import { AutomaticAliases, TopicAliases } from './topic-aliases.js';

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
/** Few topics, so that they come again; some are as long as those that get an alias. */
const topic = fc.constantFrom(
  'a',
  'тема',
  'a/topic/that/is/worth/an/alias',
  'тема/that/is/worth/an/alias/too',
  'x'.repeat(300),
);
const payload = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.uint8Array({ maxLength: 300 }),
);
/** As long as they may be, and longer: their own length takes one byte or two. */
const properties: fc.Arbitrary<Properties> = fc.oneof(
  fc.constant({}),
  fc.record({ contentType: fc.integer({ min: 118, max: 130 }).map((length) => 'x'.repeat(length)) }),
  fc.record(
    {
      messageExpiryInterval: fc.nat(),
      correlationData: fc.uint8Array({ maxLength: 20 }),
      userProperties: fc.array(fc.tuple(fc.string({ maxLength: 9 }), fc.constant('тема')), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
);
const message = fc
  .record({
    topic,
    payload,
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    properties: fc.option(properties, { nil: undefined }),
  })
  .map(({ qos, dup, packetId, ...rest }) => ({
    ...rest,
    qos,
    dup: dup && qos > 0,
    packetId: qos === 0 ? 0 : packetId,
  }));
type TestMessage = typeof message extends fc.Arbitrary<infer T> ? T : never;

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

function packetOf({ packetId, payload, properties, ...rest }: TestMessage): Publish {
  const packet: Publish = { type: PacketType.PUBLISH, ...rest, payload: bytesOf(payload) };
  if (packetId > 0) packet.packetId = packetId;
  if (properties !== undefined) packet.properties = properties;
  return packet;
}

function written(writer: PublishWriter, messages: readonly TestMessage[], maximum = 1_000_000): Uint8Array {
  const output = new Output();
  for (const { topic, payload, qos, retain, dup, packetId, properties } of messages) {
    writer.write(output, topic, payload, qos, retain, dup, packetId, properties, maximum);
  }
  return output.take();
}

/** What a reader makes of bytes that come in pieces. */
function read(version: ProtocolVersion, bytes: Uint8Array, cuts: readonly number[] = []) {
  const told: unknown[] = [];
  const owner = {
    reads: () => true,
    publish: ({ topic, payload, qos, retain, dup, packetId, properties }: ReadPublish) =>
      told.push({ topic, payload, qos, retain, dup, packetId, properties }),
    puback: (packetId: number) => told.push({ type: PacketType.PUBACK, packetId, reasonCode: 0 }),
    packet: (packet: unknown) => told.push(packet),
  };
  const reader = new PacketReader(version, 1_000_000, owner, null);
  const ends = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].sort((a, b) => a - b);
  let failure: unknown = null;
  let from = 0;
  try {
    for (const end of ends) {
      const piece = new Uint8Array(bytes.subarray(from, end));
      reader.read(piece, piece.length);
      piece.fill(0xee);
      from = end;
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : error;
  }
  return { told, failure };
}

describe('PublishWriter', () => {
  it('gives the bytes of encodePacket', () => {
    fc.assert(
      fc.property(version, fc.array(message, { maxLength: 8 }), (version, messages) => {
        const expected = Buffer.concat(messages.map((one) => encodePacket(packetOf(one), version)));
        expect(Buffer.from(written(new PublishWriter(version), messages)).equals(expected)).toBe(true);
      }),
    );
  });

  it('says the same with aliases, in fewer bytes', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.integer({ min: 1, max: 3 }), (messages, maximum) => {
        const writer = new PublishWriter(5);
        const plain = written(writer, messages);
        writer.aliases = new AutomaticAliases(maximum);
        const bytes = written(writer, messages);
        const aliases = new TopicAliases(maximum);
        const { told } = read(5, bytes);
        const resolved = (told as ReadPublish[]).map((packet) => {
          aliases.resolve(packet);
          const { topicAlias, ...properties } = packet.properties ?? {};
          return { topic: packet.topic, payload: packet.payload, properties };
        });
        expect(resolved).toEqual(
          (read(5, plain).told as ReadPublish[]).map(({ topic, payload, properties = {} }) => ({
            topic,
            payload,
            properties,
          })),
        );
        // Each alias that is set costs five bytes at most.
        expect(bytes.length).toBeLessThanOrEqual(plain.length + 5 * maximum);
      }),
    );
  });

  it('writes nothing that is larger than allowed', () => {
    fc.assert(
      fc.property(version, message, (version, one) => {
        const { length } = encodePacket(packetOf(one), version);
        expect(written(new PublishWriter(version), [one], length - 1)).toHaveLength(0);
        expect(written(new PublishWriter(version), [one], length)).toHaveLength(length);
      }),
    );
  });
});

const FROM_CLIENTS: readonly PacketType[] = [
  PacketType.CONNECT,
  PacketType.SUBSCRIBE,
  PacketType.UNSUBSCRIBE,
  PacketType.PINGREQ,
];

/** What the codec makes of them. */
function decoded(version: ProtocolVersion, bytes: Uint8Array) {
  const told: unknown[] = [];
  const framer = new Framer(1_000_000);
  framer.strictLength = version === 5;
  let failure: unknown = null;
  try {
    framer.feed(bytes, bytes.length);
    while (framer.next()) {
      const packet = decodePacket(framer.bytes, framer.start, framer.body, framer.end, version);
      const { type, ...publish } = packet;
      if (FROM_CLIENTS.includes(type)) throw new Error('A server sends no such packet');
      told.push(type === PacketType.PUBLISH ? { packetId: undefined, properties: undefined, ...publish } : packet);
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : error;
  }
  return { told, failure };
}

describe('PacketReader', () => {
  const puback = (packetId: number) => ({ type: PacketType.PUBACK, packetId, reasonCode: 0 }) as const;
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

  it('tells what the codec tells, wherever the bytes are cut', () => {
    const packet = fc.oneof(message.map(packetOf), fc.integer({ min: 1, max: 65_535 }).map(puback));
    fc.assert(
      fc.property(version, fc.array(packet, { maxLength: 8 }), cuts, (version, packets, cuts) => {
        const bytes = Buffer.concat(packets.map((one) => encodePacket(one, version)));
        const short = read(version, bytes, cuts);
        expect(short).toEqual(decoded(version, bytes));
        expect(short.told).toHaveLength(packets.length);
      }),
    );
  });

  it('refuses what the codec refuses', () => {
    const flaw = fc.record({ at: fc.nat(40), value: fc.nat(255) });
    fc.assert(
      fc.property(version, fc.array(message, { minLength: 1, maxLength: 3 }), flaw, (version, messages, flaw) => {
        const bytes = new Uint8Array(Buffer.concat(messages.map((one) => encodePacket(packetOf(one), version))));
        bytes[flaw.at % bytes.length] = flaw.value;
        const { told, failure } = read(version, bytes);
        const expected = decoded(version, bytes);
        expect(told).toEqual(expected.told);
        // Where several things are wrong it may name another one.
        expect(failure === null).toBe(expected.failure === null);
      }),
      { numRuns: 2_000 },
    );
  });
});
