import { describe, expect, it } from 'vitest';
import { SequenceChecker } from './sequence-checker.js';

function checked(sequences: readonly number[], sent: number) {
  const checker = new SequenceChecker([0]);
  for (const sequence of sequences) checker.receive(0, sequence);
  return { ...checker.tally, missing: checker.missing(Uint32Array.of(sent)) };
}

describe('a sequence checker', () => {
  it.each<[string, number[], number, Partial<ReturnType<typeof checked>>]>([
    ['finds nothing wrong with messages in their order', [0, 1, 2], 3, { received: 3 }],
    ['misses the first', [1, 2], 3, { received: 2, missing: 1 }],
    ['misses several in the middle', [0, 4, 5], 6, { received: 3, missing: 3 }],
    ['misses the last', [0, 1], 4, { received: 2, missing: 2 }],
    ['misses all', [], 5, { missing: 5 }],
    ['sees a duplicate of the last message', [0, 1, 1, 2], 3, { received: 3, duplicated: 1 }],
    ['sees a duplicate of an old message', [0, 1, 2, 0], 3, { received: 3, duplicated: 1 }],
    ['sees that what was missing came late', [0, 2, 1, 3], 4, { received: 4, outOfOrder: 1 }],
    ['sees that all came backwards', [3, 2, 1, 0], 4, { received: 4, outOfOrder: 3 }],
    ['takes what came late twice for a duplicate', [0, 2, 1, 1], 3, { received: 3, outOfOrder: 1, duplicated: 1 }],
    ['splits a gap', [0, 5, 3], 6, { received: 3, outOfOrder: 1, missing: 3 }],
  ])('%s', (_, sequences, sent, expected) => {
    expect(checked(sequences, sent)).toEqual({
      received: 0,
      duplicated: 0,
      outOfOrder: 0,
      stray: 0,
      missing: 0,
      ...expected,
    });
  });

  it('keeps streams apart, and knows which are not for this subscriber', () => {
    const checker = new SequenceChecker([3, 5]);
    for (const [stream, sequence] of [
      [3, 0],
      [5, 0],
      [5, 1],
      [4, 0],
      [2, 0],
      [6, 0],
    ]) {
      checker.receive(stream, sequence);
    }
    expect(checker.tally).toEqual({ received: 3, duplicated: 0, outOfOrder: 0, stray: 3 });
    expect(checker.missing(Uint32Array.of(9, 9, 9, 2, 9, 2))).toBe(1);
  });

  it('counts all that is missing although it does not remember every gap', () => {
    const odd = Array.from({ length: 5_000 }, (_, n) => 2 * n + 1);
    expect(checked(odd, 10_000)).toMatchObject({ received: 5_000, missing: 5_000 });
  });
});
