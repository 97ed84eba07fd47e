import { PacketType, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

describe('a retained message', () => {
  it('is sent to whoever subscribes later, with RETAIN set, and live without [MQTT-3.3.1-5] [MQTT-3.3.1-12]', async () => {
    const test = new TestBroker();
    const live = await test.connected('live');
    await live.subscribe('t');
    const publisher = await test.connected('publisher');
    publisher.publish('t', 'state', { retain: true });
    expect(await live.expectMessage()).toMatchObject({ text: 'state', retain: false });
    const late = await test.connected('late');
    await late.subscribe('t');
    expect(await late.expectMessage()).toMatchObject({ topic: 't', text: 'state', retain: true, dup: false });
    await late.expectNothing();
  });

  it('is replaced by the next one of its topic, whatever their QoS', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    for (const qos of [2, 0, 1] as const) await publishThrough(publisher, 't', `q${qos}`, { qos, retain: true });
    const client = await test.connected('client');
    await client.subscribe('t', 2);
    expect(await takeMessage(client)).toMatchObject({ text: 'q1', qos: 1 });
    expect(test.broker.gauges.retained).toBe(1);
  });

  it('is cleared by an empty one, which is passed on but not kept [MQTT-3.3.1-6] [MQTT-3.3.1-7]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const client = await test.connected('client');
    await client.subscribe('t');
    publisher.publish('t', 'x', { retain: true });
    await client.expectMessage();
    publisher.publish('t', '', { retain: true });
    expect(await client.expectMessage()).toMatchObject({ text: '', retain: false });
    await client.subscribe('t');
    await client.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect([...test.store.retained()]).toEqual([]);
  });

  it('is left alone by messages without RETAIN, empty ones too [MQTT-3.3.1-8]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    publisher.publish('t', 'kept', { retain: true });
    publisher.publish('t', 'other');
    publisher.publish('t', '');
    await publisher.expectNothing();
    const client = await test.connected('client');
    await client.subscribe('t');
    expect((await client.expectMessage()).text).toBe('kept');
  });

  it.each([
    [0, 2],
    [1, 2],
    [2, 1],
    [2, 0],
  ] as const)('of QoS %i goes to a subscription of QoS %i with the lower of both', async (published, subscribed) => {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { qos: published, retain: true });
    const client = await test.connected('client');
    await client.subscribe('t', subscribed);
    expect((await takeMessage(client)).qos).toBe(Math.min(published, subscribed));
  });

  it('goes with the identifier of the subscription that asks for it', async () => {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { retain: true });
    const client = await test.connected('client', 5);
    await client.subscribe('#', 0, { subscriptionIdentifiers: [7] });
    expect((await client.expectMessage()).properties?.subscriptionIdentifiers).toEqual([7]);
    await client.subscribe('t', 0, { subscriptionIdentifiers: [8] });
    expect((await client.expectMessage()).properties?.subscriptionIdentifiers).toEqual([8]);
  });

  it('comes after the SUBACK of the subscription', async () => {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { retain: true });
    const client = await test.connected('client');
    client.send({
      type: PacketType.SUBSCRIBE,
      packetId: 1,
      subscriptions: [{ filter: 't', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    });
    await client.settle();
    expect(client.inbox.map(({ type }) => type)).toEqual([PacketType.SUBACK, PacketType.PUBLISH]);
  });

  it('loses its life time while it waits, and is gone at its end [MQTT-3.3.2-5] [MQTT-3.3.2-6]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 5);
    publisher.publish('t', 'x', { retain: true, properties: { messageExpiryInterval: 10 } });
    await publisher.expectNothing();
    test.clock.advance(4000);
    const client = await test.connected('client', 5);
    await client.subscribe('t');
    expect((await client.expectMessage()).properties?.messageExpiryInterval).toBe(6);
    test.clock.advance(6000);
    await client.subscribe('#');
    await client.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect([...test.store.retained()]).toEqual([]);
  });

  it('may be refused altogether: 0x9A in DISCONNECT, and CONNACK says so before', async () => {
    const test = new TestBroker({ settings: { retainAvailable: false } });
    const client = test.client(5);
    expect((await client.connect()).properties?.retainAvailable).toBe(0);
    client.publish('t', 'x', { retain: true });
    const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(ReasonCode.RETAIN_NOT_SUPPORTED);
    expect(properties?.reasonString).toContain('retain_available');
  });

  it.each([3, 4] as const)('may be refused altogether: clients of version %i are disconnected', async (version) => {
    const test = new TestBroker({ settings: { retainAvailable: false } });
    const watcher = await test.connected('watcher');
    await watcher.subscribe('t');
    const client = await test.connected('client', version);
    client.publish('t', 'x', { retain: true });
    await client.expectClose();
    await watcher.expectNothing();
    expect(test.log.lines.join('\n')).toContain('RETAIN is set, but retain_available is false');
  });
});

describe('retained messages for a filter with wildcards', () => {
  it('are all that match, each once, and none of $ topics', async () => {
    const test = new TestBroker();
    const topics = ['a', 'a/b', 'a/b/c', 'b', '/a', '$SYS/a', '$x/a'];
    for (const topic of topics) await test.broker.publish(topic, topic, { retain: true });
    const expected: Record<string, string[]> = {
      '#': ['/a', 'a', 'a/b', 'a/b/c', 'b'],
      'a/#': ['a', 'a/b', 'a/b/c'],
      '+': ['a', 'b'],
      '+/+': ['/a', 'a/b'],
      '$SYS/#': ['$SYS/a'],
      '$x/+': ['$x/a'],
    };
    for (const [filter, wanted] of Object.entries(expected)) {
      const client = await test.connected('client');
      await client.subscribe(filter);
      await client.settle();
      const got = client.inbox.map((packet) => (packet.type === PacketType.PUBLISH ? packet.topic : ''));
      expect(got.sort()).toEqual(wanted);
    }
  });
});

describe('retain handling', () => {
  async function resubscribed(retainHandling: 0 | 1 | 2): Promise<number[]> {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { retain: true });
    const client = await test.connected('client', 5);
    const counts: number[] = [];
    const subscribe = async (qos: QoS) => {
      await client.subscribe([{ filter: 't', retainHandling, qos }]);
      await client.settle();
      counts.push(client.inbox.splice(0).length);
    };
    await subscribe(0);
    await subscribe(1); // Another QoS is still the same subscription.
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 90, filters: ['t'] });
    await client.expect(PacketType.UNSUBACK);
    await subscribe(0);
    return counts;
  }

  it('0 sends them at each SUBSCRIBE [MQTT-3.3.1-9] [MQTT-3.8.4-4]', async () => {
    expect(await resubscribed(0)).toEqual([1, 1, 1]);
  });

  it('1 sends them for a new subscription only [MQTT-3.3.1-10]', async () => {
    expect(await resubscribed(1)).toEqual([1, 0, 1]);
  });

  it('2 never sends them [MQTT-3.3.1-11]', async () => {
    expect(await resubscribed(2)).toEqual([0, 0, 0]);
  });

  it('1 takes the subscription of a resumed session for one that exists', async () => {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { retain: true });
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe([{ filter: 't', retainHandling: 1 }]);
    await before.expectMessage();
    before.cut();
    const after = await test.connected('client', 5, lasting);
    await after.expectNothing();
    await after.subscribe([{ filter: 't', retainHandling: 1 }]);
    await after.expectNothing();
  });
});

describe('very many retained messages', () => {
  const COUNT = 10_000;
  const PAYLOAD = 'x'.repeat(1000);

  async function filled(qos: QoS): Promise<TestBroker> {
    const test = new TestBroker({ settings: { maxQueuedMessages: 100, maxOutputBytes: 1024 * 1024 } });
    for (let i = 0; i < COUNT; i++) await test.broker.publish(`many/${i}`, PAYLOAD, { qos, retain: true });
    return test;
  }

  it.each([0, 1] as const)(
    'follow as the client takes them, QoS %i: none is lost, little waits in memory',
    async (qos) => {
      const test = await filled(qos);
      const client = await test.connected('client');
      client.acknowledgeAll();
      const other = await test.connected('other');
      client.pause();
      const suback = client.subscribe('many/#', qos);
      // The broker serves others while this one does not read.
      await other.settle();
      await other.settle();
      const begun = test.broker.counters.publishSent;
      expect(begun).toBeGreaterThan(0);
      expect(begun * PAYLOAD.length).toBeLessThan(512 * 1024);
      client.resume();
      await suback;
      const topics = new Set<string>();
      for (let i = 0; i < COUNT; i++) topics.add((await client.expectMessage()).topic);
      expect(topics.size).toBe(COUNT);
      await client.expectNothing();
      expect(test.broker.counters.publishDropped).toBe(0);
    },
  );

  it('let others have their turn, also while nothing is found, and the client takes all at once', async () => {
    const test = await filled(0);
    const other = await test.connected('other');
    const finds = await test.connected('finds');
    await finds.subscribe('many/#');
    await other.settle();
    expect(test.broker.counters.publishSent).toBeLessThan(COUNT / 2);
    for (let i = 0; i < COUNT; i++) await finds.expectMessage();
    const searches = await test.connected('searches');
    await test.broker.publish('many/last/of', 'all', { retain: true });
    await searches.subscribe('many/+/of');
    await other.settle();
    expect(searches.inbox).toHaveLength(0);
    expect(await searches.expectMessage()).toMatchObject({ topic: 'many/last/of' });
  });

  it('are forgotten when the client goes before it has them', async () => {
    const test = await filled(1);
    const lasting = { clean: false };
    const before = await test.connected('client', 4, lasting);
    await before.subscribe('many/#', 1);
    for (let i = 0; i < 20; i++) await before.expectMessage();
    before.cut();
    const after = test.client(4);
    after.acknowledgeAll();
    await after.connect({ clientId: 'client', ...lasting });
    await after.settle();
    // What was in flight comes again; the rest was never promised.
    expect(after.inbox).toHaveLength(20);
  });
});
