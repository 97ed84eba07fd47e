import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PositionList } from './position-list.js';

interface Item {
  readonly position: number;
}

function listOf(positions: Iterable<number>): PositionList<Item> {
  const list = new PositionList<Item>();
  for (const position of positions) list.add({ position });
  return list;
}

function range(length: number, from = 1): number[] {
  return Array.from({ length }, (_, n) => from + n);
}

function positionsOf(items: Iterable<Item>): number[] {
  return Array.from(items, ({ position }) => position);
}

describe('PositionList', () => {
  it('is empty at first', () => {
    const list = listOf([]);
    expect(list.length).toBe(0);
    expect([...list]).toEqual([]);
    expect(list.page(0, 10)).toEqual([]);
    expect(list.get(1)).toBeUndefined();
    expect(list.remove(1)).toBeUndefined();
  });

  it.each([
    ['rising', range(5_000)],
    ['falling', range(5_000).reverse()],
    ['outside in', range(5_000).map((n) => (n % 2 === 0 ? n : 10_001 - n))],
  ])('has items in order that were added %s, over many chunks', (_order, positions) => {
    const list = listOf(positions);
    const sorted = [...positions].sort((a, b) => a - b);
    expect(list.length).toBe(5_000);
    expect(positionsOf(list)).toEqual(sorted);
    expect(positionsOf(list.page(0, 5_000))).toEqual(sorted);
  });

  it('keeps the first of two items with the same position', () => {
    const first = { position: 700 };
    const list = listOf(range(699));
    expect(list.add(first)).toBe(true);
    expect(list.add({ position: 700 })).toBe(false);
    for (const position of range(600, 701)) list.add({ position });
    expect(list.add({ position: 700 })).toBe(false);
    expect(list.length).toBe(1_300);
    expect(list.get(700)).toBe(first);
    expect(list.remove(700)).toBe(first);
    expect(list.get(700)).toBeUndefined();
  });

  it('goes on after it was emptied from the front', () => {
    const list = listOf(range(2_000));
    for (const position of range(2_000)) expect(list.remove(position)).toEqual({ position });
    expect(list.length).toBe(0);
    expect(list.add({ position: 5 })).toBe(true);
    expect(positionsOf(list)).toEqual([5]);
  });

  it('begins a page at the next chunk when the one before holds nothing beyond', () => {
    const list = listOf(range(1_024));
    expect(positionsOf(list.page(512, 2))).toEqual([513, 514]);
    list.remove(513);
    expect(positionsOf(list.page(512, 2))).toEqual([514, 515]);
    expect(positionsOf(list.page(511, 2))).toEqual([512, 514]);
    expect(list.page(1_024, 2)).toEqual([]);
  });

  it('does what a sorted array does', () => {
    const step = fc.record({ adds: fc.nat(3).map((n) => n > 0), from: fc.nat(4_000), length: fc.nat(700) });
    const sortedArrayProperty = fc.property(fc.array(step, { maxLength: 25 }), fc.nat(4_500), (steps, after) => {
      const list = new PositionList<Item>();
      const expected = new Set<number>();
      for (const { adds, from, length } of steps) {
        for (const position of range(length, from)) {
          if (adds) expect(list.add({ position })).toBe(!expected.has(position));
          else expect(list.remove(position) !== undefined).toBe(expected.has(position));
          if (adds) expected.add(position);
          else expected.delete(position);
        }
      }
      const sorted = [...expected].sort((a, b) => a - b);
      expect(list.length).toBe(sorted.length);
      expect(positionsOf(list)).toEqual(sorted);
      expect(positionsOf(list.page(after, 600))).toEqual(sorted.filter((position) => position > after).slice(0, 600));
      expect(list.get(after) !== undefined).toBe(expected.has(after));
    });
    fc.assert(sortedArrayProperty, { numRuns: 50 });
  });
});
