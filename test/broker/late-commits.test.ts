import type { Authorizer, Decision, Entry } from '@cauldron/broker';
import { PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough } from '../support/exchange.js';
import { LateStore } from '../support/late-store.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, PUBLISH, DISCONNECT } = PacketType;

const LASTING = { clean: false, properties: { sessionExpiryInterval: 100 } };

/** A broker whose store commits when told. */
function late(): { test: TestBroker; store: LateStore } {
  const store = new LateStore();
  return { test: new TestBroker({ store }), store };
}

/** A client with a lasting session, connected; nothing waits for the store. */
async function lasting({ test, store }: ReturnType<typeof late>, clientId: string, version: ProtocolVersion = 5) {
  const client = test.client(version);
  sendConnect(client, clientId);
  await settled();
  store.commit();
  await client.expect(CONNACK);
  return client;
}

function sendConnect(client: TestClient, clientId: string, clean = false): void {
  const { version } = client;
  const connect = { type: PacketType.CONNECT, protocolVersion: version, clean, keepAlive: 0, clientId } as const;
  client.send(version === 5 ? { ...connect, properties: LASTING.properties } : connect);
}

async function subscribed(broker: ReturnType<typeof late>, client: TestClient, filter: string, qos: 0 | 1 | 2) {
  const answer = client.subscribe(filter, qos);
  await settled();
  broker.store.commit();
  await answer;
}

/** Resolves when the broker has read all that was sent to it, whether it answers or not: in-process links take a turn. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function kinds(store: LateStore): Entry['kind'][] {
  return store.entries.map(({ kind }) => kind);
}

describe.each([4, 5] as const)(
  'while the store is at work, a client of version %i with a lasting session',
  (version) => {
    it('gets its CONNACK after the commit, and is not read before', async () => {
      const broker = late();
      const client = broker.test.client(version);
      sendConnect(client, 'a');
      client.send({ type: PacketType.PINGREQ });
      await settled();
      expect(client.inbox).toEqual([]);
      broker.store.commit();
      expect((await client.expect(CONNACK)).reasonCode).toBe(0);
      await client.expect(PINGRESP);
    });

    it('gets SUBACK, PUBREC, PUBCOMP and UNSUBACK after the commit, in the order of its packets [MQTT-4.6.0-2]', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      client.publish('none', 'x', { qos: 2, packetId: 1 });
      client.send({
        type: PacketType.SUBSCRIBE,
        packetId: 2,
        subscriptions: [{ filter: 'f', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
      });
      client.acknowledge(PUBREL, 1);
      client.send({ type: PacketType.UNSUBSCRIBE, packetId: 3, filters: ['f'] });
      // Nothing durable is promised here, but it would overtake the others.
      client.publish('none', 'x', { qos: 1, packetId: 4 });
      await settled();
      expect(client.inbox).toEqual([]);
      const wanted = [PUBREC, SUBACK, PUBCOMP, UNSUBACK];
      const first = broker.store.committed + 1;
      for (const [i, type] of wanted.entries()) {
        broker.store.commit(first + i);
        await client.expect(type);
        if (i + 1 < wanted.length) expect(client.inbox).toEqual([]);
      }
      expect((await client.expect(PUBACK)).packetId).toBe(4);
    });

    it('gets an acknowledgement that nothing durable stands behind at once', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      await publishThrough(client, 'none', 'x', { qos: 1 });
      await client.expectNothing();
      expect(broker.store.committed).toBe(broker.store.appended);
    });

    it('is sent a QoS 2 message once its packet id is durable, a QoS 1 message at once', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      await subscribed(broker, client, 'q1', 1);
      await subscribed(broker, client, 'q2', 2);
      const publisher = await broker.test.connected('publisher', version);
      publisher.publish('q1', 'one', { qos: 1, packetId: 1 });
      expect((await client.expectMessage()).text).toBe('one');
      publisher.publish('q2', 'two', { qos: 2, packetId: 2 });
      await settled();
      expect(client.inbox).toEqual([]);
      expect(kinds(broker.store).slice(-4)).toEqual(['queued', 'sent', 'queued', 'sent']);
      // Neither publisher knows more than the store.
      expect(publisher.inbox).toEqual([]);
      broker.store.commit(broker.store.appended - 1);
      expect((await publisher.expect(PUBACK)).packetId).toBe(1);
      await settled();
      expect(client.inbox).toEqual([]);
      broker.store.commit();
      expect((await client.expectMessage()).text).toBe('two');
      expect((await publisher.expect(PUBREC)).packetId).toBe(2);
    });

    it('is sent PUBREL once it is durable that it has the message', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      await subscribed(broker, client, 't', 2);
      const publisher = await broker.test.connected('publisher', version);
      publisher.publish('t', 'x', { qos: 2 });
      await settled();
      broker.store.commit();
      const { packetId = 0 } = await client.expectMessage();
      client.acknowledge(PUBREC, packetId);
      client.acknowledge(PUBREC, packetId);
      await settled();
      expect(client.inbox).toEqual([]);
      expect(kinds(broker.store).at(-1)).toBe('received');
      broker.store.commit();
      for (let i = 0; i < 2; i++) expect((await client.expect(PUBREL)).packetId).toBe(packetId);
    });

    it('gets PUBREC after the commit, by the short way, too, even if its message is stored for nobody', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      const watcher = await broker.test.connected('watcher', version);
      await watcher.subscribe('t', 1);
      client.publish('t', 'makes the route known');
      expect((await watcher.expectMessage()).text).toBe('makes the route known');
      for (const packetId of [1, 2]) client.publish('t', `${packetId}`, { qos: 2, packetId });
      await settled();
      expect(client.inbox).toEqual([]);
      expect(kinds(broker.store).slice(-2)).toEqual(['inboundHeld', 'inboundHeld']);
      broker.store.commit();
      for (const packetId of [1, 2]) expect((await client.expect(PUBREC)).packetId).toBe(packetId);
    });

    it('is sent a QoS 2 message whose id was not durable when it left again after its CONNACK, not before', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      await subscribed(broker, client, 't', 2);
      const publisher = await broker.test.connected('publisher', version);
      publisher.publish('t', 'x', { qos: 2 });
      await settled();
      client.cut();
      await settled();
      const again = broker.test.client(version);
      sendConnect(again, 'a');
      await settled();
      // All but the entry of the new connection: what is promised by its CONNACK is more than that.
      broker.store.commit(broker.store.appended - 1);
      await settled();
      expect(client.inbox).toEqual([]);
      expect(again.inbox).toEqual([]);
      broker.store.commit();
      expect((await again.expect(CONNACK)).reasonCode).toBe(0);
      expect(await again.expectMessage()).toMatchObject({ text: 'x', packetId: 1, dup: true });
      await again.expectNothing();
    });

    it('gets no second answer earlier than the first when it repeats a QoS 2 message', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      client.publish('t', 'x', { qos: 2, packetId: 1 });
      client.publish('t', 'x', { qos: 2, packetId: 1, dup: true });
      await settled();
      expect(client.inbox).toEqual([]);
      broker.store.commit();
      for (let i = 0; i < 2; i++) expect((await client.expect(PUBREC)).packetId).toBe(1);
    });

    it('is told nothing that is not durable when its connection ends', async () => {
      const broker = late();
      const client = await lasting(broker, 'a', version);
      client.publish('t', 'x', { qos: 2, packetId: 1 });
      await settled();
      broker.test.broker.disconnect('a');
      await client.expectClose();
      expect(client.inbox.map(({ type }) => type)).toEqual(version === 5 ? [DISCONNECT] : []);
    });
  },
);

describe('what waits for the store', () => {
  it('is nothing where sessions end with their connections and nothing is retained', async () => {
    const { test, store } = late();
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t', 2);
    const publisher = await test.connected('publisher', 4);
    for (const qos of [0, 1, 2] as const) {
      await publishThrough(publisher, 't', 'x', { qos });
      await subscriber.expectMessage();
    }
    expect(store.appended).toBe(0);
  });

  it('is the acknowledgement of a retained message, and of one that clears it, whatever the session', async () => {
    const { test, store } = late();
    const client = await test.connected('client', 5);
    for (const payload of ['x', '']) {
      client.publish('t', payload, { qos: 1, retain: true });
      await settled();
      expect(client.inbox).toEqual([]);
      store.commit();
      await client.expect(PUBACK);
    }
  });

  it('is the acknowledgement of a message for somebody who is away', async () => {
    const broker = late();
    const away = await lasting(broker, 'away');
    await subscribed(broker, away, 't', 1);
    away.cut();
    const publisher = await broker.test.connected('publisher', 4);
    // Twice: by the general way, and, with the route known, by the short one.
    for (const packetId of [1, 2]) {
      publisher.publish('t', 'x', { qos: 1, packetId });
      await settled();
      expect(publisher.inbox).toEqual([]);
      broker.store.commit();
      expect((await publisher.expect(PUBACK)).packetId).toBe(packetId);
    }
  });

  it('keeps the promise of `Broker.publish` open', async () => {
    const { test, store } = late();
    let isDone = false;
    const published = test.broker.publish('t', 'x', { qos: 1, retain: true }).then(() => (isDone = true));
    await settled();
    expect(isDone).toBe(false);
    store.commit();
    expect(await published).toBe(true);
  });

  it('holds retained messages behind the SUBACK that waits', async () => {
    const broker = late();
    const publisher = await broker.test.connected('publisher', 4);
    publisher.publish('t', 'retained', { retain: true });
    await publisher.expectNothing();
    const client = await lasting(broker, 'a');
    const answer = client.subscribe('t', 1);
    await settled();
    expect(client.inbox).toEqual([]);
    broker.store.commit();
    await answer;
    expect(await client.expectMessage()).toMatchObject({ text: 'retained', retain: true });
  });

  it('brings retained messages of an earlier connection to no later one', async () => {
    const broker = late();
    const publisher = await broker.test.connected('publisher', 4);
    publisher.publish('t', 'retained', { retain: true });
    await publisher.expectNothing();
    const client = await lasting(broker, 'a');
    client.send({
      type: PacketType.SUBSCRIBE,
      packetId: 1,
      subscriptions: [{ filter: 't', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    });
    await settled();
    client.cut();
    await settled();
    const again = await lasting(broker, 'a');
    await again.expectNothing();
  });
});

describe('a connection whose CONNACK waits', () => {
  it('is refused when another one takes the session over meanwhile', async () => {
    const broker = late();
    const first = broker.test.client(5);
    sendConnect(first, 'a');
    await settled();
    const second = broker.test.client(5);
    sendConnect(second, 'a');
    await settled();
    broker.store.commit();
    expect((await first.expect(CONNACK)).reasonCode).toBe(ReasonCode.UNSPECIFIED_ERROR);
    await first.expectClose();
    expect(await second.expect(CONNACK)).toMatchObject({ reasonCode: 0, sessionPresent: true });
    await second.expectNothing();
    expect(broker.test.broker.gauges).toMatchObject({ clientsConnected: 1, sessions: 1 });
  });

  it('is refused when another one begins a new session meanwhile', async () => {
    const broker = late();
    const first = broker.test.client(5);
    sendConnect(first, 'a');
    await settled();
    const second = broker.test.client(5);
    sendConnect(second, 'a', true);
    await settled();
    broker.store.commit();
    expect((await first.expect(CONNACK)).reasonCode).toBe(ReasonCode.UNSPECIFIED_ERROR);
    await first.expectClose();
    expect(await second.expect(CONNACK)).toMatchObject({ reasonCode: 0, sessionPresent: false });
    await second.expectNothing();
    expect(broker.test.broker.gauges).toMatchObject({ clientsConnected: 1, sessions: 1 });
  });

  it('and asked for a session that ends with it, leaves nothing to one that asks for a session that lasts', async () => {
    const broker = late();
    const before = await lasting(broker, 'a');
    await subscribed(broker, before, 't', 1);
    before.cut();
    await settled();
    const first = broker.test.client(5);
    first.send({ type: PacketType.CONNECT, protocolVersion: 5, clean: false, keepAlive: 0, clientId: 'a' });
    await settled();
    // Not stored: it is for a session that ends with the connection.
    const publisher = await broker.test.connected('publisher', 5);
    expect(await publishThrough(publisher, 't', 'x', { qos: 1 })).toBe(0);
    const second = broker.test.client(5);
    sendConnect(second, 'a');
    await settled();
    broker.store.commit();
    expect((await first.expect(CONNACK)).reasonCode).toBe(ReasonCode.UNSPECIFIED_ERROR);
    expect(await second.expect(CONNACK)).toMatchObject({ reasonCode: 0, sessionPresent: false });
    await second.expectNothing();
    expect([...broker.store.afterCrash().sessions()]).toMatchObject([{ subscriptions: [], queuedMessages: 0 }]);
  });

  it('leaves a session that expires in its time when it is lost meanwhile', async () => {
    const broker = late();
    const client = broker.test.client(5);
    sendConnect(client, 'a');
    await settled();
    client.cut();
    await settled();
    broker.store.commit();
    expect(broker.test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 1 });
    broker.test.clock.advance(99_000);
    expect(broker.test.broker.gauges.sessions).toBe(1);
    broker.test.clock.advance(2000);
    expect(broker.test.broker.gauges.sessions).toBe(0);
    broker.store.commit();
    expect([...broker.store.afterCrash().sessions()]).toEqual([]);
  });

  it('has no will before it is connected', async () => {
    const broker = late();
    const watcher = await broker.test.connected('watcher', 4);
    await watcher.subscribe('will');
    const client = broker.test.client(5);
    client.send({
      type: PacketType.CONNECT,
      protocolVersion: 5,
      clean: false,
      keepAlive: 0,
      clientId: 'a',
      properties: LASTING.properties,
      will: { topic: 'will', payload: new Uint8Array(1), qos: 0, retain: false },
    });
    await settled();
    client.cut();
    await settled();
    broker.store.commit();
    broker.test.clock.advance(200_000);
    await watcher.expectNothing();
  });
});

describe('a crash', () => {
  it('takes nothing that was acknowledged, and delivers no QoS 2 message twice', async () => {
    const broker = late();
    const subscriber = await lasting(broker, 'subscriber');
    await subscribed(broker, subscriber, 't', 2);
    const publisher = await lasting(broker, 'publisher');
    for (const packetId of [1, 2, 3]) publisher.publish('t', `${packetId}`, { qos: 2, packetId });
    await settled();
    // The first message and all that belongs to it: held id, message, packet id of the subscriber.
    const perMessage = (broker.store.appended - broker.store.committed) / 3;
    broker.store.commit(broker.store.committed + perMessage);
    await settled();
    expect(publisher.inbox).toMatchObject([{ type: PUBREC, packetId: 1 }]);
    expect(subscriber.inbox).toMatchObject([{ type: PUBLISH, packetId: 1 }]);

    const store = broker.store.afterCrash();
    const next = { test: new TestBroker({ store }), store };
    const again = await lasting(next, 'publisher');
    again.publish('t', '1', { qos: 2, packetId: 1, dup: true });
    again.publish('t', '2', { qos: 2, packetId: 2, dup: true });
    await settled();
    store.commit();
    expect((await again.expect(PUBREC)).packetId).toBe(1);
    expect((await again.expect(PUBREC)).packetId).toBe(2);
    const reader = await lasting(next, 'subscriber');
    expect(await reader.expectMessage()).toMatchObject({ text: '1', packetId: 1, dup: true });
    await settled();
    store.commit();
    expect(await reader.expectMessage()).toMatchObject({ text: '2', packetId: 2, dup: false });
    await reader.expectNothing();
  });
});

describe('a will that a crash comes to,', () => {
  const will = { topic: 'will', payload: Buffer.from('bye'), qos: 2, retain: true } as const;

  /** A broker with a lasting client that has a will, and another one, away, that waits for it. */
  async function prepared(authorizer?: SlowAuthorizer) {
    const store = new LateStore();
    const broker = { test: new TestBroker({ store, ...(authorizer && { authorizer }) }), store };
    const reader = await lasting(broker, 'reader');
    await subscribed(broker, reader, 'will', 2);
    reader.cut();
    const mortal = broker.test.client(5);
    const connect = { type: PacketType.CONNECT, protocolVersion: 5, clean: false, keepAlive: 0 } as const;
    mortal.send({ ...connect, clientId: 'mortal', properties: LASTING.properties, will });
    await settled();
    store.commit();
    await mortal.expect(CONNACK);
    return { broker, mortal };
  }

  /** What the reader gets, and what is retained, when another process goes on. */
  async function afterwards(store: LateStore) {
    const after = store.afterCrash();
    after.commitTurns(Number.POSITIVE_INFINITY);
    const next = { test: new TestBroker({ store: after }), store: after };
    next.test.clock.advance(1000);
    const reader = next.test.client(5);
    sendConnect(reader, 'reader');
    await reader.expect(CONNACK);
    expect(await reader.expectMessage()).toMatchObject({ topic: 'will', text: 'bye', qos: 2 });
    await reader.expectNothing();
    expect(next.test.broker.gauges.retained).toBe(1);
    next.test.clock.advance(200_000);
    await reader.expectNothing();
    expect(next.test.broker.gauges.sessions).toBe(1);
  }

  it('is published once, whether the crash came before or after it was', async () => {
    const { broker, mortal } = await prepared();
    const { store } = broker;
    const turns = store.turns.length;
    mortal.cut();
    await settled();
    // The session without its will, the retained message and the queued one: together or not at all.
    expect(store.turns.length).toBe(turns + 1);
    expect(kinds(store).slice(-3)).toEqual(['session', 'retained', 'queued']);
    await afterwards(store);
    store.commit();
    await afterwards(store);
  });

  it('is not forgotten while somebody decides about it', async () => {
    const authorizer = new SlowAuthorizer();
    const { broker, mortal } = await prepared(authorizer);
    const { store } = broker;
    mortal.cut();
    await settled();
    store.commit();
    await afterwards(store);
    authorizer.decide();
    await settled();
    store.commit();
    await afterwards(store);
  });

  it('brings no session back that ended while somebody decided about it', async () => {
    const authorizer = new SlowAuthorizer();
    const { broker, mortal } = await prepared(authorizer);
    mortal.cut();
    await settled();
    expect((await broker.test.client(5).connect({ clientId: 'mortal' })).reasonCode).toBe(0);
    authorizer.decide();
    await settled();
    broker.store.commit();
    expect([...broker.store.afterCrash().sessions()].map(({ record }) => record.clientId)).toEqual(['reader']);
  });
});

/** Lets everybody read, and takes its time about who may write. */
class SlowAuthorizer implements Authorizer {
  readonly unrestricted = false;
  readonly version = 1;
  readonly #asked: ((decision: Decision) => void)[] = [];

  /** Yes to all. */
  decide(): void {
    for (const answer of this.#asked.splice(0)) answer({ allowed: true, rule: 'all may' });
  }

  mayPublish(): Promise<Decision> {
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  maySubscribe(): Decision {
    return { allowed: true, rule: 'all may' };
  }

  mayReceive(): Decision {
    return { allowed: true, rule: 'all may' };
  }
}
