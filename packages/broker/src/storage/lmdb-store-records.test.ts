import { afterEach, describe, expect, it } from 'vitest';
import {
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../test/contract/store-samples.js';
import {
  ALICE,
  BOB,
  begin,
  CAROL,
  closeAll,
  committed,
  completed,
  open,
  payloads,
  problemsOf,
  queue,
  sent,
  storeOf,
  tableSizes,
} from './lmdb-store.test-support.js';

afterEach(closeAll);

describe('a message for three sessions of a shard', () => {
  it('is one record, which goes with the last of them', async () => {
    const { environment, store } = open();
    begin(store, ALICE, BOB, CAROL);
    const position = queue(store, 'text', sampleTarget(ALICE), sampleTarget(BOB, { qos: 2 }), sampleTarget(CAROL));
    await committed(store);
    expect(tableSizes(environment)).toEqual({ sessions: 3, queues: 3, messages: 1, references: 1 });

    store.append({ kind: 'dropped', clientId: ALICE, position });
    store.append(sent(BOB, position, 1));
    await committed(store);
    expect(tableSizes(environment)).toEqual({ sessions: 3, queues: 1, inflight: 1, messages: 1, references: 1 });

    store.append({ kind: 'received', clientId: BOB, packetId: 1 });
    await committed(store);
    expect(tableSizes(environment)).toEqual({ sessions: 3, queues: 1, inflight: 1, messages: 1 });

    store.append({ kind: 'sessionRemoved', clientId: CAROL });
    await committed(store);
    expect(tableSizes(environment)).toEqual({ sessions: 2, inflight: 1 });
    expect(store.storedMessages).toBe(0);
  });

  it('keeps its count over a restart', async () => {
    const { environment, store } = open();
    begin(store, ALICE, BOB, CAROL);
    const position = queue(store, 'text', ...[ALICE, BOB, CAROL].map((clientId) => sampleTarget(clientId)));
    await committed(store);
    const second = storeOf(environment.commits);
    second.store.append({ kind: 'dropped', clientId: ALICE, position });
    second.store.append({ kind: 'dropped', clientId: BOB, position });
    await second.store.close();
    const third = storeOf([...environment.commits, ...second.environment.commits]);
    expect(payloads(third.store, CAROL)).toEqual(['text']);
    expect(problemsOf(third.environment)).toEqual([]);
    third.store.append(sent(CAROL, position, 1));
    third.store.append(completed(CAROL, 1));
    await third.store.close();
    const last = storeOf([...environment.commits, ...second.environment.commits, ...third.environment.commits]);
    expect(tableSizes(last.environment)).toEqual({ sessions: 3 });
  });
});

describe('names', () => {
  const LONGEST = 65_535;
  const SHARED = 'x'.repeat(400);
  const NAMES: readonly (readonly [string, ...string[]])[] = [
    ['of 65,535 bytes', 'a'.repeat(LONGEST), `${'a'.repeat(LONGEST - 1)}b`],
    ['that share their first 400 bytes', SHARED, `${SHARED}1`, `${SHARED}2`, `${SHARED}/1`],
    ['of one byte', 'a', 'b'],
    ['of letters of two to four bytes', 'ü', '漢字', '👩‍🚀', '\u{10ffff}', `${'ü'.repeat(200)}`, `${'ü'.repeat(201)}`],
    ['that look alike', 'é', 'e\u0301', 'É', '\ufeffe', 'e\u0001', ' e', 'e '],
    ['that are the beginning of others', 'name', 'name/', 'name/x', 'nam'],
  ];

  it.each(NAMES)('%s are told apart, as client id, filter and topic', async (_, ...names) => {
    const { environment, store } = open();
    for (const [i, name] of names.entries()) {
      store.append({ kind: 'session', record: sampleRecord(name, { expiryIntervalS: i }) });
      store.append({ kind: 'retained', message: sampleMessage({ topic: name, payload: `${i}` }) });
    }
    for (const [i, filter] of names.entries()) {
      const subscription = sampleSubscription(filter, { identifier: i });
      store.append({ kind: 'subscribed', clientId: names[0], subscription });
    }
    await committed(store);
    // Removing and replacing finds the right ones.
    store.append({ kind: 'retainedCleared', topic: names[1] });
    store.append({ kind: 'unsubscribed', clientId: names[0], filter: names[1] });
    store.append({ kind: 'sessionRemoved', clientId: names[1] });
    await committed(store);
    const found = storeOf(environment.commits);
    const kept = names.map((name, i) => [name, i] as const).filter((_, i) => i !== 1);
    const byName = (a: readonly [string, number], b: readonly [string, number]): number => (a[0] < b[0] ? -1 : 1);
    const sessions = [...found.store.sessions()];
    expect(sessions.map(({ record }) => [record.clientId, record.expiryIntervalS] as const).sort(byName)).toEqual(
      kept.toSorted(byName),
    );
    const [first] = sessions.filter(({ record }) => record.clientId === names[0]);
    expect(first.subscriptions.map(({ filter, identifier }) => [filter, identifier] as const).sort(byName)).toEqual(
      kept.toSorted(byName),
    );
    const retained = [...found.store.retained()].map(({ topic, payload }) => [topic, payload[0]]);
    expect(retained).toHaveLength(kept.length);
    for (const [topic, number] of retained) expect(number).toBe(names.indexOf(String(topic)) + 48);
    expect(problemsOf(found.environment)).toEqual([]);
  });
});
