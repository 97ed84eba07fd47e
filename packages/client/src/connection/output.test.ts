import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Output } from './output.js';

/** So many bytes that are all the same. */
const packet = fc
  .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 3_000 }))
  .map(([byte, length]) => new Uint8Array(length).fill(byte));
const turns = fc.array(fc.record({ packets: fc.array(packet, { minLength: 1 }), isGivenBack: fc.boolean() }));

describe('output', () => {
  it('is what was appended since it was taken last, whether chunks are given back or not', () => {
    fc.assert(
      fc.property(turns, (all) => {
        const output = new Output();
        const kept: { taken: Uint8Array; expected: Buffer }[] = [];
        for (const { packets, isGivenBack } of all) {
          for (const one of packets) output.append(one);
          const expected = Buffer.concat(packets);
          expect(output.length).toBe(expected.length);
          const taken = output.take();
          expect(expected.equals(taken)).toBe(true);
          expect(output.length).toBe(0);
          if (isGivenBack) output.giveBack();
          else kept.push({ taken, expected });
        }
        // What was not given back has not been written over.
        for (const { taken, expected } of kept) expect(expected.equals(taken)).toBe(true);
      }),
    );
  });

  it('uses a chunk again that was given back, and none that has become far too large', () => {
    const output = new Output();
    output.append(new Uint8Array(10_000));
    const first = output.take();
    output.giveBack();
    output.append(new Uint8Array(5_000));
    expect(output.chunk.buffer).toBe(first.buffer);
    output.take();
    output.giveBack();
    output.append(new Uint8Array(10));
    output.take();
    output.giveBack();
    expect(output.chunk.length).toBe(0);
  });

  it('writes nothing over that is still waiting when a chunk is given back', () => {
    const output = new Output();
    output.append(Uint8Array.of(1));
    output.take();
    output.append(Uint8Array.of(2));
    output.giveBack();
    output.append(Uint8Array.of(3));
    expect([...output.take()]).toEqual([2, 3]);
  });
});
