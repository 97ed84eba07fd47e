import { describe, expect, it } from 'vitest';
import { describeStore } from '../../../../test/contract/store.js';
import { sampleRecord } from '../../../../test/contract/store-samples.js';
import { MemoryStore } from './memory-store.js';

describeStore('MemoryStore', async () => {
  const store = new MemoryStore();
  return { store, reopen: async () => store, storedMessages: () => store.storedMessages };
});

describe('MemoryStore', () => {
  it('commits within append, and calls nobody', async () => {
    const store = new MemoryStore();
    const told: number[] = [];
    store.onCommit = (committed) => told.push(committed);
    for (let n = 1; n <= 3; n++) {
      const ticket = store.append({ kind: 'session', record: sampleRecord(`client-${n}`) });
      expect(store.committed).toBe(ticket);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
  });

  it('has no shard beyond the last', () => {
    expect(() => new MemoryStore().nextPosition(32)).toThrow();
  });
});
