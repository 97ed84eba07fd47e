import { SHARDS } from '@cauldron/broker';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const LASTING = { clean: false, properties: { sessionExpiryInterval: 100 } };

describe('a message for lasting sessions', () => {
  it('is stored once for each shard, however many wait for it, until the last of them has it', async () => {
    const test = new TestBroker();
    const clientIds = Array.from({ length: 200 }, (_, i) => `c${i}`);
    for (const clientId of clientIds) {
      const client = await test.connected(clientId, 5, LASTING);
      await client.subscribe('t', 1);
      client.cut();
    }
    const publisher = await test.connected('publisher', 5);
    await publishThrough(publisher, 't', 'x', { qos: 1 });
    expect(test.store.storedMessages).toBe(SHARDS);
    for (const [i, clientId] of clientIds.entries()) {
      expect(test.store.storedMessages).toBeGreaterThan(0);
      const client = await test.connected(clientId, 5, LASTING);
      expect((await takeMessage(client)).text).toBe('x');
      await client.expectNothing();
      if (i === 199) expect(test.store.storedMessages).toBe(0);
    }
  });

  it('is stored for each time that a session gets it, and each of these may be acknowledged alone', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5, LASTING);
    await client.subscribe([{ filter: 't/#' }, { filter: 't/a' }, { filter: '+/a' }], 1);
    const publisher = await test.connected('publisher', 5);
    await publishThrough(publisher, 't/a', 'x', { qos: 1 });
    expect(test.store.storedMessages).toBe(3);
    const { packetId = 0 } = await client.expectMessage();
    client.acknowledge(PacketType.PUBACK, packetId);
    for (let i = 0; i < 2; i++) await client.expectMessage();
    await client.expectNothing();
    expect(test.store.storedMessages).toBe(2);
    test.restart();
    const again = await test.connected('client', 5, LASTING);
    expect(await takeTexts(again, 2)).toEqual(['x', 'x']);
    await again.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('is not stored for a session whose queue is full, nor for one that ends with its connection', async () => {
    const test = new TestBroker({ settings: { maxQueuedMessages: 2 } });
    const full = await test.connected('full', 5, LASTING);
    await full.subscribe('t', 1);
    full.cut();
    const publisher = await test.connected('publisher', 5);
    for (const text of ['1', '2']) await publishThrough(publisher, 't', text, { qos: 1 });
    const clean = await test.connected('clean', 5);
    await clean.subscribe('t', 1);
    expect(await publishThrough(publisher, 't', '3', { qos: 1 })).toBe(ReasonCode.SUCCESS);
    expect((await takeMessage(clean)).text).toBe('3');
    expect(test.store.storedMessages).toBe(2);
    clean.cut();
    await clean.expectClose();
    expect(await publishThrough(publisher, 't', '4', { qos: 1 })).toBe(ReasonCode.QUOTA_EXCEEDED);
    const again = await test.connected('full', 5, LASTING);
    expect(await takeTexts(again, 2)).toEqual(['1', '2']);
    await again.expectNothing();
  });

  it('keeps its place when the session resumes only to end with its next connection', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1, maxPublisherWaitMs: 0 } });
    const client = await test.connected('client', 5, LASTING);
    await client.subscribe('t', 1);
    client.cut();
    await client.expectClose();
    const publisher = await test.connected('publisher', 5);
    for (let i = 0; i < 300; i++) await publishThrough(publisher, 't', `${i}`, { qos: 1 });
    const again = await test.connected('client', 5, { clean: false, properties: { sessionExpiryInterval: 0 } });
    for (let i = 300; i < 310; i++) await publishThrough(publisher, 't', `${i}`, { qos: 1 });
    expect(await takeTexts(again, 310)).toEqual(Array.from({ length: 310 }, (_, i) => `${i}`));
    await again.expectNothing();
  });
});
