import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PayloadSlabs, type Slab } from './payload-slabs.js';

interface Piece {
  readonly slab: Slab;
  readonly start: number;
  readonly length: number;
  readonly mark: number;
}

function put(slabs: PayloadSlabs, length: number, mark: number): Piece {
  const slab = slabs.slabFor(length);
  const start = slab.take();
  slab.bytes.fill(mark, start, start + length);
  return { slab, start, length, mark };
}

function expectWhole({ slab, start, length, mark }: Piece): void {
  expect(slab.bytes.subarray(start, start + length).every((byte) => byte === mark)).toBe(true);
}

describe('PayloadSlabs', () => {
  it('give each piece bytes that no other piece has, at a place for numbers', () => {
    const steps = fc.array(fc.record({ length: fc.oneof(fc.nat(64), fc.nat(3_000)), gone: fc.nat() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const slabs = new PayloadSlabs();
        const pieces: Piece[] = [];
        list.forEach(({ length, gone }, i) => {
          if (gone % 3 === 0 && pieces.length > 0) {
            const [{ slab, start }] = pieces.splice(gone % pieces.length, 1);
            slabs.giveBack(slab, start);
          }
          pieces.push(put(slabs, length, i % 251));
        });
        for (const piece of pieces) {
          expectWhole(piece);
          expect(piece.start % 8).toBe(0);
        }
      }),
    );
  });

  it('use memory again that was given back, and let go of most of it when most is free', () => {
    const slabs = new PayloadSlabs();
    const pieces = Array.from({ length: 100_000 }, () => put(slabs, 64, 1));
    const all = new Set(pieces.map(({ slab }) => slab));
    expect(all.size).toBe(98); // 1,024 in each
    for (const { slab, start } of pieces) slabs.giveBack(slab, start);
    const again = new Set(Array.from({ length: 100_000 }, () => put(slabs, 64, 2).slab));
    expect(again.size).toBe(98);
    expect([...again].filter((slab) => all.has(slab)).length).toBeLessThan(60);
    const few = Array.from({ length: 1_000 }, () => put(slabs, 16, 3));
    for (const { slab, start } of few) slabs.giveBack(slab, start);
    expect(few.map(({ slab }) => slab)).toContain(put(slabs, 16, 4).slab);
  });
});
