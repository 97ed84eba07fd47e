import { DEFAULT_LISTENER } from '@cauldron/broker';
import { PacketType, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

describe('topic matching', () => {
  it.each([
    ['sport/tennis', 'sport/tennis', true],
    ['sport/tennis', 'sport/Tennis', false], // [MQTT-4.7.3-4]
    ['sport/tennis', 'sport/tennis/', false],
    ['/sport', 'sport', false],
    ['+', 'sport', true],
    ['+', '/sport', false],
    ['/+', '/sport', true],
    ['+/+', '/sport', true],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['sport/+', 'sport/tennis', true],
    ['sport/+', 'sport/tennis/player', false],
    ['+/tennis/#', 'sport/tennis', true],
    ['+/tennis/#', 'sport/tennis/a/b/c', true],
    ['sport/#', 'sport', true],
    ['sport/#', 'sports', false],
    ['#', '/', true],
    ['#', 'a/b/c/d', true],
    ['#', '$SYS/broker/uptime', false], // [MQTT-4.7.2-1]
    ['+/broker/uptime', '$SYS/broker/uptime', false],
    ['$SYS/#', '$SYS/broker/uptime', true],
    ['$SYS/+/uptime', '$SYS/broker/uptime', true],
    ['$other/#', '$other', true],
    ['a//b', 'a//b', true],
    ['a/+/b', 'a//b', true],
    ['ü/+', 'ü/日本', true],
  ])('filter %s and topic %s: %s', async (filter, topic, isMatch) => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe(filter);
    await test.broker.publish(topic, 'x');
    if (isMatch) expect((await subscriber.expectMessage()).topic).toBe(topic);
    await subscriber.expectNothing();
  });

  it.each([
    ['a/#/b', 5],
    ['a#', 5],
    ['+a', 5],
    ['', 5],
    ['a/#/b', 4],
  ] as const)(
    'the filter %s is refused and the connection closed, version %i [MQTT-4.7.1-1] [MQTT-4.7.1-2]',
    async (filter, version) => {
      const test = new TestBroker();
      const client = await test.connected('client', version);
      const text = new TextEncoder().encode(filter);
      const properties = version === 5 ? [0] : [];
      const body = [0, 1, ...properties, 0, text.length, ...text, 0];
      client.sendBytes(Uint8Array.from([0x82, body.length, ...body]));
      if (version === 5) {
        const { reasonCode, properties: told } = await client.expect(PacketType.DISCONNECT);
        expect(reasonCode).toBe(ReasonCode.TOPIC_FILTER_INVALID);
        expect(told?.reasonString).toContain('filter');
      }
      await client.expectClose();
      expect(client.inbox).toEqual([]);
    },
  );

  it('nobody but the broker writes below $SYS, apart from the state of bridges', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('$SYS/#');
    const publisher = await test.connected('publisher', 5);
    expect(await publishThrough(publisher, '$SYS/broker/version', 'mine', { qos: 1 })).toBe(ReasonCode.NOT_AUTHORIZED);
    await subscriber.expectNothing();
    expect(await publishThrough(publisher, '$SYS/broker/connection/b/state', '1', { qos: 1 })).toBe(0);
    expect((await subscriber.expectMessage()).text).toBe('1');
  });
});

describe('SUBSCRIBE', () => {
  it('is answered with one reason code for each filter, in their order [MQTT-3.8.4-5] [MQTT-3.8.4-6]', async () => {
    const test = new TestBroker({ settings: { maxTopicLevels: 3 } });
    const client = await test.connected('client', 5);
    const filters = [
      { filter: 'a', qos: 2 as QoS },
      { filter: 'a/b/c/d', qos: 1 as QoS },
      { filter: 'c', qos: 0 as QoS },
      { filter: 'b', qos: 1 as QoS },
    ];
    const suback = await client.subscribe(filters);
    expect(suback.reasonCodes).toEqual([2, ReasonCode.TOPIC_FILTER_INVALID, 0, 1]);
    expect(suback.properties?.reasonString).toContain('max_topic_levels is 3');
  });

  it('replaces the subscription to the same filter [MQTT-3.8.4-3]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    await client.subscribe('t', 2, { subscriptionIdentifiers: [1] });
    await client.subscribe('t', 1, { subscriptionIdentifiers: [2] });
    await test.broker.publish('t', 'x', { qos: 2 });
    const message = await takeMessage(client);
    expect(message).toMatchObject({ qos: 1, properties: { subscriptionIdentifiers: [2] } });
    await client.subscribe('t', 0);
    await test.broker.publish('t', 'y', { qos: 2 });
    const plain = await client.expectMessage();
    expect(plain.qos).toBe(0);
    expect(plain.properties?.subscriptionIdentifiers).toBeUndefined();
    await client.expectNothing();
    expect(test.broker.gauges.subscriptions).toBe(1);
  });

  it('with the same filter twice counts the later one', async () => {
    const test = new TestBroker();
    const client = await test.connected('client');
    const suback = await client.subscribe([
      { filter: 't', qos: 2 },
      { filter: 't', qos: 0 },
    ]);
    expect(suback.reasonCodes).toEqual([2, 0]);
    await test.broker.publish('t', 'x', { qos: 2 });
    expect((await client.expectMessage()).qos).toBe(0);
    await client.expectNothing();
  });

  it('is granted no more than the listener allows [MQTT-3.2.2-10]', async () => {
    const test = new TestBroker();
    const listener = { ...DEFAULT_LISTENER, maximumQoS: 1 as QoS };
    const client = test.client(5, listener);
    expect((await client.connect()).properties?.maximumQoS).toBe(1);
    expect((await client.subscribe('t', 2)).reasonCodes).toEqual([1]);
    await test.broker.publish('t', 'x', { qos: 2 });
    expect((await takeMessage(client)).qos).toBe(1);
  });
});

describe('UNSUBSCRIBE', () => {
  it('ends the subscription with exactly this filter, and is answered even if there is none [MQTT-3.10.4-1] [MQTT-3.10.4-5]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    await client.subscribe([{ filter: 'a/+' }, { filter: 'a/b' }, { filter: 'a/#' }]);
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 50, filters: ['a/+', 'A/b', 'a/#'] });
    expect(await client.expect(PacketType.UNSUBACK)).toMatchObject({
      packetId: 50,
      reasonCodes: [0, ReasonCode.NO_SUBSCRIPTION_EXISTED, 0],
    });
    await test.broker.publish('a/c', 'gone');
    await test.broker.publish('a/b', 'still there');
    expect((await client.expectMessage()).text).toBe('still there');
    await client.expectNothing();
  });

  it('stops new messages, in 3.1.1 as well [MQTT-3.10.4-2]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client');
    await client.subscribe('t');
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 50, filters: ['t'] });
    expect(await client.expect(PacketType.UNSUBACK)).toMatchObject({ packetId: 50 });
    await test.broker.publish('t', 'x');
    await client.expectNothing();
    expect(test.broker.gauges.subscriptions).toBe(0);
  });
});

describe('overlapping subscriptions', () => {
  const overlapping = [
    ['a/b', 0, 10],
    ['a/+', 2, 0],
    ['#', 1, 12],
  ] as const;

  async function subscribed(allowDuplicateMessages: boolean, version: 4 | 5 = 5) {
    const test = new TestBroker({ settings: { allowDuplicateMessages } });
    const client = await test.connected('client', version);
    for (const [filter, qos, identifier] of overlapping) {
      await client.subscribe(
        filter,
        qos,
        identifier === 0 || version === 4 ? undefined : { subscriptionIdentifiers: [identifier] },
      );
    }
    return { test, client };
  }

  it('give a message for each, with its QoS and identifier, while duplicates are allowed [MQTT-3.3.4-5]', async () => {
    const { test, client } = await subscribed(true);
    await test.broker.publish('a/b', 'x', { qos: 2 });
    await client.settle();
    const got = client.inbox.map((packet) =>
      packet.type === PacketType.PUBLISH ? [packet.qos, packet.properties?.subscriptionIdentifiers ?? null] : packet,
    );
    expect(got).toHaveLength(3);
    expect(got).toEqual(
      expect.arrayContaining([
        [0, [10]],
        [2, null],
        [1, [12]],
      ]),
    );
  });

  it('give one message with the highest QoS and all identifiers when they are not [MQTT-3.3.4-2] [MQTT-3.3.4-4]', async () => {
    const { test, client } = await subscribed(false);
    await test.broker.publish('a/b', 'x', { qos: 2 });
    const message = await takeMessage(client);
    expect(message.qos).toBe(2);
    expect([...(message.properties?.subscriptionIdentifiers ?? [])].sort()).toEqual([10, 12]);
    await client.expectNothing();
    await test.broker.publish('a/c', 'x', { qos: 0 });
    expect((await client.expectMessage()).properties?.subscriptionIdentifiers).toEqual([12]);
    await client.expectNothing();
  });

  it('do the same for 3.1.1 clients, without identifiers', async () => {
    const { test, client } = await subscribed(false, 4);
    await test.broker.publish('a/b', 'x', { qos: 1 });
    expect(await takeMessage(client)).toMatchObject({ qos: 1, topic: 'a/b' });
    await client.expectNothing();
  });

  it('of a lasting session are all kept while it is away', async () => {
    const test = new TestBroker();
    const lasting = { clean: false };
    const client = await test.connected('client', 4, lasting);
    await client.subscribe([{ filter: 'a/b' }, { filter: 'a/+' }, { filter: '#' }], 1);
    client.disconnect();
    await client.expectClose();
    await test.broker.publish('a/b', 'x', { qos: 1 });
    const again = await test.connected('client', 4, lasting);
    for (let i = 0; i < 3; i++) expect((await takeMessage(again)).text).toBe('x');
    await again.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });
});

describe('no-local', () => {
  it('keeps a client from its own messages, and from nobody else’s [MQTT-3.8.3-3]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    const other = await test.connected('other', 5);
    await client.subscribe([{ filter: 't', noLocal: true }], 1);
    for (let i = 0; i < 2; i++) {
      expect(await publishThrough(client, 't', 'own', { qos: 1 })).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    }
    await client.expectNothing();
    expect(await publishThrough(other, 't', 'other', { qos: 1 })).toBe(0);
    expect((await takeMessage(client)).text).toBe('other');
  });

  it('holds for the retained message that the client left itself', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    await publishThrough(client, 't', 'own', { qos: 1, retain: true });
    await client.subscribe([{ filter: 't', noLocal: true }]);
    await client.expectNothing();
  });

  it.each([true, false])('leaves overlapping subscriptions alone, duplicates %s', async (allowDuplicateMessages) => {
    const test = new TestBroker({ settings: { allowDuplicateMessages } });
    const client = await test.connected('client', 5);
    await client.subscribe([{ filter: 't', noLocal: true, qos: 2 }], 2, { subscriptionIdentifiers: [1] });
    await client.subscribe([{ filter: '#', qos: 0 }], 0, { subscriptionIdentifiers: [2] });
    client.publish('t', 'own');
    expect(await client.expectMessage()).toMatchObject({ qos: 0, properties: { subscriptionIdentifiers: [2] } });
    await client.expectNothing();
  });

  it('holds for the next connection of the same client, too', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe([{ filter: 't', noLocal: true }], 1);
    before.cut();
    const after = await test.connected('client', 5, lasting);
    after.publish('t', 'own', { qos: 0 });
    await after.expectNothing();
  });
});

describe('retain as published', () => {
  it('passes the flag of the publisher on; without it, RETAIN is 0 [MQTT-3.3.1-12] [MQTT-3.3.1-13]', async () => {
    const test = new TestBroker();
    const keeps = await test.connected('keeps', 5);
    const clears = await test.connected('clears', 5);
    await keeps.subscribe([{ filter: 't', retainAsPublished: true }]);
    await clears.subscribe([{ filter: 't', retainAsPublished: false }]);
    const publisher = await test.connected('publisher');
    for (const retain of [true, false]) {
      publisher.publish('t', 'x', { retain });
      expect((await keeps.expectMessage()).retain).toBe(retain);
      expect((await clears.expectMessage()).retain).toBe(false);
    }
  });
});
