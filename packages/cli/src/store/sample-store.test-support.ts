import { MemoryStore } from '@cauldron/broker';
import {
  clientsOfShard,
  queuedEntry,
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../test/contract/store-samples.js';

export const [ALICE, BOB] = clientsOfShard(5, 2);

/** A store with a part of everything: two sessions of one shard that share messages, and one that is long away. */
export function sampleStore(): MemoryStore {
  const store = new MemoryStore();
  store.append({ kind: 'session', record: sampleRecord(ALICE, { disconnectedAtMs: 2000 }) });
  store.append({ kind: 'session', record: sampleRecord(BOB) });
  store.append({ kind: 'session', record: sampleRecord('away', { disconnectedAtMs: 1000 }) });
  store.append({ kind: 'subscribed', clientId: ALICE, subscription: sampleSubscription('a/#') });
  store.append({ kind: 'inboundHeld', clientId: BOB, packetId: 9 });
  for (const [position, topic] of ['a/1', 'a/2', 'b'].entries()) {
    const targets = [sampleTarget(ALICE, { qos: 2 }), sampleTarget(BOB)];
    store.append(queuedEntry(position + 1, sampleMessage({ topic, payload: 'text' }), ...targets));
  }
  store.append({ kind: 'sent', clientId: ALICE, position: 1, packetId: 5 });
  store.append({ kind: 'sent', clientId: ALICE, position: 3, packetId: 6 });
  store.append({ kind: 'received', clientId: ALICE, packetId: 6 });
  store.append({ kind: 'retained', message: sampleMessage({ topic: 'a/r', payload: 'kept' }) });
  const source = { clientId: 'publisher', username: 'user', address: '127.0.0.1' };
  store.append({ kind: 'retained', message: sampleMessage({ topic: 'b', payload: 'kept', source }) });
  return store;
}
