import { describe, expect, it } from 'vitest';
import { systemMemory } from './system.js';

const BYTES = 40_000_000;

describe('the memory of the process', () => {
  it('has buffers in it as well as objects, once each, and garbage until it is collected', () => {
    systemMemory.collect();
    const before = systemMemory.usedBytes();
    expect(before).toBeGreaterThan(1_000_000);
    let buffers: Uint8Array[] = Array.from({ length: 40 }, () => new Uint8Array(BYTES / 40));
    const withBuffers = systemMemory.usedBytes() - before;
    expect(buffers).toHaveLength(40);
    expect(withBuffers).toBeGreaterThan(BYTES * 0.9);
    expect(withBuffers).toBeLessThan(BYTES * 1.6);
    buffers = [];
    let objects: object[] = Array.from({ length: 500_000 }, (_, i) => ({ i, text: `${i}` }));
    systemMemory.collect();
    const withObjects = systemMemory.usedBytes() - before;
    expect(objects).toHaveLength(500_000);
    expect(withObjects).toBeGreaterThan(10_000_000);
    objects = [];
    systemMemory.collect();
    expect(systemMemory.usedBytes() - before).toBeLessThan(5_000_000);
  });
});
