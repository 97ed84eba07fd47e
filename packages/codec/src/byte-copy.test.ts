import { describe, expect, it } from 'vitest';
import { copyBytes } from './byte-copy.js';

describe('copyBytes', () => {
  it('copies exactly the bytes it is asked for, at every size and place', () => {
    const from = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let size = 0; size <= 150; size++) {
      for (const [start, at] of [
        [0, 0],
        [7, 3],
        [100, 50],
      ]) {
        const to = new Uint8Array(256).fill(0xee);
        const expected = Uint8Array.from(to);
        for (let i = 0; i < size; i++) expected[at + i] = from[start + i];
        copyBytes(from, start, start + size, to, at);
        expect(to).toEqual(expected);
      }
    }
  });
});
