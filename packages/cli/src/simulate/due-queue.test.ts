import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from './due-queue.js';

describe('the queue of what is due', () => {
  it('gives the earliest first, and of the same time the one that was put in first, whatever comes in between', () => {
    const steps = fc.array(fc.option(fc.nat(20), { nil: null }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new DueQueue<number>();
        let expected: { atMs: number; order: number }[] = [];
        all.forEach((atMs, order) => {
          if (atMs !== null) {
            queue.push(atMs, order);
            expected.push({ atMs, order });
            return;
          }
          expected.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
          expect(queue.nextMs).toBe(expected[0]?.atMs ?? null);
          if (expected.length > 0) expect(queue.pop()).toBe(expected[0].order);
          expected = expected.slice(1);
        });
      }),
    );
  });
});
