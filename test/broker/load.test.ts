import { encodePacket, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { randomPayload } from '../support/payloads.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBLISH } = PacketType;

const KILOBYTE = 'x'.repeat(1000);

/** Sends messages of a kilobyte as a flood does: many in each write. */
function flood(client: TestClient, topic: string, count: number, qos: 0 | 1 | 2 = 0): void {
  for (let i = 0; i < count; i++) client.publish(topic, KILOBYTE, { qos });
}

/** Lets in-process links do their work: what can arrive has arrived. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Takes what came out of the inbox: how the payloads of the messages begin. */
function numbersOf(client: TestClient): number[] {
  return client.inbox
    .splice(0)
    .flatMap((packet) =>
      packet.type === PUBLISH ? [Number.parseInt(Buffer.from(packet.payload).toString(), 10)] : [],
    );
}

describe('a subscriber that never reads', () => {
  it('with QoS 0 costs no more memory than max_output_bytes; drops are counted and logged once', async () => {
    const test = new TestBroker({ settings: { maxOutputBytes: 300_000, maxPublisherWaitMs: 0 } });
    const stuck = await test.connected('stuck');
    await stuck.subscribe('flood');
    const healthy = await test.connected('healthy');
    await healthy.subscribe('flood');
    const publisher = await test.connected('publisher');
    stuck.pause();
    for (let i = 0; i < 20; i++) {
      flood(publisher, 'flood', 100);
      await publisher.expectNothing();
    }
    await healthy.settle();
    expect(healthy.inbox.length).toBe(2000);
    const { publishDropped } = test.broker.counters;
    const reports = test.log.lines.filter((line) => line.startsWith('Dropping messages for client stuck'));
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain('max_output_bytes');
    stuck.resume();
    await stuck.settle();
    // What was kept is what the bound allows, and what the link had taken already.
    expect(stuck.inbox.length).toBe(2000 - publishDropped);
    expect(stuck.inbox.length).toBeGreaterThan(250);
    expect(stuck.inbox.length).toBeLessThan(500);
    // It reads again, so it gets messages again.
    publisher.publish('flood', 'again');
    await publisher.expectNothing();
    await stuck.settle();
    expect(stuck.inbox.at(-1)).toMatchObject({ payload: new TextEncoder().encode('again') });
  });

  it.each([1, 2] as const)(
    'with QoS %i costs no more than its window and its queue, and loses nobody else a message',
    async (qos) => {
      const test = new TestBroker({ settings: { maxQueuedMessages: 50, maxPublisherWaitMs: 0 } });
      const stuck = await test.connected('stuck', 5);
      await stuck.subscribe('flood', qos);
      const healthy = await test.connected('healthy', 5);
      await healthy.subscribe('flood', qos);
      healthy.acknowledgeAll();
      stuck.pause();
      const publisher = await test.connected('publisher', 5);
      for (let i = 0; i < 200; i++) {
        // Somebody took it: the publisher is told nothing of who did not.
        expect(await publishThrough(publisher, 'flood', `${i}`, { qos })).toBe(ReasonCode.SUCCESS);
        await healthy.settle();
      }
      expect(healthy.inbox.filter(({ type }) => type === PUBLISH)).toHaveLength(200);
      expect(test.broker.counters.publishDropped).toBe(200 - 20 - 50);
      expect(test.log.lines.filter((line) => line.includes('max_queued_messages'))).toHaveLength(1);
      stuck.acknowledgeAll();
      stuck.resume();
      await stuck.settle();
      const texts = stuck.inbox.flatMap((packet) =>
        packet.type === PUBLISH ? [`${Buffer.from(packet.payload)}`] : [],
      );
      expect(texts).toEqual(Array.from({ length: 70 }, (_, i) => `${i}`));
    },
  );

  it('makes a 5.0 publisher hear 0x97 when nobody else took the message', async () => {
    const test = new TestBroker({ settings: { maxQueuedMessages: 5, maxPublisherWaitMs: 0 } });
    const stuck = await test.connected('stuck', 5);
    await stuck.subscribe('flood', 1);
    stuck.pause();
    const publisher = await test.connected('publisher', 5);
    const reasons: ReasonCode[] = [];
    for (let i = 0; i < 27; i++) publisher.publish('flood', 'x', { qos: 1 });
    for (let i = 0; i < 27; i++) reasons.push((await publisher.expect(PUBACK)).reasonCode);
    expect(reasons.slice(0, 25)).toEqual(new Array(25).fill(0));
    expect(reasons.slice(25)).toEqual([ReasonCode.QUOTA_EXCEEDED, ReasonCode.QUOTA_EXCEEDED]);
  });

  it('is waited for as long as max_publisher_wait says, once; then it delays nobody', async () => {
    const test = new TestBroker({ settings: { maxPublisherWaitMs: 200 } });
    const stuck = await test.connected('stuck');
    await stuck.subscribe('flood');
    const healthy = await test.connected('healthy');
    await healthy.subscribe('flood');
    stuck.pause();
    const publisher = await test.connected('publisher');
    const bystander = await test.connected('bystander');
    // More than counts as lagging, and then a message that is held up by it.
    for (let i = 0; i < 60; i++) flood(publisher, 'flood', 100);
    publisher.publish('flood', 'last');
    await settled();
    await healthy.settle();
    const before = healthy.inbox.length;
    expect(before).toBeLessThan(6001);
    // Whoever publishes to somebody else is not held up.
    await bystander.subscribe('elsewhere', 1);
    bystander.publish('elsewhere', 'x', { qos: 1 });
    await bystander.expect(PUBLISH);
    await bystander.expect(PUBACK);
    test.clock.advance(500);
    await publisher.settle();
    await healthy.settle();
    expect(healthy.inbox.length).toBe(6001);
    // It is known to be stalled: no second wait.
    for (let i = 0; i < 20; i++) flood(publisher, 'flood', 100);
    await publisher.expectNothing();
    await healthy.settle();
    expect(healthy.inbox.length).toBe(8001);
  });

  it('is waited for early by who sends many messages at a time, and late by who sends single ones', async () => {
    const test = new TestBroker();
    const slow = await test.connected('slow');
    await slow.subscribe('t', 1);
    const single = await test.connected('single');
    for (let i = 0; i < 300; i++) single.publish('t', 'x', { qos: 1 });
    for (let i = 0; i < 300; i++) await single.expect(PUBACK);
    const many = await test.connected('many');
    many.publish('t', 'x', { qos: 1 });
    await many.expect(PUBACK);
    const frames = Array.from({ length: 100 }, (_, i) => {
      const payload = new TextEncoder().encode('x');
      const packetId = 100 + i;
      return encodePacket({ type: PUBLISH, topic: 't', payload, qos: 1, packetId, retain: false, dup: false }, 4);
    });
    many.sendBytes(Buffer.concat(frames));
    for (let i = 0; i < 100; i++) await many.expect(PUBACK);
    many.publish('t', 'held', { qos: 1 });
    await settled();
    expect(many.inbox).toEqual([]);
    slow.acknowledgeAll();
    for (let i = 0; i < 20; i++) slow.acknowledge(PUBACK, i + 1);
    await many.expect(PUBACK);
  });

  it('may go while publishers wait for it', async () => {
    const test = new TestBroker();
    const stuck = await test.connected('stuck');
    await stuck.subscribe('flood');
    stuck.pause();
    const publisher = await test.connected('publisher');
    for (let i = 0; i < 60; i++) flood(publisher, 'flood', 100);
    await settled();
    stuck.cut();
    await publisher.expectNothing();
    expect(test.broker.counters.publishReceived).toBe(6000);
  });

  it('keeps publishers no longer than they live', async () => {
    const test = new TestBroker();
    const stuck = await test.connected('stuck');
    await stuck.subscribe('flood');
    stuck.pause();
    const publisher = await test.connected('publisher', 4, { keepAlive: 10 });
    for (let i = 0; i < 60; i++) flood(publisher, 'flood', 100);
    await settled();
    publisher.cut();
    await publisher.expectClose();
    test.clock.advance(1000);
    expect(test.broker.gauges.clientsConnected).toBe(1);
  });
});

describe('a subscriber that is slow, but reads', () => {
  it.each([0, 1, 2] as const)('loses nothing of a flood of QoS %i: its publisher is held and let go', async (qos) => {
    const test = new TestBroker({ settings: { maxOutputBytes: 6 * 1024 * 1024, maxQueuedMessages: 400 } });
    const slow = await test.connected('slow');
    await slow.subscribe('flood', qos);
    slow.acknowledgeAll();
    const publisher = await test.connected('publisher');
    publisher.acknowledgeAll();
    const total = 12_000;
    for (let i = 0; i < total; i++) publisher.publish('flood', `${i} ${KILOBYTE}`, { qos, packetId: (i % 60_000) + 1 });
    const received: number[] = [];
    while (received.length < total) {
      slow.pause();
      await settled();
      slow.resume();
      await settled();
      received.push(...numbersOf(slow));
    }
    expect(received).toEqual(Array.from({ length: total }, (_, i) => i));
    expect(test.broker.counters.publishDropped).toBe(0);
  });
});

describe('a client that publishes to itself', () => {
  it.each([0, 1, 2] as const)('gets all of its messages with QoS %i: nobody waits for it but itself', async (qos) => {
    const test = new TestBroker({ settings: { maxQueuedMessages: 10_000 } });
    const client = await test.connected('client', 4);
    await client.subscribe('own', qos);
    client.acknowledgeAll();
    const total = 8000;
    for (let i = 0; i < total; i++) client.publish('own', `${i} ${KILOBYTE}`, { qos, packetId: i + 1 });
    const own: number[] = [];
    while (own.length < total) {
      await settled();
      own.push(...numbersOf(client));
    }
    expect(own).toEqual(Array.from({ length: total }, (_, i) => i));
    await client.settle();
    expect(numbersOf(client)).toEqual([]);
  });

  it('and another one, each to the other, do not wait for each other for ever', async () => {
    const test = new TestBroker();
    const pair = [await test.connected('a'), await test.connected('b')];
    await pair[0].subscribe('to a');
    await pair[1].subscribe('to b');
    for (const client of pair) client.pause();
    for (let i = 0; i < 60; i++) {
      flood(pair[0], 'to b', 100);
      flood(pair[1], 'to a', 100);
    }
    await settled();
    for (const client of pair) client.resume();
    for (const client of pair) await client.settle();
    for (const client of pair) expect(client.inbox).toHaveLength(6000);
  });
});

describe('a client that does not read its answers', () => {
  it.each([
    ['PINGREQ', 2, Uint8Array.of(0xc0, 0)],
    ['PUBLISH', 4, Uint8Array.of(0x32, 5, 0, 1, 0x74, 0, 1)],
  ])('is not read either, when more than max_output_bytes and a little wait: %s', async (_, size, request) => {
    const test = new TestBroker({ settings: { maxOutputBytes: 100_000 } });
    const deaf = await test.connected('deaf', 4, { keepAlive: 10 });
    const other = await test.connected('other');
    deaf.pause();
    const batch = Buffer.concat(new Array(5000).fill(request));
    for (let i = 0; i < 130; i++) deaf.sendBytes(batch);
    await other.settle();
    const { packetsReceived } = test.broker.counters;
    expect(packetsReceived * size).toBeGreaterThan(1_000_000);
    expect(packetsReceived * size).toBeLessThan(1_500_000);
    test.clock.advance(14_000);
    const record = deaf.record();
    deaf.resume();
    await deaf.settle();
    expect(record).toHaveLength(650_000);
  });
});

describe('a client that takes nothing for longer than its keep-alive', () => {
  it('is disconnected, although it is the broker that does not read: what waits for it is let go [MQTT-3.1.2-22]', async () => {
    const test = new TestBroker({ settings: { maxOutputBytes: 100_000 } });
    const deaf = await test.connected('deaf', 4, { keepAlive: 10 });
    const other = await test.connected('other');
    deaf.pause();
    const batch = Buffer.concat(new Array(5000).fill(Uint8Array.of(0xc0, 0)));
    for (let i = 0; i < 130; i++) deaf.sendBytes(batch);
    await other.settle();
    test.clock.advance(16_000);
    expect(test.broker.gauges.clientsConnected).toBe(1);
    expect(test.log.lines).toContainEqual('Client deaf [127.0.0.1:5] disconnected: exceeded timeout.');
  });
});

describe('fan-out', () => {
  it('of one batch to very many clients reaches all of them', async () => {
    const test = new TestBroker();
    const clients: TestClient[] = [];
    for (let i = 0; i < 2000; i++) {
      const client = await test.connected(`c${i}`, i % 2 === 0 ? 4 : 5);
      await client.subscribe('all', i % 3 === 0 ? 1 : 0);
      clients.push(client);
    }
    const publisher = await test.connected('publisher', 4);
    const payload = randomPayload(300).toString('hex');
    for (let i = 0; i < 20; i++) publisher.publish('all', `${i} ${payload}`, { qos: 1 });
    await publisher.settle();
    for (const client of clients) {
      for (let i = 0; i < 20; i++) expect((await takeMessage(client)).text).toBe(`${i} ${payload}`);
    }
  });
});
