import { describe, expect, it } from 'vitest';
import { Random } from '../torture/random.js';
import type { MapSpec, ValueSpec } from './description.js';
import type { Scalar } from './template.js';
import { valueSource } from './value-source.js';

const START_MS = Date.parse('2026-07-01T00:00:00Z');
const HOUR_MS = 3_600_000;

function samples(spec: Exclude<ValueSpec, MapSpec>, count = 500, everyMs = 60_000, seed = 1): Scalar[] {
  const source = valueSource(spec, new Random(seed), START_MS);
  return Array.from({ length: count }, (_, at) => source(START_MS + at * everyMs));
}

describe('a value', () => {
  it('walks in steps, and stays between its bounds', () => {
    const walk = samples({ kind: 'walk', between: [15, 20], step: 0.5, start: 17, digits: 2 }).map(Number);
    expect(walk[0]).toBe(17);
    for (let at = 1; at < walk.length; at++) {
      expect(walk[at]).toBeGreaterThanOrEqual(15);
      expect(walk[at]).toBeLessThanOrEqual(20);
      expect(Math.abs(walk[at] - walk[at - 1])).toBeLessThanOrEqual(0.52);
    }
    expect(new Set(walk).size).toBeGreaterThan(100);
  });

  it('stays between its bounds, though a step be wider than they are apart', () => {
    const walk = samples({ kind: 'walk', between: [0, 1], step: 10, start: null, digits: 3 }).map(Number);
    expect(Math.min(...walk)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...walk)).toBeLessThanOrEqual(1);
  });

  it('goes with the day: the highest at its peak, the lowest twelve hours later', () => {
    const spec = { kind: 'day', between: [0, 100], peakMs: 14 * HOUR_MS, noise: 0, digits: 0 } as const;
    const hours = samples(spec, 24, HOUR_MS).map(Number);
    expect(hours[14]).toBe(100);
    expect(hours[2]).toBe(0);
    expect(hours[8]).toBe(50);
  });

  it('is anything between its bounds', () => {
    const random = samples({ kind: 'random', between: [-5, 5], digits: 0 }).map(Number);
    expect([...new Set(random)].sort((a, b) => a - b)).toEqual([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
  });

  it('goes from one end to the other in its time, and begins again', () => {
    const ramp = samples({ kind: 'ramp', between: [100, 0], overMs: HOUR_MS, digits: 1 }, 61).map(Number);
    const rises = ramp.slice(1).filter((value, at) => value > ramp[at]);
    expect(rises).toHaveLength(1);
    expect(ramp[60]).toBeCloseTo(ramp[0], 0);
  });

  it('is chosen by weight, and stays for a while', () => {
    const plain = samples({ kind: 'choice', of: ['a', 'b', null], weights: [8, 2, 0], stay: 0 }, 1000);
    const count = plain.filter((value) => value === 'a').length;
    expect(count).toBeGreaterThan(750);
    expect(count).toBeLessThan(850);
    expect(plain).not.toContain(null);
    const lazy = samples({ kind: 'choice', of: [1, 2], weights: [1, 1], stay: 0.99 }, 1000);
    expect(lazy.filter((value, at) => at > 0 && value !== lazy[at - 1]).length).toBeLessThan(20);
  });

  it('counts', () => {
    expect(samples({ kind: 'counter', start: 5, step: -2 }, 3)).toEqual([5, 3, 1]);
  });

  it('is a UUID, for the device or for each message', () => {
    const each = samples({ kind: 'uuid', forEach: 'message' }, 50);
    for (const one of each) expect(one).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(new Set(each).size).toBe(50);
    expect(new Set(samples({ kind: 'uuid', forEach: 'device' }, 50)).size).toBe(1);
  });

  it('is the time', () => {
    expect(samples({ kind: 'time', as: 'iso' }, 1)).toEqual(['2026-07-01T00:00:00.000Z']);
    expect(samples({ kind: 'time', as: 'seconds' }, 2)).toEqual([START_MS / 1000, START_MS / 1000 + 60]);
    expect(samples({ kind: 'time', as: 'milliseconds' }, 1)).toEqual([START_MS]);
  });
});
