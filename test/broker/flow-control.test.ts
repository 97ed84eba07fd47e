import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;

describe('the window towards a subscriber', () => {
  it.each([
    ['Receive Maximum of the client', 3, 20],
    ['max_inflight_messages', 65_535, 3],
  ])('is bounded by %s [MQTT-3.3.4-9] [MQTT-4.9.0-2]', async (_name, receiveMaximum, maxInflightMessages) => {
    const test = new TestBroker({ settings: { maxInflightMessages } });
    const publisher = await test.connected('publisher');
    const subscriber = await test.connected('subscriber', 5, { properties: { receiveMaximum } });
    await subscriber.subscribe('t', 2);
    for (let i = 0; i < 10; i++) await publishThrough(publisher, 't', `${i}`, { qos: i % 2 === 0 ? 1 : 2 });
    const first = [
      await subscriber.expectMessage(),
      await subscriber.expectMessage(),
      await subscriber.expectMessage(),
    ];
    expect(first.map(({ text }) => text)).toEqual(['0', '1', '2']);
    await subscriber.expectNothing();
    subscriber.acknowledge(PUBACK, first[0].packetId ?? 0);
    expect((await subscriber.expectMessage()).text).toBe('3');
    // PUBREC alone does not open the window: PUBCOMP does.
    subscriber.acknowledge(PUBREC, first[1].packetId ?? 0);
    await subscriber.expect(PUBREL);
    await subscriber.expectNothing();
    subscriber.acknowledge(PUBCOMP, first[1].packetId ?? 0);
    expect((await subscriber.expectMessage()).text).toBe('4');
    await subscriber.expectNothing();
  });

  it('is opened again by a PUBREC that refuses the message', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const subscriber = await test.connected('subscriber', 5, { properties: { receiveMaximum: 1 } });
    await subscriber.subscribe('t', 2);
    for (const text of ['first', 'second']) await publishThrough(publisher, 't', text, { qos: 2 });
    const { packetId = 0 } = await subscriber.expectMessage();
    subscriber.acknowledge(PUBREC, packetId, ReasonCode.QUOTA_EXCEEDED);
    expect((await subscriber.expectMessage()).text).toBe('second');
  });

  it('holds back neither QoS 0 nor answers [MQTT-3.3.4-10] [MQTT-4.9.0-3]', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const subscriber = await test.connected('subscriber', 5, { properties: { receiveMaximum: 1 } });
    await subscriber.subscribe('t', 1);
    for (const qos of [1, 1, 0] as const) await publishThrough(publisher, 't', `q${qos}`, { qos });
    expect((await subscriber.expectMessage()).text).toBe('q1');
    expect((await subscriber.expectMessage()).text).toBe('q0');
    await subscriber.subscribe('u', 1);
    subscriber.publish('v', 'x', { qos: 1 });
    expect((await subscriber.expect(PUBACK)).packetId).toBe(3);
  });

  it('of one message sends one at a time, in order', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1 } });
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('#', 2);
    const wanted = Array.from({ length: 30 }, (_, i) => `${i}`);
    for (const [i, text] of wanted.entries()) {
      await test.broker.publish(`t${i % 3}`, text, { qos: i % 2 === 0 ? 1 : 2 });
    }
    const got: string[] = [];
    for (let i = 0; i < wanted.length; i++) {
      const message = await subscriber.expectMessage();
      await subscriber.expectNothing();
      got.push(message.text);
      const { qos, packetId = 0 } = message;
      subscriber.acknowledge(qos === 1 ? PUBACK : PUBREC, packetId);
      if (qos === 1) continue;
      await subscriber.expect(PUBREL);
      subscriber.acknowledge(PUBCOMP, packetId);
    }
    expect(got).toEqual(wanted);
  });

  it('counts what is sent again after a return, too', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('subscriber', 5, lasting);
    await before.subscribe('t', 1);
    for (let i = 0; i < 6; i++) await publishThrough(publisher, 't', `${i}`, { qos: 1 });
    for (let i = 0; i < 6; i++) await before.expectMessage();
    before.cut();
    await publishThrough(publisher, 't', '6', { qos: 1 });
    const properties = { ...lasting.properties, receiveMaximum: 2 };
    const after = await test.connected('subscriber', 5, { ...lasting, properties });
    const ids = [];
    for (let i = 0; i < 7; i++) {
      if (i < 2) {
        const message = await after.expectMessage();
        expect(message).toMatchObject({ text: `${i}`, dup: true });
        ids.push(message.packetId ?? 0);
        continue;
      }
      await after.expectNothing();
      after.acknowledge(PUBACK, ids.shift() ?? 0);
      const message = await after.expectMessage();
      expect(message).toMatchObject({ text: `${i}`, dup: i < 6 });
      ids.push(message.packetId ?? 0);
    }
    await after.expectNothing();
  });
});

describe('the window of a publisher', () => {
  it('is told to a 5.0 client', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 7 } });
    const connack = await test.client(5).connect();
    expect(connack.properties?.receiveMaximum).toBe(7);
  });

  it('may be filled, and opens with each PUBREL', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 3 } });
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('t', 0);
    const publisher = await test.connected('publisher', 5);
    for (let id = 1; id <= 9; id++) {
      publisher.publish('t', `${id}`, { qos: 2, packetId: id });
      await publisher.expect(PUBREC);
      if (id < 3) continue;
      publisher.acknowledge(PUBREL, id - 2);
      await publisher.expect(PUBCOMP);
    }
    expect(await takeTexts(subscriber, 9)).toHaveLength(9);
  });

  it.each(['from the first message of its topic on', 'when the topic is known'])(
    'may not be exceeded: DISCONNECT 0x93 %s',
    async (how) => {
      const test = new TestBroker({ settings: { maxInflightMessages: 3 } });
      const publisher = await test.connected('publisher', 5);
      const topic = how === 'when the topic is known' ? () => 't' : (id: number) => `t${id}`;
      for (let id = 1; id <= 3; id++) {
        publisher.publish(topic(id), 'x', { qos: 2, packetId: id });
        await publisher.expect(PUBREC);
      }
      publisher.publish(topic(4), 'x', { qos: 2, packetId: 4 });
      const { reasonCode, properties } = await publisher.expect(PacketType.DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
      expect(properties?.reasonString).toContain('3');
      await publisher.expectClose();
    },
  );

  it('does not count what is repeated', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1 } });
    const publisher = await test.connected('publisher', 5);
    for (const dup of [false, true]) {
      publisher.publish('t', 'x', { qos: 2, packetId: 1, dup });
      expect((await publisher.expect(PUBREC)).packetId).toBe(1);
    }
    publisher.acknowledge(PUBREL, 1);
    await publisher.expect(PUBCOMP);
  });

  it('does not bind a 3.1.1 client, which is not told of it', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 3 } });
    const publisher = await test.connected('publisher', 4);
    for (let id = 1; id <= 9; id++) {
      publisher.publish('t', 'x', { qos: 2, packetId: id });
      expect((await publisher.expect(PUBREC)).packetId).toBe(id);
    }
  });

  it('begins anew with each connection: what the last one left is released first', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 2 } });
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('publisher', 5, lasting);
    for (const packetId of [1, 2]) {
      before.publish('t', 'x', { qos: 2, packetId });
      await before.expect(PUBREC);
    }
    before.cut();
    const after = await test.connected('publisher', 5, lasting);
    after.acknowledge(PUBREL, 1);
    after.acknowledge(PUBREL, 2);
    after.publish('t', 'x', { qos: 2, packetId: 3 });
    after.publish('t', 'x', { qos: 2, packetId: 4 });
    for (const [type, packetId] of [
      [PUBCOMP, 1],
      [PUBCOMP, 2],
      [PUBREC, 3],
      [PUBREC, 4],
    ] as const) {
      expect((await after.expect(type)).packetId).toBe(packetId);
    }
    await after.expectNothing();
  });
});
