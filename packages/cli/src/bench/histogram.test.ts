import { describe, expect, it } from 'vitest';
import { BUCKETS, Histogram } from './histogram.js';

function of(values: Iterable<number>): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('a histogram', () => {
  it.each([0, 1, 2_047, 2_048, 2_049, 4_095, 4_096, 65_535, 65_536, 1_234_567, 2 ** 31, 2 ** 32 - 1])(
    'has %i to three significant digits, never below',
    (value) => {
      const found = of([value]).percentile(50) ?? -1;
      expect(found).toBeGreaterThanOrEqual(value);
      expect(found).toBeLessThanOrEqual(value * 1.001);
    },
  );

  it('never mixes up the order of values, whatever their size', () => {
    let before = -1;
    for (let value = 1; value < 2 ** 32; value = Math.ceil(value * 1.03)) {
      const found = of([value]).percentile(100) ?? -1;
      expect(found).toBeGreaterThanOrEqual(before);
      expect(found).toBeGreaterThanOrEqual(value);
      before = found;
    }
  });

  it('tells percentiles of what was recorded', () => {
    const histogram = of(Array.from({ length: 1_000 }, (_, i) => i + 1));
    const percentiles = [0, 50, 90, 99, 99.9, 100].map((percent) => histogram.percentile(percent));
    expect(percentiles).toEqual([1, 500, 900, 990, 999, 1_000]);
    expect(histogram.count).toBe(1_000);
  });

  it('counts what is out of range as the nearest value that is in it', () => {
    const histogram = of([-5, 2 ** 40]);
    expect(histogram.percentile(0)).toBe(0);
    expect(histogram.percentile(100)).toBe(2 ** 32 - 1);
  });

  it('has no percentiles when nothing was recorded', () => {
    expect(new Histogram().percentile(50)).toBeNull();
  });

  it('of several threads adds up to one', () => {
    const shared = new Float64Array(new SharedArrayBuffer(BUCKETS * Float64Array.BYTES_PER_ELEMENT));
    new Histogram(shared).record(7_000);
    const sum = of([5]);
    sum.add(new Histogram(shared));
    expect([sum.count, sum.percentile(50), sum.percentile(100)]).toEqual([2, 5, 7_003]);
  });

  it('tells what has been recorded since an earlier copy', () => {
    const histogram = of([1, 2, 3]);
    const earlier = histogram.copy();
    histogram.record(9);
    expect(histogram.since(earlier).percentile(0)).toBe(9);
    expect(earlier.count).toBe(3);
  });
});
