import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { queuedEntry, sampleMessage, sampleTarget } from '../../../../test/contract/store-samples.js';
import type { LmdbStore } from './lmdb-store.js';
import {
  ALICE,
  BOB,
  begin,
  closeAll,
  committed,
  completed,
  nextTurn,
  open,
  payloads,
  queue,
  sent,
  tableSizes,
  type WatchedEnvironment,
} from './lmdb-store.test-support.js';

let store: LmdbStore;
let environment: WatchedEnvironment;

/** Time stands still: what is held stays so until a test moves on. */
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  ({ store, environment } = open());
  begin(store, ALICE, BOB);
  // Sets positions aside, which is a write of its own.
  const first = queue(store, 'first', sampleTarget(ALICE));
  store.append({ kind: 'dropped', clientId: ALICE, position: first });
  await committed(store);
  await nextTurn();
  environment.commits.length = 0;
});

afterEach(async () => {
  await closeAll();
  vi.useRealTimers();
});

/** Queues a message and sends it with this id, in one turn. */
function send(clientId: string, packetId: number, qos: 1 | 2 = 1, payload = 'text'): number {
  const position = queue(store, payload, sampleTarget(clientId, { qos }));
  store.append(sent(clientId, position, packetId));
  return position;
}

describe('a QoS 1 message that is sent at once', () => {
  it('is never written when it is acknowledged in the same turn', async () => {
    send(ALICE, 1);
    const last = store.append(completed(ALICE, 1));
    expect(store.committed).toBeLessThan(last);
    await nextTurn();
    expect([store.committed, environment.commits]).toEqual([last, []]);
    expect(tableSizes(environment)).toEqual({ sessions: 2 });
  });

  it('is never written when it is acknowledged in time, and is not committed before', async () => {
    vi.advanceTimersByTime(60_000);
    send(ALICE, 1);
    await nextTurn();
    expect(store.committed).toBe(store.appended - 2);
    vi.advanceTimersByTime(3);
    store.append(completed(ALICE, 1));
    await nextTurn();
    expect([store.committed, environment.commits]).toEqual([store.appended, []]);
  });

  it('is written when no acknowledgement comes in time', async () => {
    const ticket = store.appended + 2;
    send(ALICE, 1);
    await nextTurn();
    const done = committed(store, ticket);
    vi.advanceTimersByTime(4);
    await done;
    expect(environment.changedTables).toEqual({ messages: 1, inflight: 1 });
  });

  it('is written in time also when something else is due later', async () => {
    send(ALICE, 1);
    const done = committed(store);
    await nextTurn();
    vi.advanceTimersByTime(4);
    await done;
    // Is to be told to the disk some time.
    store.append(completed(ALICE, 1));
    await nextTurn();
    send(ALICE, 2);
    const doneToo = committed(store);
    await nextTurn();
    vi.advanceTimersByTime(4);
    await doneToo;
    expect(tableSizes(environment)).toEqual({ sessions: 2, messages: 1, inflight: 1 });
  });

  it('holds back those that come after it, which are committed with it', async () => {
    send(ALICE, 1);
    send(BOB, 1);
    store.append(completed(BOB, 1));
    await nextTurn();
    expect(store.committed).toBe(store.appended - 5);
    store.append(completed(ALICE, 1));
    await nextTurn();
    expect([store.committed, environment.commits]).toEqual([store.appended, []]);
  });

  it('is written with what cannot wait', async () => {
    send(ALICE, 1);
    store.append({ kind: 'inboundHeld', clientId: BOB, packetId: 1 });
    await committed(store);
    expect(environment.changedTables).toEqual({ messages: 1, inflight: 1, inbound: 1 });
  });

  it('is soon gone from the disk when it is acknowledged after it was written', async () => {
    send(ALICE, 1);
    const done = committed(store);
    await nextTurn();
    vi.advanceTimersByTime(4);
    await done;
    const last = store.append(completed(ALICE, 1));
    await nextTurn();
    expect(store.committed).toBe(last);
    expect(environment.commits).toHaveLength(1);
    const isRemoved = new Promise<void>((resolve) => {
      environment.onBegin = resolve;
    });
    vi.advanceTimersByTime(100);
    await isRemoved;
    await store.close();
    expect(environment.changedTables).toEqual({ messages: 2, inflight: 2 });
  });
});

describe('is written at once:', () => {
  it('a message for a client that is not there', async () => {
    queue(store, 'text', sampleTarget(ALICE));
    await committed(store);
    expect(environment.changedTables).toEqual({ messages: 1, queues: 1 });
  });

  it('a message for two, of whom one is not there', async () => {
    const position = queue(store, 'text', sampleTarget(ALICE), sampleTarget(BOB));
    store.append(sent(ALICE, position, 1));
    await committed(store);
    expect(environment.changedTables).toEqual({ messages: 1, references: 1, inflight: 1, queues: 1 });
  });

  it('the id of a QoS 2 message', async () => {
    send(ALICE, 1, 2);
    await committed(store);
    expect(environment.changedTables).toEqual({ messages: 1, inflight: 1 });
  });

  it('one more session that waits for a message that the disk has', async () => {
    const position = queue(store, 'text', sampleTarget(ALICE));
    await committed(store);
    environment.commits.length = 0;
    store.append(queuedEntry(position, sampleMessage({ payload: 'text' }), sampleTarget(BOB)));
    expect(store.committed).toBeLessThan(store.appended);
    await committed(store);
    expect(environment.changedTables).toEqual({ references: 1, queues: 1 });
  });
});

describe('a message at a position that came before', () => {
  it('is kept for the new session, when the old one is done with it while that is being written', async () => {
    const position = queue(store, 'text', sampleTarget(ALICE));
    await committed(store);
    await nextTurn();
    store.append({ kind: 'dropped', clientId: ALICE, position });
    store.append({ kind: 'inboundHeld', clientId: ALICE, packetId: 1 });
    environment.onBegin = () => {
      environment.onBegin = () => {};
      store.append(queuedEntry(position, sampleMessage({ payload: 'text' }), sampleTarget(BOB)));
    };
    await committed(store);
    await committed(store);
    expect(payloads(store, BOB)).toEqual(['text']);
    expect(store.storedMessages).toBe(1);
  });
});

describe('close', () => {
  it('commits also what needs no write', async () => {
    send(ALICE, 1);
    store.append(completed(ALICE, 1));
    await store.close();
    expect(store.committed).toBe(store.appended);
    expect(environment.commits).toEqual([]);
  });
});
