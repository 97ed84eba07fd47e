import type { Properties, QoS, RetainHandling } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainMessage, plainRecord } from '../../../../../test/contract/store-model.js';
import { sampleMessage } from '../../../../../test/contract/store-samples.js';
import type { QueuedFor, SessionRecord, SubscriptionRecord } from '../../core/ports/store.js';
import { readPositions, writePositions } from './format.js';
import { RecordWriter } from './record-writer.js';
import {
  copyTogether,
  readerOf,
  readMessage,
  readSession,
  readSubscription,
  readTarget,
  readUint,
  writeMessage,
  writeSession,
  writeSubscription,
  writeTarget,
} from './records.js';

const text = fc.string({ unit: 'grapheme' });
const qos = fc.constantFrom<QoS>(0, 1, 2);
const number = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(127, 128, 2 ** 32, 2 ** 49, 2 ** 53 - 1));

const properties: fc.Arbitrary<Properties | null> = fc.option(
  fc.record(
    {
      payloadFormatIndicator: fc.constantFrom(0, 1),
      contentType: text,
      responseTopic: fc.string({ unit: fc.constantFrom('a', 'ü', '/'), minLength: 1 }),
      correlationData: fc.uint8Array({ maxLength: 12 }),
      userProperties: fc.array(fc.tuple(text, text), { minLength: 1 }),
    },
    { requiredKeys: [] },
  ),
);

const message = fc
  .record({
    topic: text,
    payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(new Uint8Array(1024), new Uint8Array(300_000))),
    qos,
    retain: fc.boolean(),
    properties,
    publisher: text,
    expiresAtMs: fc.constantFrom(0, 1_700_000_000_000.5, Number.POSITIVE_INFINITY),
    source: fc.option(fc.record({ username: fc.option(text, { nil: undefined }), address: text })),
  })
  .map(({ source, ...parts }) =>
    sampleMessage({ ...parts, source: source === null ? null : { clientId: parts.publisher, ...source } }),
  );

const record: fc.Arbitrary<SessionRecord> = fc.record({
  clientId: text,
  username: fc.option(text, { nil: undefined }),
  address: text,
  protocolVersion: fc.constantFrom(3, 4, 5),
  expiryIntervalS: fc.nat(2 ** 32 - 1),
  disconnectedAtMs: fc.option(fc.constantFrom(0, 1_700_000_000_000, 1_700_000_000_000.25)),
  will: fc.option(fc.record({ message, delayS: fc.nat(2 ** 32 - 1) })),
});

const subscription: fc.Arbitrary<SubscriptionRecord> = fc.record({
  filter: text,
  qos,
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  retainHandling: fc.constantFrom<RetainHandling>(0, 1, 2),
  identifier: fc.nat(268_435_455),
});

const target: fc.Arbitrary<QueuedFor> = fc.record({
  clientId: fc.constant('client'),
  qos,
  retain: fc.boolean(),
  identifiers: fc.option(fc.array(fc.nat(268_435_455))),
  sharedFilter: fc.option(text),
});

/** Writes each, and then reads each from where it was written. */
function roundTrip<T>(
  items: readonly T[],
  write: (writer: RecordWriter, item: T) => void,
  read: (bytes: Uint8Array) => T,
): T[] {
  const writer = new RecordWriter();
  const values = items.map((item) => {
    write(writer, item);
    return writer.take();
  });
  return values.map(read);
}

describe('records', () => {
  it('are read as they were written: numbers', () => {
    const property = fc.property(fc.array(number), (numbers) => {
      expect(
        roundTrip(
          numbers,
          (writer, n) => writer.uint(n),
          (bytes) => readUint(readerOf(bytes, 'x'), 'n'),
        ),
      ).toEqual(numbers);
    });
    fc.assert(property);
  });

  it('are read as they were written: messages, alone and many together', () => {
    const property = fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
      const plain = messages.map(plainMessage);
      const alone = roundTrip(messages, writeMessage, (bytes) => readMessage(readerOf(bytes, 'a message')));
      expect(alone.map(plainMessage)).toEqual(plain);
      const copy = copyTogether();
      const together = roundTrip(messages, writeMessage, (bytes) => {
        const own = Uint8Array.from(bytes);
        const read = readMessage(readerOf(own, 'a message'), undefined, copy);
        own.fill(0xff);
        return read;
      });
      expect(together.map(plainMessage)).toEqual(plain);
    });
    fc.assert(property, { numRuns: 40 });
  });

  it('are read as they were written: sessions', () => {
    const property = fc.property(record, number, (session, n) => {
      const writer = new RecordWriter();
      writeSession(writer, n, session);
      const read = readSession(writer.take());
      expect([read.number, plainRecord(read.record)]).toEqual([n, plainRecord(session)]);
    });
    fc.assert(property, { numRuns: 40 });
  });

  it('are read as they were written: subscriptions, shares and positions', () => {
    const property = fc.property(
      fc.array(subscription),
      fc.array(target),
      fc.array(number, { minLength: 32, maxLength: 32 }),
      (subscriptions, targets, positions) => {
        expect(roundTrip(subscriptions, writeSubscription, readSubscription)).toEqual(subscriptions);
        expect(roundTrip(targets, writeTarget, (bytes) => readTarget(readerOf(bytes, 'a share'), 'client'))).toEqual(
          targets,
        );
        expect(readPositions(writePositions(positions))).toEqual(positions);
      },
    );
    fc.assert(property);
  });

  it('of 65,535 bytes in a name and of megabytes in a payload are no exception', () => {
    const long = sampleMessage({ topic: 'x'.repeat(65_535), payload: new Uint8Array(5_000_000).fill(7) });
    const short = sampleMessage({ payload: 'short' });
    const messages = [short, long, short, long, short];
    const read = roundTrip(messages, writeMessage, (bytes) => readMessage(readerOf(bytes, 'a message')));
    for (const [i, { topic, payload }] of read.entries()) {
      expect([topic, Buffer.compare(payload, messages[i].payload)]).toEqual([messages[i].topic, 0]);
    }
  });

  it('that are cut off cannot be read', () => {
    const property = fc.property(record, fc.nat(), (session, at) => {
      const writer = new RecordWriter();
      writeSession(writer, 1, { ...session, will: null });
      const bytes = writer.take();
      expect(() => readSession(bytes.subarray(0, at % bytes.length))).toThrow();
    });
    fc.assert(property);
  });

  it('may be written anew once nobody needs those before', () => {
    const writer = new RecordWriter();
    for (let round = 0; round < 3; round++) {
      const values: Uint8Array[] = [];
      for (let n = 0; n < 300; n++) {
        writer.uint(n);
        writer.bytes(new Uint8Array(4000).fill(n));
        values.push(writer.take());
      }
      for (const [n, value] of values.entries()) {
        const reader = readerOf(value, 'a value');
        expect([readUint(reader, 'n'), value.length - reader.at, value.at(-1)]).toEqual([n, 4000, n & 0xff]);
      }
      writer.reset();
    }
  });
});
