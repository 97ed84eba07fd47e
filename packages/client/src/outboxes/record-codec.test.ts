import { ProtocolError } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publish } from '../../../codec/src/packet-arbitraries.test-support.js';
import type { OutboxRecord } from '../outbox.js';
import { OutboxDamaged } from './outbox-error.js';
import { decodeRecord, encodeRecord } from './record-codec.js';

const position = fc.oneof(fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.nat());
const packetId = fc.oneof(fc.constantFrom(1, 127, 128, 65_535), fc.integer({ min: 1, max: 65_535 }));
const packet = fc.constantFrom(4, 5).chain((version) =>
  publish(version as 4 | 5).map((sent) => {
    const { packetId: _, ...packet } = sent;
    return packet;
  }),
);
const clientId = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));

const record = fc.oneof(
  fc.record({ kind: fc.constant('session'), clientId }),
  fc.record({ kind: fc.constant('queued'), position, packet, queuedAtMs: position }),
  fc.record({ kind: fc.constant('sent'), position, packetId }),
  fc.record({ kind: fc.constantFrom('released', 'received', 'forgotten'), packetId }),
  fc.record({ kind: fc.constant('done'), position }),
  fc.record({ kind: fc.constantFrom('restarted', 'cleared') }),
) as fc.Arbitrary<OutboxRecord>;

function outcomeOf(bytes: Uint8Array): OutboxRecord | 'damaged' {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (error instanceof OutboxDamaged) return 'damaged';
    throw error;
  }
}

describe('records in bytes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(decodeRecord(encodeRecord(one))).toEqual(one);
      }),
    );
  });

  it('are a record again or found to be damaged, whatever the bytes are', () => {
    const kindsAndMore = fc.tuple(fc.integer({ min: 0, max: 10 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(kindsAndMore, ([kind, rest]) => {
        const outcome = outcomeOf(Uint8Array.of(kind, ...rest));
        if (outcome !== 'damaged') expect(decodeRecord(encodeRecord(outcome))).toEqual(outcome);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are found to be damaged when their end is missing, or something follows', () => {
    fc.assert(
      fc.property(
        record.filter(({ kind }) => kind !== 'session'),
        fc.nat(),
        (one, cut) => {
          const bytes = encodeRecord(one);
          expect(outcomeOf(bytes.subarray(0, cut % bytes.length))).toBe('damaged');
          expect(outcomeOf(Uint8Array.of(...bytes, 0))).toBe('damaged');
        },
      ),
    );
  });

  it.each<[string, number[]]>([
    ['nothing', []],
    ['a kind that does not exist', [10]],
    ['packet id 0', [4, 0]],
    ['packet id 65536', [4, 0x80, 0x80, 0x04]],
    ['a number above 2^53', [5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a number that never ends', [5, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]],
    ['a number that is longer than needed', [5, 0x81, 0x00]],
    ['a client id that is no text', [1, 0xff]],
    ['a packet that is no PUBLISH', [2, 1, 1, 0xc0, 0]],
  ])('are refused by name with %s', (_, bytes) => {
    expect(() => decodeRecord(Uint8Array.from(bytes))).toThrow(OutboxDamaged);
  });

  it('are not made of what MQTT cannot carry', () => {
    expect(() => encodeRecord({ kind: 'session', clientId: 'a\0b' })).toThrow(ProtocolError);
  });
});
