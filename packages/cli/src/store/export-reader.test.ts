import { MemoryStore, type Store } from '@cauldron/broker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snapshot } from '../../../../test/contract/store-model.js';
import { arbitraryRun, performRun } from '../../../../test/contract/store-runs.js';
import {
  clientsOfShard,
  queuedEntry,
  sampleMessage,
  sampleRecord,
  sampleSubscription,
  sampleTarget,
} from '../../../../test/contract/store-samples.js';
import { exportObjects } from './export.js';
import { ExportReader } from './export-reader.js';

const HEAD = { format: 'cauldron store', version: 1 };
const [ALICE, BOB, CAROL] = clientsOfShard(5, 3);

/** As objects come back from a file. */
function exported(store: Store): unknown[] {
  return [...exportObjects(store)].map((object) => JSON.parse(JSON.stringify(object)));
}

/** Whether a session has a message in two places. The core gives a session each position once. */
function hasMessageTwice(store: Store): boolean {
  return [...store.sessions()].some(({ record, inflight }) => {
    const all = [...store.queue(record.clientId, 0, 1000), ...inflight.flatMap(({ delivery }) => delivery ?? [])];
    return new Set(all.map(({ position }) => position)).size < all.length;
  });
}

function read(objects: readonly unknown[], store = new MemoryStore()): MemoryStore {
  const reader = new ExportReader(store);
  for (const object of objects) for (const entry of reader.read(object)) store.append(entry);
  reader.end();
  return store;
}

/** A store with all that there is. */
function sampleStore(): MemoryStore {
  const store = new MemoryStore();
  const properties = {
    payloadFormatIndicator: 1 as const,
    messageExpiryInterval: 60,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Uint8Array.of(0, 255),
    userProperties: [['name', 'ü'] as const],
  };
  const message = sampleMessage({ topic: 'ü/\u2028', payload: '{"a":"\\n"}', properties, expiresAtMs: 1.7e12 + 1 });
  const will = { message: sampleMessage({ qos: 2, retain: true, publisher: ALICE }), delayS: 30 };
  store.append({ kind: 'session', record: sampleRecord(ALICE, { will, disconnectedAtMs: 1.6e12 }) });
  const plain = { username: undefined, address: '', protocolVersion: 4, expiryIntervalS: 0xffffffff } as const;
  for (const clientId of [BOB, CAROL]) store.append({ kind: 'session', record: sampleRecord(clientId, plain) });
  const options = { noLocal: true, retainAsPublished: true, retainHandling: 2, identifier: 77, qos: 0 } as const;
  for (const subscription of [sampleSubscription('a/+', options), sampleSubscription('$share/g/#')]) {
    store.append({ kind: 'subscribed', clientId: ALICE, subscription });
  }
  for (const packetId of [7, 65_535]) store.append({ kind: 'inboundHeld', clientId: BOB, packetId });
  for (let position = 1; position <= 100; position++) {
    const targets = [
      sampleTarget(ALICE, { qos: 2, identifiers: [1, 268_435_455], sharedFilter: '$share/g/#' }),
      sampleTarget(BOB, { retain: true }),
      sampleTarget(CAROL),
    ];
    store.append(queuedEntry(store.nextPosition(5), message, ...targets.slice(0, 1 + (position % 3))));
  }
  // Out of order, so that the order of sending differs from that of the queue.
  for (const [packetId, position] of [
    [3, 40],
    [1, 39],
    [2, 1],
  ]) {
    store.append({ kind: 'sent', clientId: ALICE, position, packetId });
  }
  store.append({ kind: 'received', clientId: ALICE, packetId: 1 });
  store.append({ kind: 'retained', message: sampleMessage({ topic: 'r', payload: Uint8Array.of(1, 0, 200), qos: 0 }) });
  store.append({ kind: 'retained', message: sampleMessage({ topic: 's', publisher: '' }) });
  return store;
}

describe('an export', () => {
  it('that is imported gives an equal store', () => {
    const store = sampleStore();
    expect(snapshot(read(exported(store)))).toEqual(snapshot(store));
  });

  it('that is imported gives an equal store, whatever happened to it', async () => {
    const property = fc.asyncProperty(arbitraryRun, async (steps) => {
      const store = new MemoryStore();
      await performRun(store, steps);
      fc.pre(!hasMessageTwice(store));
      const objects = exported(store);
      const copy = read(objects);
      expect(snapshot(copy)).toEqual(snapshot(store));
      expect(copy.storedMessages).toBe(store.storedMessages);
      expect(exported(copy)).toEqual(objects);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('has each message once, with all sessions of its shard', () => {
    const messages = exported(sampleStore()).filter((object) => (object as { kind?: string }).kind === 'queued');
    // One of a hundred was received, and nobody else had it.
    expect(messages).toHaveLength(99);
    const { sessions } = messages[1] as { sessions: { clientId: string }[] };
    expect(sessions.map(({ clientId }) => clientId).sort()).toEqual([ALICE, BOB, CAROL].sort());
  });

  it('has text where the payload is one, else base64', () => {
    const retained = exported(sampleStore()).slice(-3, -1);
    expect(retained).toEqual([
      { kind: 'retained', topic: 'r', payloadBase64: 'AQDI', qos: 0, publisher: 'publisher' },
      { kind: 'retained', topic: 's', payload: 'payload', qos: 1 },
    ]);
  });

  it('goes behind what a store has already, and takes the place of sessions and topics with the same name', () => {
    const store = new MemoryStore();
    for (const clientId of [ALICE, 'other']) store.append({ kind: 'session', record: sampleRecord(clientId) });
    for (const text of ['old', 'kept']) {
      const message = sampleMessage({ payload: text });
      const [clientId, shardmate] = text === 'old' ? [ALICE, ALICE] : ['other', 'other'];
      store.append(queuedEntry(store.nextPosition(5), message, sampleTarget(shardmate)));
      store.append({ kind: 'subscribed', clientId, subscription: sampleSubscription(text) });
    }
    store.append({ kind: 'retained', message: sampleMessage({ topic: 'r', payload: 'old' }) });
    store.append({ kind: 'retained', message: sampleMessage({ topic: 'kept' }) });
    read(exported(sampleStore()), store);
    const sessions = new Map([...store.sessions()].map((session) => [session.record.clientId, session]));
    expect([...sessions.keys()].sort()).toEqual([ALICE, BOB, CAROL, 'other'].sort());
    expect(sessions.get(ALICE)?.subscriptions.map(({ filter }) => filter)).toEqual(['a/+', '$share/g/#']);
    expect(sessions.get(ALICE)?.queuedMessages).toBe(97);
    expect(sessions.get(ALICE)?.inflight.map(({ packetId, state }) => [packetId, state])).toEqual([
      [3, 2],
      [1, 3],
      [2, 2],
    ]);
    expect(sessions.get('other')?.subscriptions.map(({ filter }) => filter)).toEqual(['kept']);
    const retained = [...store.retained()].map(({ topic, payload }) => [topic, payload.length]);
    expect(Object.fromEntries(retained)).toEqual({ kept: 7, r: 3, s: 7 });
  });
});

describe('an import is refused', () => {
  const session = { kind: 'session', clientId: 'c', protocolVersion: 5 };
  const end = { kind: 'end', sessions: 0, messages: 0, retained: 0 };

  it.each<[string, unknown[]]>([
    ['it is empty', []],
    ['this is no export of a store', [{ hello: 'world' }]],
    ['the first line is no object', [[]]],
    ['version 3: it needs a newer program, this one reads up to 2', [{ ...HEAD, version: 3 }]],
    ['the last line is missing: the file was cut off', [HEAD, session]],
    ['there should be 2 sessions, and there are 1', [HEAD, session, { ...end, sessions: 2 }]],
    ['there is something behind the end', [HEAD, end, session]],
    ["there is no kind 'sesion'", [HEAD, { kind: 'sesion' }]],
    ["an object has no 'protocolVersion'", [HEAD, { kind: 'session', clientId: 'c' }]],
    ["an object has a field 'qoss', which is not known", [HEAD, { ...session, qoss: 1 }]],
    ["a second session of client 'c'", [HEAD, session, session]],
    ['a client id is empty', [HEAD, { ...session, clientId: '' }]],
    ["'protocolVersion' of an object must be 3 or 4 or 5, not 6", [HEAD, { ...session, protocolVersion: 6 }]],
    ['topic: Topic name "a/#" contains a wildcard', [HEAD, { kind: 'retained', topic: 'a/#', payload: '', qos: 0 }]],
    ["an object has no 'payload'", [HEAD, { kind: 'retained', topic: 'a', qos: 0 }]],
    [
      "'payloadBase64' of an object must be base64",
      [HEAD, { kind: 'retained', topic: 'a', payloadBase64: '?', qos: 0 }],
    ],
    [
      'properties: payloadFormatIndicator is 2, allowed is 0 to 1',
      [HEAD, { kind: 'retained', topic: 'a', payload: '', qos: 0, properties: { payloadFormatIndicator: 2 } }],
    ],
    [
      'a user property is a list of two texts',
      [HEAD, { kind: 'retained', topic: 'a', payload: '', qos: 0, properties: { userProperties: ['a'] } }],
    ],
    ["there is no session of client 'x' above", [HEAD, { kind: 'inflight', clientId: 'x', messages: [] }]],
    ['a packet id is a whole number from 1 to 65535, not 0', [HEAD, { ...session, inbound: [0] }]],
    ['filter: ', [HEAD, { ...session, subscriptions: [{ filter: 'a/#/b', qos: 0 }] }]],
    ["an object has no 'position'", [HEAD, { kind: 'queued' }]],
  ])('because %s', (message, objects) => {
    expect(() => read(objects)).toThrow(message);
  });

  it('because the sessions of a message do not live together', () => {
    const [other] = clientsOfShard(6, 1);
    const sessions = [ALICE, other].map((clientId) => ({ clientId, qos: 1 }));
    const begun = sessions.map(({ clientId }) => ({ ...session, clientId }));
    const queued = { kind: 'queued', position: 1, message: { topic: 'a', payload: '', qos: 1 }, sessions };
    expect(() => read([HEAD, ...begun, queued])).toThrow('the sessions of a message are not of one shard');
  });
});
