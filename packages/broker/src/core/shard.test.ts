import { describe, expect, it } from 'vitest';
import { SHARDS } from './ports/store.js';
import { shardOf } from './shard.js';

describe('shardOf', () => {
  it.each([
    ['', 5],
    ['a', 12],
    ['mosq-1234567890', 21],
    ['Ünïcødé-🌋', 10],
  ])('never changes: keys on disk begin with the shard of %j', (clientId, shard) => {
    expect(shardOf(clientId)).toBe(shard);
  });

  it('spreads clients evenly', () => {
    const counts = new Array<number>(SHARDS).fill(0);
    for (let i = 0; i < 32_000; i++) counts[shardOf(`sensor-${i}`)]++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1200);
  });
});
