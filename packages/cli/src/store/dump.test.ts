import { MemoryStore, type Store } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';
import {
  queuedEntry,
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../test/contract/store-samples.js';
import { type DumpFilter, partJson, partsOf } from './dump.js';
import { partLines } from './dump-text.js';
import { ALICE, BOB, sampleStore } from './sample-store.test-support.js';

const ALL = { clientId: null, topicFilter: null };

const dumpObjects = (store: Store, filter: DumpFilter) => [...partsOf(store, filter)].map(partJson);

describe('a dump', () => {
  const message = (topic: string, payload = 'text') => ({ topic, payload, qos: 1, publisher: 'publisher' });

  it('has each session with what belongs to it, and then retained messages', () => {
    const objects = dumpObjects(sampleStore(), ALL);
    expect(objects.filter(({ clientId }) => clientId === ALICE)).toEqual([
      {
        kind: 'session',
        clientId: ALICE,
        username: 'user',
        address: '127.0.0.1',
        protocolVersion: 5,
        expiryIntervalS: 3600,
        disconnectedAtMs: 2000,
        subscriptions: [{ filter: 'a/#', qos: 1 }],
        inbound: [],
        queuedMessages: 1,
        queuedBytes: 7,
      },
      {
        kind: 'inflight',
        clientId: ALICE,
        qos: 2,
        packetId: 5,
        awaits: 'PUBREC',
        position: 1,
        message: message('a/1'),
      },
      { kind: 'inflight', clientId: ALICE, packetId: 6, awaits: 'PUBCOMP' },
      { kind: 'queued', clientId: ALICE, qos: 2, position: 2, message: message('a/2') },
    ]);
    expect(objects.slice(-2)).toEqual([
      { kind: 'retained', message: message('a/r', 'kept') },
      { kind: 'retained', message: { ...message('b', 'kept'), source: { username: 'user', address: '127.0.0.1' } } },
    ]);
  });

  it('of one client has nothing of others', () => {
    const objects = dumpObjects(sampleStore(), { ...ALL, clientId: BOB });
    expect(objects.map(({ kind, clientId }) => `${kind} ${clientId}`)).toEqual([
      `session ${BOB}`,
      ...new Array(3).fill(`queued ${BOB}`),
    ]);
  });

  it('of topics has the messages that match', () => {
    const objects = dumpObjects(sampleStore(), { ...ALL, topicFilter: 'a/+' });
    const shown = objects.map(
      ({ kind, clientId, message }) => `${kind} ${clientId} ${(message as { topic: string }).topic}`,
    );
    expect(shown).toEqual([
      `inflight ${ALICE} a/1`,
      `queued ${ALICE} a/2`,
      `queued ${BOB} a/1`,
      `queued ${BOB} a/2`,
      'retained undefined a/r',
    ]);
  });

  it('reads a long queue to its end', () => {
    const store = new MemoryStore();
    store.append({ kind: 'session', record: sampleRecord(ALICE) });
    for (let n = 1; n <= 1000; n++) store.append(queuedEntry(n, sampleMessage(), sampleTarget(ALICE)));
    expect(dumpObjects(store, ALL)).toHaveLength(1001);
  });

  it('for people lets nobody move the cursor, or write lines of their own', () => {
    const store = new MemoryStore();
    store.append({ kind: 'retained', message: sampleMessage({ topic: 'a\nb', payload: '\x1b[2J' }) });
    expect([...partsOf(store, ALL)].flatMap(partLines)).toEqual(['retained: QoS 1, 4 bytes, a\\x0ab: "\\u001b[2J"']);
  });

  it('for people has a line for each part', () => {
    const store = sampleStore();
    const will = { delayS: 5, message: sampleMessage({ topic: 'will', payload: Uint8Array.of(255, 0), retain: true }) };
    const record = { username: undefined, address: '', protocolVersion: 4, expiryIntervalS: 0xffffffff, will } as const;
    store.append({ kind: 'session', record: sampleRecord(BOB, record) });
    const subscription = sampleSubscription('x/#', { qos: 0, noLocal: true, identifier: 7 });
    store.append({ kind: 'subscribed', clientId: BOB, subscription });
    store.append({ kind: 'sessionRemoved', clientId: 'away' });
    const long = 'x'.repeat(200);
    store.append({ kind: 'retained', message: sampleMessage({ topic: 'b', payload: long, expiresAtMs: 1.7e12 }) });
    expect([...partsOf(store, ALL)].flatMap(partLines)).toEqual([
      `session ${ALICE}: MQTT 5.0, user user, from 127.0.0.1, away since 1970-01-01T00:00:02.000Z, expires 3600 s after it has left, 1 messages of 7 bytes wait`,
      '  subscribed to a/#: QoS 1',
      `  in flight for ${ALICE}: packet id 5 awaits PUBREC, QoS 2, 4 bytes, a/1: "text"`,
      `  in flight for ${ALICE}: packet id 6 awaits PUBCOMP`,
      `  queued for ${ALICE}: position 2, QoS 2, 4 bytes, a/2: "text"`,
      `session ${BOB}: MQTT 3.1.1, connected, never expires, 3 messages of 19 bytes wait, inbound packet ids 9`,
      '  will after 5 s: QoS 1, 2 bytes, retained, will: ff00',
      '  subscribed to x/#: QoS 0, noLocal true, identifier 7',
      `  queued for ${BOB}: position 1, QoS 1, 4 bytes, a/1: "text"`,
      `  queued for ${BOB}: position 2, QoS 1, 4 bytes, a/2: "text"`,
      `  queued for ${BOB}: position 3, QoS 1, 4 bytes, b: "text"`,
      'retained: QoS 1, 4 bytes, a/r: "kept"',
      `retained: QoS 1, 200 bytes, expires 2023-11-14T22:13:20.000Z, b: "${'x'.repeat(79)}...`,
    ]);
  });
});
