import { describe, expect, it } from 'vitest';
import type { QueuedMessage, StoredSession } from '../core/ports/store.js';
import { shardOf } from '../core/shard.js';
import { MemoryStore } from './memory-store.js';
import { MosquittoState, readMosquittoDb } from './mosquitto-db.js';
import { entriesFrom } from './mosquitto-db-entries.js';
import { MosquittoDbWriter } from './mosquitto-db-writer.test-support.js';

const { PUBLISH_QOS0, PUBLISH_QOS1, WAIT_FOR_PUBACK, PUBLISH_QOS2, WAIT_FOR_PUBREC, RESEND_PUBREL } = MosquittoState;
const { WAIT_FOR_PUBREL, RESEND_PUBCOMP, WAIT_FOR_PUBCOMP, SEND_PUBREC, QUEUED } = MosquittoState;

const INBOUND = { direction: 0, qos: 2 };

function imported(writer: MosquittoDbWriter, store = new MemoryStore()): MemoryStore {
  for (const entry of entriesFrom(readMosquittoDb(writer.bytes), store)) store.append(entry);
  return store;
}

function sessionOf(store: MemoryStore, clientId: string): StoredSession {
  const session = [...store.sessions()].find(({ record }) => record.clientId === clientId);
  if (session === undefined) throw new Error(`There is no session of ${clientId}`);
  return session;
}

function textOf({ message }: QueuedMessage): string {
  return new TextDecoder().decode(message.payload);
}

/** What waits for a client, in its order: payloads. */
function queueOf(store: MemoryStore, clientId: string): string[] {
  return store.queue(clientId, 0, 100).map(textOf);
}

/** Two client ids in one shard. */
function neighbours(): [string, string] {
  const first = 'client-0';
  for (let i = 1; ; i++) if (shardOf(`client-${i}`) === shardOf(first)) return [first, `client-${i}`];
}

describe('a session of Mosquitto', () => {
  it('lasts for as long as it would have', () => {
    const store = imported(
      new MosquittoDbWriter()
        .client('for ever', { username: 'anna' })
        .client('away', { expiryIntervalS: 60, expiresAtS: 1_700_000_000 })
        .client('connected', { expiryIntervalS: 60 })
        .client('limited', { expiresAtS: 1_700_000_000 }),
    );
    const record = { address: '', username: undefined, will: null };
    const records = [...store.sessions()].map((session) => session.record);
    expect(records).toEqual([
      {
        ...{ ...record, clientId: 'for ever', username: 'anna', protocolVersion: 4 },
        ...{ expiryIntervalS: 0xffffffff, disconnectedAtMs: null },
      },
      {
        ...{ ...record, clientId: 'away', protocolVersion: 5 },
        ...{ expiryIntervalS: 60, disconnectedAtMs: 1_699_999_940_000 },
      },
      { ...record, clientId: 'connected', protocolVersion: 5, expiryIntervalS: 60, disconnectedAtMs: null },
      {
        ...{ ...record, clientId: 'limited', protocolVersion: 4 },
        ...{ expiryIntervalS: 1_700_000_000, disconnectedAtMs: 0 },
      },
    ]);
  });

  it('that was to end with its connection is over, with all that belonged to it', () => {
    const writer = new MosquittoDbWriter()
      .message(1, 'a', 'text', { qos: 2 })
      .client('over', { expiryIntervalS: 0 })
      .clientMessage('over', 1, { state: QUEUED })
      .clientMessage('over', 1, { ...INBOUND, state: WAIT_FOR_PUBREL, packetId: 3 })
      .subscription('over', 'a', 2);
    expect([...entriesFrom(readMosquittoDb(writer.bytes), new MemoryStore())]).toEqual([]);
  });

  it('has its subscriptions with their options', () => {
    const store = imported(
      new MosquittoDbWriter().client('one').subscription('one', 'a/#', 2, { options: 0x1c, identifier: 77 }),
    );
    expect(sessionOf(store, 'one').subscriptions).toEqual([
      { filter: 'a/#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 1, identifier: 77 },
    ]);
  });

  it('replaces one that the store has, so that a second import changes nothing', () => {
    const writer = new MosquittoDbWriter()
      .message(1, 'a', 'text')
      .client('one')
      .clientMessage('one', 1, { state: QUEUED })
      .subscription('one', 'a', 1);
    const store = imported(writer);
    store.append({ kind: 'inboundHeld', clientId: 'one', packetId: 5 });
    imported(writer, store);
    expect(sessionOf(store, 'one')).toMatchObject({ inbound: [], queuedMessages: 1 });
    expect(store.storedMessages).toBe(1);
  });
});

describe('messages for a client of Mosquitto', () => {
  it('that were sent keep packet ids, order and what they wait for; the others wait without an id', () => {
    const writer = new MosquittoDbWriter();
    for (let id = 1; id <= 11; id++) writer.message(id, 't', `${id}`, { qos: 2 });
    writer
      .client('one')
      .clientMessage('one', 3, { state: WAIT_FOR_PUBACK, packetId: 300 })
      .clientMessage('one', 1, { state: WAIT_FOR_PUBREC, packetId: 100, qos: 2 })
      .clientMessage('one', 2, { state: WAIT_FOR_PUBCOMP, packetId: 200, qos: 2 })
      .clientMessage('one', 4, { state: RESEND_PUBREL, packetId: 400, qos: 2 })
      .clientMessage('one', 5, { state: PUBLISH_QOS1, packetId: 500, dup: true })
      .clientMessage('one', 6, { state: PUBLISH_QOS2, packetId: 600, qos: 2, dup: true })
      .clientMessage('one', 7, { state: PUBLISH_QOS2, packetId: 700, qos: 2 })
      .clientMessage('one', 8, { state: PUBLISH_QOS0, qos: 0 })
      .clientMessage('one', 9, { state: QUEUED, packetId: 900 })
      .clientMessage('one', 11, { state: WAIT_FOR_PUBACK })
      .clientMessage('one', 10, { state: QUEUED, qos: 0 });
    const store = imported(writer);
    const { inflight } = sessionOf(store, 'one');
    expect(inflight.map(({ packetId, state, delivery }) => [packetId, state, delivery && textOf(delivery)])).toEqual([
      [300, 1, '3'],
      [100, 2, '1'],
      [200, 3, null],
      [400, 3, null],
      [500, 1, '5'],
      [600, 2, '6'],
    ]);
    expect(queueOf(store, 'one')).toEqual(['7', '8', '9', '11', '10']);
    expect(store.queue('one', 0, 100).map(({ qos }) => qos)).toEqual([2, 0, 1, 1, 0]);
  });

  it('have all that belongs to them', () => {
    const properties = { contentType: 'text/plain', correlationData: Uint8Array.of(1, 2, 3) };
    const store = imported(
      new MosquittoDbWriter()
        .message(1, 'a/b', 'text', {
          ...{ qos: 2, retain: true, publisher: 'sender', expiresAtS: 1_800_000_000 },
          properties: { ...properties, messageExpiryInterval: 60, topicAlias: 3 },
        })
        .message(2, 'bare', '', { properties: { messageExpiryInterval: 60 } })
        .client('one')
        .clientMessage('one', 1, {
          ...{ state: QUEUED, qos: 1, retain: true },
          properties: { subscriptionIdentifiers: [7, 8] },
        })
        .clientMessage('one', 2, { state: QUEUED }),
    );
    const [first, second] = store.queue('one', 0, 2);
    expect(first).toMatchObject({ qos: 1, retain: true, identifiers: [7, 8], sharedFilter: null });
    expect(first.message).toMatchObject({
      ...{ topic: 'a/b', qos: 2, retain: true, publisher: 'sender', expiresAtMs: 1_800_000_000_000 },
    });
    expect(first.message.properties).toEqual(properties);
    expect(second.message).toMatchObject({ properties: null, expiresAtMs: Number.POSITIVE_INFINITY });
    expect(second.identifiers).toBe(null);
  });

  it('do not change when the file does', () => {
    const writer = new MosquittoDbWriter()
      .message(1, 't', 'text', { properties: { correlationData: Uint8Array.of(1, 2, 3) } })
      .client('one')
      .clientMessage('one', 1, { state: QUEUED });
    const { bytes } = writer;
    const store = new MemoryStore();
    for (const entry of entriesFrom(readMosquittoDb(bytes), store)) store.append(entry);
    bytes.fill(0);
    expect(queueOf(store, 'one')).toEqual(['text']);
    expect(store.queue('one', 0, 1)[0].message.properties).toEqual({ correlationData: Uint8Array.of(1, 2, 3) });
  });

  it('are stored once for all sessions of a shard, where the order of each allows it', () => {
    const [one, two] = neighbours();
    const writer = new MosquittoDbWriter();
    // Newest first, as Mosquitto 2.0 has them.
    for (const id of [5, 4, 3, 2, 1]) writer.message(id, 't', `${id}`);
    writer.client(one);
    for (const id of [1, 2, 3, 4, 5]) writer.clientMessage(one, id, { state: QUEUED });
    writer.client(two);
    // An old retained message came late, and one came twice.
    for (const id of [2, 3, 1, 3]) writer.clientMessage(two, id, { state: QUEUED });
    const store = imported(writer);
    expect(queueOf(store, one)).toEqual(['1', '2', '3', '4', '5']);
    expect(queueOf(store, two)).toEqual(['2', '3', '1', '3']);
    expect(store.storedMessages).toBe(7);
  });

  it('make no entry that is for nobody', () => {
    const writer = new MosquittoDbWriter().message(1, 't', '1').message(2, 't', '2').client('one');
    for (const id of [2, 1]) writer.clientMessage('one', id, { state: QUEUED });
    let last = 0;
    const entries = [...entriesFrom(readMosquittoDb(writer.bytes), { nextPosition: () => ++last })];
    const queued = entries.filter((entry) => entry.kind === 'queued');
    expect(queued.map(({ position, sessions }) => [position, sessions.length])).toEqual([
      [2, 1],
      [3, 1],
    ]);
  });

  it('are left out where the file does not have the message, or the client', () => {
    const writer = new MosquittoDbWriter()
      .message(1, 't', 'text')
      .client('one')
      .clientMessage('one', 2, { state: WAIT_FOR_PUBACK, packetId: 1 })
      .clientMessage('stranger', 1, { state: QUEUED })
      .subscription('stranger', 't', 1)
      .retained(3);
    const store = imported(writer);
    expect([...store.sessions()]).toMatchObject([{ inflight: [], queuedMessages: 0 }]);
    expect([...store.retained()]).toEqual([]);
    expect(store.storedMessages).toBe(0);
  });
});

describe('a message of QoS 2 that a client sent', () => {
  /** The sender, with one message in this state, and a client that subscribed. */
  function sent(state: number, filter = 't/#', options = {}): MosquittoDbWriter {
    return new MosquittoDbWriter()
      .message(1, 't/1', 'old')
      .message(2, 't/1', 'new', { qos: 2, publisher: 'sender', ...options })
      .client('sender')
      .clientMessage('sender', 2, { ...INBOUND, state, packetId: 44 })
      .client('receiver')
      .clientMessage('receiver', 1, { state: QUEUED })
      .subscription('receiver', filter, 2, { identifier: 6 });
  }

  it.each([WAIT_FOR_PUBREL, SEND_PUBREC])('awaits PUBREL, and waits for those who subscribed (state %i)', (state) => {
    const store = imported(sent(state));
    expect(sessionOf(store, 'sender').inbound).toEqual([44]);
    expect(queueOf(store, 'receiver')).toEqual(['old', 'new']);
    expect(store.queue('receiver', 0, 2)[1]).toMatchObject({ qos: 2, retain: false, identifiers: [6] });
  });

  it('is known but not passed on again when its PUBREL had come', () => {
    const store = imported(sent(RESEND_PUBCOMP));
    expect(sessionOf(store, 'sender').inbound).toEqual([44]);
    expect(queueOf(store, 'receiver')).toEqual(['old']);
  });

  it('is forgotten when it had no PUBREC: its client sends it again', () => {
    const store = imported(sent(QUEUED));
    expect(sessionOf(store, 'sender').inbound).toEqual([]);
    expect(queueOf(store, 'receiver')).toEqual(['old']);
  });

  it('is left out when it has no packet id', () => {
    const writer = sent(QUEUED).clientMessage('sender', 2, { ...INBOUND, state: WAIT_FOR_PUBREL, packetId: 0 });
    const store = imported(writer);
    expect(sessionOf(store, 'sender').inbound).toEqual([]);
    expect(queueOf(store, 'receiver')).toEqual(['old']);
  });

  it('does not go to others, nor with QoS 0', () => {
    expect(queueOf(imported(sent(WAIT_FOR_PUBREL, 'other')), 'receiver')).toEqual(['old']);
    const withQoS0 = sent(WAIT_FOR_PUBREL, 'other').subscription('receiver', 't/+', 0);
    expect(queueOf(imported(withQoS0), 'receiver')).toEqual(['old']);
  });

  it('goes once to a session, by all of its subscriptions, with the highest QoS', () => {
    const writer = sent(WAIT_FOR_PUBREL, 't/#', { retain: true })
      .subscription('receiver', '#', 1, { identifier: 7, options: 0x08 })
      .client('third')
      .subscription('third', 't/1', 1);
    const store = imported(writer);
    expect(queueOf(store, 'receiver')).toEqual(['old', 'new']);
    expect(store.queue('receiver', 0, 2)[1]).toMatchObject({ qos: 2, retain: true, identifiers: [6, 7] });
    expect(store.queue('third', 0, 2)).toMatchObject([{ qos: 1, retain: false, identifiers: null }]);
  });

  it('does not go to its sender where that has No Local', () => {
    const writer = sent(WAIT_FOR_PUBREL).subscription('sender', 't/1', 2, { options: 0x04 });
    expect(queueOf(imported(writer), 'sender')).toEqual([]);
    const withLocal = sent(WAIT_FOR_PUBREL).subscription('sender', 't/1', 2);
    expect(queueOf(imported(withLocal), 'sender')).toEqual(['new']);
  });

  it('goes to one member of a shared subscription, who take turns', () => {
    const filter = '$share/g/t/+';
    const writer = sent(WAIT_FOR_PUBREL, filter)
      .message(3, 't/2', 'newer', { qos: 2 })
      .clientMessage('sender', 3, { ...INBOUND, state: WAIT_FOR_PUBREL, packetId: 45 })
      .client('member')
      .subscription('member', filter, 1);
    const store = imported(writer);
    expect(queueOf(store, 'receiver')).toEqual(['old', 'new']);
    expect(store.queue('member', 0, 2).map(({ sharedFilter }) => sharedFilter)).toEqual([filter]);
    expect(queueOf(store, 'member')).toEqual(['newer']);
  });

  it('keeps of a retained message who may be asked for it', () => {
    const writer = new MosquittoDbWriter()
      .message(1, 'by/anna', 'x', { retain: true, publisher: 'one', username: 'anna' })
      .message(2, 'by/nobody', 'x', { retain: true, publisher: 'two' })
      .message(3, 'by/broker', 'x', { retain: true })
      .retained(1)
      .retained(2)
      .retained(3);
    const sources = [...imported(writer).retained()].map(({ topic, source }) => [topic, source]);
    expect(sources).toEqual([
      ['by/anna', { clientId: 'one', username: 'anna', address: '' }],
      ['by/nobody', { clientId: 'two', username: undefined, address: '' }],
      ['by/broker', null],
    ]);
  });

  it('replaces the retained message, or clears it, if it was to be retained', () => {
    const retainedIn = (text: string, retain = true): string[] => {
      const writer = new MosquittoDbWriter()
        .message(1, 't', 'old', { retain: true })
        .message(2, 't', text, { qos: 2, retain })
        .client('sender')
        .clientMessage('sender', 2, { ...INBOUND, state: WAIT_FOR_PUBREL, packetId: 44 })
        .retained(1);
      return [...imported(writer).retained()].map(({ payload }) => new TextDecoder().decode(payload));
    };
    expect(retainedIn('new')).toEqual(['new']);
    expect(retainedIn('')).toEqual([]);
    expect(retainedIn('new', false)).toEqual(['old']);
    expect(retainedIn('', false)).toEqual(['old']);
  });
});
