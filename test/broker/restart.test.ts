import { PacketType, ReasonCode } from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snapshot } from '../contract/store-model.js';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { LateStore } from '../support/late-store.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;

const LASTING = { clean: false, properties: { sessionExpiryInterval: 1000 } };

/** A broker with one client that publishes and one whose session lasts. */
async function started(options = {}) {
  const test = new TestBroker(options);
  const publisher = await test.connected('publisher', 5);
  const client = await test.connected('client', 5, LASTING);
  return { test, publisher, client };
}

describe('after a restart', () => {
  it('sessions are there, for 5.0 and older clients, and connected ones are not connected any more', async () => {
    const { test } = await started();
    await test.connected('old', 4, { clean: false });
    await test.connected('clean', 4);
    test.restart();
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 2 });
    for (const [clientId, version, present] of [
      ['client', 5, true],
      ['old', 4, true],
      ['clean', 4, false],
      ['publisher', 5, false],
    ] as const) {
      expect((await test.client(version).connect({ clientId, ...LASTING })).sessionPresent).toBe(present);
    }
  });

  it('subscriptions have their options', async () => {
    const { test, client } = await started();
    const subscription = { noLocal: true, retainAsPublished: true };
    await client.subscribe([{ filter: 'own', ...subscription }], 1, { subscriptionIdentifiers: [9] });
    await client.subscribe('gone', 1);
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 77, filters: ['gone'] });
    await client.expect(PacketType.UNSUBACK);
    test.restart();
    const publisher = await test.connected('publisher', 5);
    const again = await test.connected('client', 5, LASTING);
    again.publish('own', 'own');
    await publishThrough(publisher, 'gone', 'gone', { qos: 1 });
    await publishThrough(publisher, 'own', 'text', { qos: 2, retain: true });
    expect(await takeMessage(again)).toMatchObject({
      text: 'text',
      qos: 1,
      retain: true,
      properties: { subscriptionIdentifiers: [9] },
    });
    await again.expectNothing();
  });

  it('members of shared subscriptions share, and what waited for one goes to the other when it ends', async () => {
    const { test, publisher, client } = await started();
    await client.subscribe('$share/g/t', 1);
    client.cut();
    await publisher.expectNothing();
    for (const text of ['1', '2']) await publishThrough(publisher, 't', text, { qos: 1 });
    test.restart();
    const other = await test.connected('other', 5, LASTING);
    await other.subscribe('$share/g/t', 1);
    const again = await test.connected('publisher', 5);
    await publishThrough(again, 't', '3', { qos: 1 });
    expect(await takeTexts(other, 1)).toEqual(['3']);
    await test.connected('client', 5, { clean: true });
    expect(await takeTexts(other, 2)).toEqual(['1', '2']);
    await other.expectNothing();
  });

  it('queues are in order, however long, with what is left of each life', async () => {
    const { test, publisher, client } = await started();
    await client.subscribe('t/#', 2);
    client.cut();
    await publisher.expectNothing();
    const wanted: string[] = [];
    for (let i = 0; i < 400; i++) {
      // Every tenth dies on the way, every seventh is counted down.
      const messageExpiryInterval = i % 10 === 0 ? 50 : 500;
      const properties = i % 10 === 0 || i % 7 === 0 ? { properties: { messageExpiryInterval } } : {};
      await publishThrough(publisher, `t/${i % 3}`, `${i}`, { qos: i % 2 === 0 ? 1 : 2, ...properties });
      if (i % 10 > 0) wanted.push(`${i}`);
    }
    test.clock.advance(60_000);
    test.restart();
    test.clock.advance(40_000);
    const again = test.client(5);
    again.acknowledgeAll();
    await again.connect({ clientId: 'client', ...LASTING });
    await again.settle();
    const messages = again.inbox.filter((packet) => packet.type === PacketType.PUBLISH);
    expect(messages.map(({ payload }) => Buffer.from(payload).toString())).toEqual(wanted);
    for (const { payload, qos, properties } of messages) {
      const i = Number(Buffer.from(payload).toString());
      expect(qos).toBe(i % 2 === 0 ? 1 : 2);
      expect(properties?.messageExpiryInterval).toBe(i % 7 === 0 ? 400 : undefined);
    }
    expect(test.store.storedMessages).toBe(0);
  });

  it('a queue that was read in part goes on where it was', async () => {
    const { test, publisher, client } = await started({ settings: { maxInflightMessages: 5 } });
    await client.subscribe('t', 1);
    client.cut();
    await publisher.expectNothing();
    for (let i = 0; i < 300; i++) await publishThrough(publisher, 't', `${i}`, { qos: 1 });
    let next = 0;
    while (next < 300) {
      const again = await test.connected('client', 5, LASTING);
      for (let i = 0; i < 37 && next < 300; i++) expect((await takeMessage(again)).text).toBe(`${next++}`);
      await again.settle();
      test.restart();
    }
    const last = await test.connected('client', 5, LASTING);
    await last.expectNothing();
  });

  it('what was in flight to a client is sent again, in order, each where it was', async () => {
    const { test, publisher, client } = await started();
    await client.subscribe('t', 2);
    for (const [text, qos] of [
      ['puback', 1],
      ['pubrec', 2],
      ['pubcomp', 2],
      ['done 1', 1],
      ['done 2', 2],
      ['rejected', 1],
    ] as const) {
      await publishThrough(publisher, 't', text, { qos });
    }
    const ids = new Map<string, number>();
    for (let i = 0; i < 6; i++) {
      const { text, packetId = 0 } = await client.expectMessage();
      ids.set(text, packetId);
    }
    const id = (text: string): number => ids.get(text) ?? 0;
    client.acknowledge(PUBREC, id('pubcomp'));
    client.acknowledge(PUBACK, id('done 1'));
    client.acknowledge(PUBREC, id('done 2'));
    await client.expect(PUBREL);
    await client.expect(PUBREL);
    client.acknowledge(PUBCOMP, id('done 2'));
    client.acknowledge(PUBACK, id('rejected'), ReasonCode.UNSPECIFIED_ERROR);
    await client.expectNothing();
    test.restart();
    const again = await test.connected('client', 5, LASTING);
    // PUBRELs need not wait for the window, so they come first.
    expect((await again.expect(PUBREL)).packetId).toBe(id('pubcomp'));
    expect(await again.expectMessage()).toMatchObject({ text: 'puback', packetId: id('puback'), dup: true, qos: 1 });
    expect(await again.expectMessage()).toMatchObject({ text: 'pubrec', packetId: id('pubrec'), dup: true, qos: 2 });
    again.acknowledge(PUBCOMP, id('pubcomp'));
    again.acknowledge(PUBACK, id('puback'));
    again.acknowledge(PUBREC, id('pubrec'));
    await again.expect(PUBREL);
    again.acknowledge(PUBCOMP, id('pubrec'));
    await again.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('a QoS 2 message that was taken over is not taken again [MQTT-4.3.3-10]', async () => {
    const { test, client } = await started();
    client.publish('t', 'x', { qos: 2, packetId: 5 });
    await client.expect(PUBREC);
    test.restart();
    const watcher = await test.connected('watcher', 5);
    await watcher.subscribe('t', 2);
    const again = await test.connected('client', 5, LASTING);
    again.publish('t', 'x', { qos: 2, packetId: 5, dup: true });
    expect((await again.expect(PUBREC)).packetId).toBe(5);
    again.acknowledge(PUBREL, 5);
    expect((await again.expect(PUBCOMP)).reasonCode).toBe(0);
    await watcher.expectNothing();
    test.restart();
    const third = await test.connected('client', 5, LASTING);
    third.acknowledge(PUBREL, 5);
    expect((await third.expect(PUBCOMP)).reasonCode).toBe(ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
  });

  it('retained messages are there, with what is left of their life', async () => {
    const { test, publisher } = await started();
    const expiring = { qos: 1, retain: true, properties: { messageExpiryInterval: 100, contentType: 'x' } } as const;
    await publishThrough(publisher, 'r/1', 'kept', expiring);
    await publishThrough(publisher, 'r/2', 'replaced', { qos: 1, retain: true });
    await publishThrough(publisher, 'r/2', 'new', { qos: 1, retain: true });
    await publishThrough(publisher, 'r/3', 'cleared', { qos: 1, retain: true });
    await publishThrough(publisher, 'r/3', '', { qos: 1, retain: true });
    test.clock.advance(30_000);
    test.restart();
    const reader = await test.connected('reader', 5);
    await reader.subscribe('r/+', 1);
    const messages = [await takeMessage(reader), await takeMessage(reader)];
    expect(messages.sort((a, b) => a.topic.localeCompare(b.topic))).toMatchObject([
      { topic: 'r/1', text: 'kept', retain: true, properties: { messageExpiryInterval: 70, contentType: 'x' } },
      { topic: 'r/2', text: 'new', retain: true },
    ]);
    await reader.expectNothing();
  });

  it.each([
    ['the client was gone: the delay began then', true, 60],
    ['the client was connected: the delay begins now', false, 100],
  ])('a delayed will is published in its time, where %s', async (_, cut, remainingS) => {
    const test = new TestBroker();
    const will = { topic: 'will', payload: Buffer.from('bye'), qos: 1, retain: false } as const;
    const client = await test.connected('client', 5, {
      ...LASTING,
      will: { ...will, properties: { willDelayInterval: 100 } },
    });
    if (cut) client.cut();
    else await client.expectNothing();
    await test.client().connect({ clientId: 'later' });
    test.clock.advance(40_000);
    test.restart();
    const watcher = await test.connected('watcher', 5);
    await watcher.subscribe('will', 1);
    test.clock.advance((remainingS - 1) * 1000);
    await watcher.expectNothing();
    test.clock.advance(1100);
    expect(await takeMessage(watcher)).toMatchObject({ text: 'bye', qos: 1 });
    test.restart();
    test.clock.advance(200_000);
    await watcher.expectNothing();
  });

  it('the will of a session that was to end with its connection reaches everybody who waits for it', async () => {
    const test = new TestBroker();
    // Before and after it, by the order of the store.
    const waiting = ['first', 'last'];
    const wait = async (clientId: string): Promise<void> => {
      const client = await test.connected(clientId, 5, LASTING);
      await client.subscribe('will', 1);
    };
    await wait('first');
    await test.connected('client', 5, LASTING);
    const will = { topic: 'will', payload: Buffer.from('bye'), qos: 1, retain: false } as const;
    await test.connected('client', 5, { clean: false, properties: { sessionExpiryInterval: 0 }, will });
    await wait('last');
    test.restart();
    expect(test.broker.gauges.sessions).toBe(2);
    for (const clientId of waiting) {
      const client = await test.connected(clientId, 5, LASTING);
      expect((await takeMessage(client)).text).toBe('bye');
    }
  });

  it('sessions expire in their time, and the time without a broker counts', async () => {
    const { test, client } = await started();
    client.cut();
    await test.client().connect({ clientId: 'later' });
    test.clock.advance(400_000);
    test.restart();
    test.clock.advance(599_000);
    expect(test.broker.gauges.sessions).toBe(1);
    test.clock.advance(1100);
    expect(test.broker.gauges.sessions).toBe(0);
    test.restart();
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('sessions that should have expired meanwhile are gone', async () => {
    const { test, client } = await started();
    client.cut();
    await test.client().connect({ clientId: 'later' });
    // Nobody ticks: as if no process ran.
    await test.broker.stop();
    test.clock.advance(2_000_000);
    test.restart();
    test.clock.advance(1000);
    expect(test.broker.gauges.sessions).toBe(0);
    expect(test.log.lines).toContain('Session of client client expired.');
  });
});

describe('entries', () => {
  const step = fc.record({
    what: fc.constantFrom(
      'publish',
      'publish',
      'publish',
      'connect',
      'cut',
      'subscribe',
      'unsubscribe',
      'take',
      'wait',
    ),
    client: fc.nat({ max: 2 }),
    topic: fc.constantFrom('a', 'a/b', 'b'),
    filter: fc.constantFrom('a', 'a/#', '+', '$share/g/#'),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    clean: fc.constantFrom(false, false, true),
  });

  it('stay as they were appended, and give the same state when they are applied again', async () => {
    const play = async (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
      const store = new LateStore();
      const test = new TestBroker({ store });
      const clients = [0, 1, 2].map(() => test.client(5));
      const isConnected = [false, false, false];
      const wereAppended: string[] = [];
      for (const { what, client: i, topic, filter, qos, retain, clean } of steps) {
        if (what === 'connect' || !isConnected[i]) {
          clients[i] = test.client(5);
          clients[i].acknowledgeAll();
          const will = { topic: 'a', payload: new Uint8Array(3), qos: 1, retain: false } as const;
          const properties = { sessionExpiryInterval: 30, receiveMaximum: 2 };
          const answer = clients[i].connect({ clientId: `c${i}`, clean, properties, will });
          await settled(store);
          await answer;
          isConnected[i] = true;
        }
        const client = clients[i];
        if (what === 'publish') client.publish(topic, `${store.appended}`, { qos, retain });
        if (what === 'subscribe') {
          const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
          client.send({ type: PacketType.SUBSCRIBE, packetId: 8, subscriptions: [{ filter, qos, ...options }] });
        }
        if (what === 'unsubscribe') client.send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: [filter] });
        if (what === 'wait') test.clock.advance(20_000);
        if (what === 'cut') {
          client.cut();
          isConnected[i] = false;
        }
        await settled(store);
        client.inbox.length = 0;
        for (const entry of store.entries.slice(wereAppended.length)) wereAppended.push(JSON.stringify(entry));
      }
      expect(store.entries.map((entry) => JSON.stringify(entry))).toEqual(wereAppended);
      expect(snapshot(store.afterCrash())).toEqual(snapshot(store));
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), play), { numRuns: 100 });
  });
});

/** Lets everything happen that is under way, with the store keeping up. */
async function settled(store: LateStore): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (store.committed < store.appended) store.commit();
  }
}
