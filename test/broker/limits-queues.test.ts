import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore, type Settings, type Store } from '@cauldron/broker';
import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const LASTING = { clean: false, properties: { sessionExpiryInterval: 10_000 } };
const QUOTA_EXCEEDED = 0x97;

/** A broker with a client that subscribed to `t/#` and left. */
async function withAbsentClient(
  settings: Partial<Settings>,
  store?: Store,
): Promise<{ test: TestBroker; publisher: TestClient }> {
  const test = new TestBroker({ settings, ...(store && { store }) });
  const client = await test.connected('client', 5, LASTING);
  await client.subscribe('t/#', 1);
  client.disconnect();
  await client.expectClose();
  return { test, publisher: await test.connected('publisher', 5) };
}

/** Publishes a message that lives for so many seconds, and returns what the publisher is told. */
function publish(publisher: TestClient, text: string, lifeS?: number): Promise<number> {
  const properties = lifeS === undefined ? undefined : { messageExpiryInterval: lifeS };
  return publishThrough(publisher, 't/x', text, { qos: 1, ...(properties && { properties }) });
}

async function waiting(test: TestBroker, count: number): Promise<string[]> {
  const client = await test.connected('client', 5, LASTING);
  const texts = await takeTexts(client, count);
  await client.expectNothing();
  return texts;
}

describe('a full queue of an absent client', () => {
  it('makes room of what has expired in it, wherever that stands', async () => {
    const { test, publisher } = await withAbsentClient({ maxQueuedMessages: 4 });
    for (const [text, lifeS] of [
      ['a', undefined],
      ['b', 10],
      ['c', 1000],
      ['d', 10],
    ] as const) {
      expect(await publish(publisher, text, lifeS)).toBe(0);
    }
    expect(await publish(publisher, 'too early')).toBe(QUOTA_EXCEEDED);
    test.clock.advance(11_000);
    expect(await publish(publisher, 'e')).toBe(0);
    expect(await publish(publisher, 'f', 10)).toBe(0);
    expect(await publish(publisher, 'too much')).toBe(QUOTA_EXCEEDED);
    expect(test.broker.counters).toMatchObject({ publishExpired: 2, publishDropped: 2 });
    test.clock.advance(11_000);
    expect(await publish(publisher, 'g')).toBe(0);
    expect(await waiting(test, 4)).toEqual(['a', 'c', 'e', 'g']);
    expect(test.store.storedMessages).toBe(0);
    expect(test.broker.gauges).toMatchObject({ storedBytes: 0, storedMessages: 0 });
  });

  it('does so with messages that only the store has, also those of before a restart, and counts bytes as well', async () => {
    const { test, publisher } = await withAbsentClient({ maxQueuedMessages: 5000, maxQueuedBytes: 500 * 100 });
    for (let i = 0; i < 500; i++) await publish(publisher, `${i}`.padEnd(33), i % 2 === 0 ? 10 : 1000);
    expect(await publish(publisher, 'too much')).toBe(QUOTA_EXCEEDED);
    for (const way of ['now', 'after a restart'] as const) {
      let sender = publisher;
      if (way === 'after a restart') {
        test.restart();
        sender = await test.connected('publisher', 5);
      }
      test.clock.advance(11_000);
      for (let i = 0; i < 250; i++) expect(await publish(sender, 'n'.padEnd(33), 10), way).toBe(0);
      expect(await publish(sender, 'too much'), way).toBe(QUOTA_EXCEEDED);
    }
    const texts = await waiting(test, 500);
    expect(texts.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, i) => `${2 * i + 1}`.padEnd(33)));
  });

  it('does so with messages that are on the disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cauldron-'));
    const store = await openLmdbStore({
      folder,
      sync: 'always',
      syncIntervalMs: 1000,
      maxBytes: Number.POSITIVE_INFINITY,
      strict: true,
      onWarning: () => {},
    });
    try {
      const { test, publisher } = await withAbsentClient({ maxQueuedMessages: 600 }, store);
      publisher.acknowledgeAll();
      for (let i = 0; i < 600; i++) {
        const properties = { messageExpiryInterval: i % 3 === 0 ? 10 : 1000 };
        publisher.publish('t/x', `${i}`, { qos: 1, properties });
      }
      await publisher.settle();
      publisher.inbox.length = 0;
      test.clock.advance(11_000);
      for (let i = 0; i < 200; i++) expect(await publish(publisher, `new ${i}`)).toBe(0);
      expect(await publish(publisher, 'too much')).toBe(QUOTA_EXCEEDED);
      const texts = await waiting(test, 600);
      expect(texts.slice(0, 5)).toEqual(['1', '2', '4', '5', '7']);
      expect(texts.slice(399, 402)).toEqual(['599', 'new 0', 'new 1']);
      expect(store.storedMessages).toBe(0);
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  });

  it('examines a bounded number of messages at a time, and goes on at the next', async () => {
    const { test, publisher } = await withAbsentClient({ maxQueuedMessages: 9001 });
    const { broker } = test;
    for (let i = 0; i < 9000; i++) await broker.publish('t/x', 'lives', { qos: 1 });
    await publish(publisher, 'dies', 10);
    test.clock.advance(11_000);
    expect(await publish(publisher, 'a')).toBe(QUOTA_EXCEEDED);
    expect(await publish(publisher, 'a')).toBe(QUOTA_EXCEEDED);
    test.clock.advance(100);
    expect(await publish(publisher, 'b')).toBe(QUOTA_EXCEEDED);
    test.clock.advance(100);
    expect(await publish(publisher, 'c')).toBe(0);
    expect(broker.counters.publishExpired).toBe(1);
  });

  it('counts messages of QoS 0 only where they wait (queue_qos0_messages)', async () => {
    for (const queueQoS0Messages of [false, true]) {
      const { test, publisher } = await withAbsentClient({ maxQueuedMessages: 2, queueQoS0Messages });
      for (const text of ['0', '1', '2']) publisher.publish('t/x', text);
      await publisher.settle();
      expect(await publish(publisher, 'q1')).toBe(queueQoS0Messages ? QUOTA_EXCEEDED : 0);
      expect(test.broker.counters.publishDropped).toBe(queueQoS0Messages ? 2 : 0);
      expect(await waiting(test, queueQoS0Messages ? 2 : 1)).toEqual(queueQoS0Messages ? ['0', '1'] : ['q1']);
    }
  });

  it('that was made smaller keeps what it has, and takes nothing more', async () => {
    const { test, publisher } = await withAbsentClient({});
    for (const text of ['a', 'b', 'c']) await publish(publisher, text);
    test.broker.settings.maxQueuedMessages = 2;
    expect(await publish(publisher, 'd')).toBe(QUOTA_EXCEEDED);
    expect(await waiting(test, 3)).toEqual(['a', 'b', 'c']);
  });
});

describe('max_queued_messages 0', () => {
  it('is no limit', async () => {
    const { test, publisher } = await withAbsentClient({ maxQueuedMessages: Number.POSITIVE_INFINITY });
    publisher.acknowledgeAll();
    for (let i = 0; i < 3000; i++) publisher.publish('t/x', `${i}`, { qos: 1 });
    await publisher.settle();
    expect(publisher.inbox.filter((packet) => packet.type === PacketType.PUBACK && packet.reasonCode !== 0)).toEqual(
      [],
    );
    expect(test.store.storedMessages).toBe(3000);
  });
});
