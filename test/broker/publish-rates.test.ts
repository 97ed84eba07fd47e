import { PacketType, type ProtocolVersion, type Publish, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

function topicsOf(client: TestClient): string[] {
  return client.inbox.splice(0).map((packet) => (packet as Publish).topic);
}

async function pair(broker: TestBroker, version: ProtocolVersion = 4): Promise<[TestClient, TestClient]> {
  const subscriber = await broker.connected('subscriber');
  await subscriber.subscribe('#');
  return [await broker.connected('publisher', version), subscriber];
}

async function settle(...clients: readonly TestClient[]): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(clients.filter(({ closed }) => closed)).toEqual([]);
}

/** Time passes, and what waits in links is read meanwhile. */
async function passing(broker: TestBroker, ms: number, ...clients: readonly TestClient[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    broker.clock.advance(500);
    await settle(...clients);
  }
}

describe('max_publish_rate', () => {
  it.each([4, 5] as const)(
    'lets a client of version %i publish so much in a second, and makes it wait',
    async (version) => {
      const broker = new TestBroker({ settings: { maxPublishRate: 10 } });
      const [publisher, subscriber] = await pair(broker, version);
      for (let i = 0; i < 25; i++) publisher.publish(`t/${i}`, 'x');
      await settle(publisher, subscriber);
      expect(topicsOf(subscriber)).toEqual(Array.from({ length: 10 }, (_, i) => `t/${i}`));
      broker.clock.advance(1100);
      await settle(publisher, subscriber);
      const next = topicsOf(subscriber);
      expect(next[0]).toBe('t/10');
      expect(next.length).toBeGreaterThanOrEqual(10);
      expect(next.length).toBeLessThanOrEqual(12);
      broker.clock.advance(1100);
      await settle(publisher, subscriber);
      expect(topicsOf(subscriber).at(-1)).toBe('t/24');
    },
  );

  it('counts the messages of a run one by one, and loses none of them', async () => {
    const broker = new TestBroker({ settings: { maxPublishRate: 10 } });
    const [publisher, subscriber] = await pair(broker);
    publisher.publish('t', 'known');
    await settle(publisher, subscriber);
    for (let i = 0; i < 100; i++) publisher.publish('t', String(i));
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toHaveLength(10);
    await passing(broker, 10_000, publisher, subscriber);
    const texts = subscriber.inbox.map((packet) => new TextDecoder().decode((packet as Publish).payload));
    expect(texts).toEqual(Array.from({ length: 91 }, (_, i) => String(i + 9)));
  });

  it('holds nobody else up', async () => {
    const broker = new TestBroker({ settings: { maxPublishRate: 1 } });
    const [publisher, subscriber] = await pair(broker);
    for (let i = 0; i < 5; i++) publisher.publish('many', 'x');
    const other = await broker.connected('other');
    other.publish('one', 'x');
    await settle(publisher, subscriber, other);
    expect(topicsOf(subscriber)).toEqual(['many', 'one']);
  });

  it('acknowledges QoS 1 as it takes it', async () => {
    const broker = new TestBroker({ settings: { maxPublishRate: 2 } });
    const [publisher] = await pair(broker, 5);
    for (let i = 0; i < 3; i++) publisher.publish('t', 'x', { qos: 1 });
    await settle(publisher);
    const acknowledged = () => publisher.inbox.filter(({ type }) => type === PacketType.PUBACK).length;
    expect(acknowledged()).toBe(2);
    broker.clock.advance(1000);
    await settle(publisher);
    expect(acknowledged()).toBe(3);
  });

  it('does not take a client that has to wait for one that is silent', async () => {
    const broker = new TestBroker({ settings: { maxPublishRate: 1 } });
    const client = await broker.connected('a', 4, { keepAlive: 2 });
    for (let i = 0; i < 10; i++) client.publish('t', 'x');
    await passing(broker, 9000, client);
    expect(broker.broker.counters.publishReceived).toBeGreaterThan(8);
  });

  it('counts a message once for whose topic somebody has to be asked', async () => {
    const allowed = { allowed: true, rule: 'the test' };
    const broker = new TestBroker({
      settings: { maxPublishRate: 3 },
      authorizer: {
        unrestricted: false,
        version: 1,
        mayPublish: () => Promise.resolve(allowed),
        maySubscribe: () => allowed,
        mayReceive: () => allowed,
      },
    });
    const [publisher, subscriber] = await pair(broker);
    for (const topic of ['a', 'b', 'c', 'd']) publisher.publish(topic, 'x');
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toEqual(['a', 'b', 'c']);
  });

  it('can be set and lifted while a client is connected', async () => {
    const broker = new TestBroker();
    const [publisher, subscriber] = await pair(broker);
    broker.broker.settings.maxPublishRate = 1;
    for (let i = 0; i < 3; i++) publisher.publish('t', 'x');
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toHaveLength(1);
    broker.broker.settings.maxPublishRate = Number.POSITIVE_INFINITY;
    broker.clock.advance(1100);
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toHaveLength(2);
  });

  it('ends with its connection, while it holds it', async () => {
    const broker = new TestBroker({ settings: { maxPublishRate: 1 } });
    const client = await broker.connected('a', 5);
    for (let i = 0; i < 3; i++) client.publish('t', 'x');
    await settle(client);
    expect(broker.broker.disconnect('a')).toBe(true);
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: ReasonCode.ADMINISTRATIVE_ACTION });
    await client.expectClose();
    broker.clock.advance(5000);
    expect(broker.broker.gauges.connections).toBe(0);
  });
});

describe('max_publish_bytes_rate', () => {
  it('lets a client publish so many bytes in a second, and has a large message paid for afterwards', async () => {
    const broker = new TestBroker({ settings: { maxPublishBytesRate: 1000 } });
    const [publisher, subscriber] = await pair(broker);
    publisher.publish('large', 'x'.repeat(3000));
    publisher.publish('small', 'x');
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toEqual(['large']);
    broker.clock.advance(1500);
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toEqual([]);
    broker.clock.advance(1000);
    await settle(publisher, subscriber);
    expect(topicsOf(subscriber)).toEqual(['small']);
  });
});
