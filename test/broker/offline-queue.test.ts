import type { Settings } from '@cauldron/broker';
import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const LASTING = { clean: false, properties: { sessionExpiryInterval: 10_000 } };

/** A broker with a client that subscribed to `t/#` and left. */
async function withAbsentClient(settings: Partial<Settings> = {}, qos: 1 | 2 = 2): Promise<TestBroker> {
  const test = new TestBroker({ settings });
  const client = await test.connected('client', 5, LASTING);
  await client.subscribe('t/#', qos);
  client.disconnect();
  await client.expectClose();
  return test;
}

function back(test: TestBroker, version: 4 | 5 = 5): Promise<TestClient> {
  return test.connected('client', version, version === 5 ? LASTING : { clean: false });
}

describe('messages for an absent client', () => {
  it('wait in order, and the store lets each go when it is acknowledged', async () => {
    const test = await withAbsentClient();
    const wanted = Array.from({ length: 500 }, (_, i) => `${i}`);
    for (const [i, text] of wanted.entries()) await test.broker.publish('t/x', text, { qos: i % 2 === 0 ? 1 : 2 });
    expect(test.store.storedMessages).toBe(500);
    const client = test.client(5);
    client.acknowledgeAll();
    await client.connect({ clientId: 'client', ...LASTING });
    const got: string[] = [];
    while (got.length < 500) {
      await client.settle();
      for (const packet of client.inbox.splice(0)) {
        if (packet.type === PacketType.PUBLISH) got.push(new TextDecoder().decode(packet.payload));
      }
    }
    expect(got).toEqual(wanted);
    await client.settle();
    expect(test.store.storedMessages).toBe(0);
  });

  it('wait where it comes and goes before it has them all', async () => {
    const test = await withAbsentClient({}, 1);
    const wanted = Array.from({ length: 300 }, (_, i) => `${i}`);
    for (const text of wanted) await test.broker.publish('t', text, { qos: 1 });
    const got: string[] = [];
    while (got.length < 300) {
      const client = await back(test);
      got.push(...(await takeTexts(client, 50)));
      await client.settle();
      client.cut();
    }
    expect(got).toEqual(wanted);
  });

  it('of QoS 0 do not wait, unless queue_qos0_messages says so', async () => {
    for (const queueQoS0Messages of [false, true]) {
      const test = await withAbsentClient({ queueQoS0Messages });
      // From the second one on, the topic is known: messages may go another way through the broker.
      const publisher = await test.connected('publisher');
      for (const text of ['0', '1', '2']) publisher.publish('t', text);
      await publisher.expectNothing();
      await test.broker.publish('t', 'last', { qos: 1 });
      const client = await back(test);
      if (queueQoS0Messages) {
        for (const text of ['0', '1', '2']) expect(await client.expectMessage()).toMatchObject({ text, qos: 0 });
      }
      expect((await takeMessage(client)).text).toBe('last');
      await client.expectNothing();
      expect(test.store.storedMessages).toBe(0);
    }
  });

  it('keep their order with QoS 0 that comes when the client is back', async () => {
    const test = await withAbsentClient({ queueQoS0Messages: true, maxInflightMessages: 1 }, 1);
    await test.broker.publish('t', 'first', { qos: 1 });
    await test.broker.publish('t', 'second', { qos: 1 });
    await test.broker.publish('t', '0', { qos: 0 });
    const client = await back(test);
    const publisher = await test.connected('publisher');
    for (const text of ['1', '2']) publisher.publish('t', text);
    await publisher.expectNothing();
    expect((await takeTexts(client, 5)).filter((text) => text.length === 1)).toEqual(['0', '1', '2']);
    await client.expectNothing();
    publisher.publish('t', '3');
    expect((await client.expectMessage()).text).toBe('3');
  });

  it('past max_queued_messages are dropped, counted, logged once, and refused to a 5.0 publisher', async () => {
    const test = await withAbsentClient({ maxQueuedMessages: 3 });
    const publisher = await test.connected('publisher', 5);
    const codes: number[] = [];
    for (let i = 0; i < 5; i++) {
      publisher.publish('t', `${i}`, { qos: 1 });
      const { reasonCode, properties } = await publisher.expect(PacketType.PUBACK);
      codes.push(reasonCode);
      expect(properties?.reasonString).toBe(i < 3 ? undefined : 'the queues of all who subscribed are full');
    }
    expect(codes).toEqual([0, 0, 0, 0x97, 0x97]);
    expect(test.broker.counters.publishDropped).toBe(2);
    const lines = test.log.lines.filter((line) => line.includes('max_queued_messages'));
    expect(lines).toHaveLength(1);
    const client = await back(test);
    expect(await takeTexts(client, 3)).toEqual(['0', '1', '2']);
    await client.expectNothing();
  });

  it('are taken until max_queued_bytes is reached, which the last one may pass, and dropped then', async () => {
    const test = await withAbsentClient({ maxQueuedBytes: 1000 });
    await test.broker.publish('t', 'a'.repeat(900), { qos: 1 });
    await test.broker.publish('t', 'b'.repeat(200), { qos: 1 });
    await test.broker.publish('t', 'c', { qos: 1 });
    const client = await back(test);
    expect((await takeTexts(client, 2)).map((text) => text[0])).toEqual(['a', 'b']);
    await client.expectNothing();
  });

  it('say how much of their life is left, and are dropped at its end [MQTT-3.3.2-5] [MQTT-3.3.2-6]', async () => {
    const test = await withAbsentClient();
    const publisher = await test.connected('publisher', 5);
    for (const [text, messageExpiryInterval] of [
      ['short', 10],
      ['long', 100],
    ] as const) {
      publisher.publish('t', text, { qos: 1, properties: { messageExpiryInterval } });
      await publisher.expect(PacketType.PUBACK);
    }
    test.clock.advance(30_000);
    const client = await back(test);
    const message = await takeMessage(client);
    expect(message).toMatchObject({ text: 'long', properties: { messageExpiryInterval: 70 } });
    await client.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('are sent again although they expired since they were first sent [MQTT-4.3.3-7]', async () => {
    const test = await withAbsentClient();
    const first = await back(test);
    await test.broker.publish('t', 'x', { qos: 2, properties: { messageExpiryInterval: 10 } });
    expect((await first.expectMessage()).properties?.messageExpiryInterval).toBe(10);
    first.cut();
    test.clock.advance(20_000);
    const client = await back(test);
    expect(await takeMessage(client)).toMatchObject({ text: 'x', dup: true });
  });

  it('that wait for the window expire there, too', async () => {
    const test = await withAbsentClient({ maxInflightMessages: 1 });
    const client = await back(test);
    await test.broker.publish('t', 'in flight', { qos: 1 });
    await test.broker.publish('t', 'waits', { qos: 1, properties: { messageExpiryInterval: 5 } });
    await test.broker.publish('t', 'stays', { qos: 1 });
    const { packetId = 0 } = await client.expectMessage();
    test.clock.advance(6000);
    client.acknowledge(PacketType.PUBACK, packetId);
    expect((await takeMessage(client)).text).toBe('stays');
  });

  it('are delivered to its next connection, whatever the version', async () => {
    const test = await withAbsentClient();
    await test.broker.publish('t', 'x', { qos: 2, properties: { contentType: 'a/b', userProperties: [['k', 'v']] } });
    const client = await back(test, 4);
    expect(await takeMessage(client)).toMatchObject({ text: 'x', qos: 2 });
  });

  it('go with a clean start', async () => {
    const test = await withAbsentClient();
    await test.broker.publish('t', 'x', { qos: 1 });
    const client = await test.connected('client', 5);
    await client.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });
});
