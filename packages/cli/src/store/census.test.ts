import { MemoryStore } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';
import { takeCensus } from './census.js';
import { BOB, sampleStore } from './sample-store.test-support.js';

describe('what is counted of a store', () => {
  it('is all there is, and who was away for longest', () => {
    expect(takeCensus(sampleStore())).toEqual({
      sessions: 3,
      connected: 1,
      subscriptions: 1,
      queuedMessages: 4,
      queuedBytes: 4 * 4 + 3 + 3 + 3 + 1,
      inflight: 2,
      inbound: 1,
      retained: 2,
      retainedBytes: 2 * 4 + 3 + 1,
      longestAway: { clientId: 'away', sinceMs: 1000 },
      longestQueue: { clientId: BOB, messages: 3 },
    });
  });

  it('is nothing where there is nothing', () => {
    expect(takeCensus(new MemoryStore())).toMatchObject({
      sessions: 0,
      retained: 0,
      longestAway: null,
      longestQueue: null,
    });
  });
});
