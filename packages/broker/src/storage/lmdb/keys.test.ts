import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  belongsTo,
  chunkKey,
  chunkPosition,
  endOf,
  LARGEST_SESSION_NUMBER,
  messageKey,
  messagePosition,
  nameKey,
  partKey,
  partOf,
  sessionNumber,
  sessionPrefix,
  subscriptionKey,
} from './keys.js';

const shards = fc.nat(31);
const numbers = fc.oneof(fc.maxSafeNat(), fc.nat(1000)).map((n) => n % (LARGEST_SESSION_NUMBER + 1));
const positions = fc.oneof(fc.maxSafeNat(), fc.nat(1000), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));

describe('keys', () => {
  it('give back what they were made of', () => {
    fc.assert(
      fc.property(shards, numbers, positions, fc.nat(1023), (shard, number, position, part) => {
        const prefix = sessionPrefix(shard, number);
        expect(sessionNumber(prefix)).toBe(number);
        expect([partOf(partKey(prefix, part)), sessionNumber(partKey(prefix, part))]).toEqual([part, number]);
        expect([chunkPosition(chunkKey(prefix, position)), sessionNumber(chunkKey(prefix, position))]).toEqual([
          position,
          number,
        ]);
        expect(messagePosition(messageKey(shard, position))).toBe(position);
      }),
    );
  });

  it('sort by shard, then session, then position', () => {
    const parts = fc.tuple(shards, numbers, positions);
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const [first, second] = [a, b].map(([shard, number, position]) =>
          chunkKey(sessionPrefix(shard, number), position),
        );
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
        expect(Math.sign(Buffer.compare(first, second))).toBe(Math.sign(order));
        const messages = [messageKey(a[0], a[2]), messageKey(b[0], b[2])] as const;
        expect(Math.sign(Buffer.compare(...messages))).toBe(Math.sign(a[0] - b[0] || a[2] - b[2]));
      }),
    );
  });

  it('of a session lie between its prefix and the end of that, and no others do', () => {
    fc.assert(
      fc.property(
        shards,
        numbers,
        numbers,
        positions,
        fc.string({ unit: 'grapheme' }),
        (shard, a, b, position, name) => {
          const prefix = sessionPrefix(shard, a);
          const end = endOf(prefix);
          for (const number of [a, b]) {
            const own = sessionPrefix(shard, number);
            for (const key of [chunkKey(own, position), partKey(own, 1), subscriptionKey(own, name)]) {
              expect(belongsTo(key, prefix)).toBe(number === a);
              expect(Buffer.compare(key, prefix) >= 0 && Buffer.compare(key, end) < 0).toBe(number === a);
            }
          }
        },
      ),
    );
  });

  it('of names are as different as the names, and never too long', () => {
    const beginnings = fc.constantFrom('', 'x'.repeat(390), 'ü'.repeat(200), '漢'.repeat(134));
    const names = fc.tuple(beginnings, fc.string({ unit: 'grapheme', maxLength: 15 })).map((parts) => parts.join(''));
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(nameKey(1, a).equals(nameKey(1, b))).toBe(a === b);
        expect(nameKey(1, a).equals(nameKey(2, a))).toBe(false);
        expect(nameKey(1, a).length).toBeLessThanOrEqual(401);
      }),
    );
  });

  it('end behind all of the last shard', () => {
    expect(endOf(Buffer.of(0xff, 0x01))).toEqual(Buffer.of(0xff, 0x02));
    expect(endOf(Buffer.of(0x01, 0xff))).toEqual(Buffer.of(0x02, 0x00));
  });
});
