import { MemoryStore } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';
import { queuedEntry, sampleMessage, sampleRecord, sampleTarget } from '../../../../test/contract/store-samples.js';
import { dumpObjects } from './dump.js';
import { ALICE, BOB, sampleStore } from './sample-store.test-support.js';

const ALL = { clientId: null, topicFilter: null };

describe('a dump', () => {
  const message = (topic: string, payload = 'text') => ({ topic, payload, qos: 1, publisher: 'publisher' });

  it('has each session with what belongs to it, and then retained messages', () => {
    const objects = [...dumpObjects(sampleStore(), ALL)];
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
      { kind: 'retained', message: message('b', 'kept') },
    ]);
  });

  it('of one client has nothing of others', () => {
    const objects = [...dumpObjects(sampleStore(), { ...ALL, clientId: BOB })];
    expect(objects.map(({ kind, clientId }) => `${kind} ${clientId}`)).toEqual([
      `session ${BOB}`,
      ...new Array(3).fill(`queued ${BOB}`),
    ]);
  });

  it('of topics has the messages that match', () => {
    const objects = [...dumpObjects(sampleStore(), { ...ALL, topicFilter: 'a/+' })];
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
    expect([...dumpObjects(store, ALL)]).toHaveLength(1001);
  });
});
