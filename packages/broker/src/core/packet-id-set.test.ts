import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketIdSet } from './packet-id-set.js';

describe('PacketIdSet', () => {
  it('is empty at first', () => {
    const ids = new PacketIdSet();
    expect(ids.has(1)).toBe(false);
    expect(ids.delete(65535)).toBe(false);
    expect([...ids]).toEqual([]);
    expect(ids.size).toBe(0);
  });

  it('holds all 65,535 ids, gives them back in ascending order and lets them go', () => {
    const ids = new PacketIdSet();
    for (let id = 65535; id >= 1; id--) expect(ids.add(id)).toBe(true);
    expect(ids.size).toBe(65535);
    expect([...ids]).toEqual(Array.from({ length: 65535 }, (_, i) => i + 1));
    for (let id = 1; id <= 65535; id++) expect(ids.delete(id)).toBe(true);
    expect(ids.size).toBe(0);
    expect([...ids]).toEqual([]);
  });

  it('tells a new id from one that is there', () => {
    const ids = new PacketIdSet();
    expect(ids.add(32)).toBe(true);
    expect(ids.add(32)).toBe(false);
    expect(ids.delete(32)).toBe(true);
    expect(ids.delete(32)).toBe(false);
    expect(ids.add(32)).toBe(true);
  });

  it('passes over ids that are deleted while it is read', () => {
    const ids = new PacketIdSet();
    for (const id of [1, 2, 3, 40, 2000]) ids.add(id);
    const read: number[] = [];
    for (const id of ids) {
      read.push(id);
      if (id === 1) ids.delete(3);
      if (id !== 2) continue;
      ids.delete(40);
      ids.delete(1);
      ids.delete(2);
    }
    expect(read).toEqual([1, 2, 2000]);
  });

  it('agrees with a Set after any adding and deleting', () => {
    // Few ids, on both sides of the borders of words and pages, so that they meet often.
    const id = fc.constantFrom(1, 31, 32, 33, 1023, 1024, 1025, 2047, 2048, 32767, 32768, 65504, 65535);
    const change = fc.record({ remove: fc.boolean(), id });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const ids = new PacketIdSet();
        const expected = new Set<number>();
        for (const step of changes) {
          expect(ids.has(step.id)).toBe(expected.has(step.id));
          if (step.remove) {
            expect(ids.delete(step.id)).toBe(expected.delete(step.id));
          } else {
            expect(ids.add(step.id)).toBe(!expected.has(step.id));
            expected.add(step.id);
          }
          expect(ids.size).toBe(expected.size);
        }
        expect([...ids]).toEqual([...expected].sort((a, b) => a - b));
      }),
    );
  });
});
