import { PacketType, type Properties, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const PROPERTIES: Properties = {
  payloadFormatIndicator: 1,
  contentType: 'text/plain; ü',
  responseTopic: 'answers/here',
  correlationData: Uint8Array.of(0, 255, 1, 254),
  userProperties: [
    ['z', 'first'],
    ['a', 'second'],
    ['z', 'first'],
    ['', ''],
  ],
};

describe('the properties of a message', () => {
  it.each([0, 1, 2] as const)(
    'reach every 5.0 subscriber unchanged and in order, QoS %i [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]',
    async (qos) => {
      const test = new TestBroker();
      const publisher = await test.connected('publisher', 5);
      const subscribers = [await test.connected('a', 5), await test.connected('b', 5)];
      for (const each of subscribers) await each.subscribe('t', 2);
      for (let i = 0; i < 2; i++) {
        await publishThrough(publisher, 't', 'x', { qos, properties: PROPERTIES });
        for (const each of subscribers) expect((await takeMessage(each)).properties).toEqual(PROPERTIES);
      }
    },
  );

  it('are not for 3.1.1 clients, which get the message all the same', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 5);
    const subscriber = await test.connected('subscriber', 4);
    await subscriber.subscribe('t');
    publisher.publish('t', 'x', { properties: { ...PROPERTIES, messageExpiryInterval: 5 } });
    const message = await subscriber.expectMessage();
    expect(message.text).toBe('x');
    expect(message.properties).toBeUndefined();
  });

  it('survive the queue of an absent client, and being retained', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe('queued', 1);
    before.cut();
    await before.expectClose();
    const publisher = await test.connected('publisher', 5);
    for (const topic of ['queued', 'retained']) {
      await publishThrough(publisher, topic, 'x', { qos: 1, retain: true, properties: PROPERTIES });
    }
    // Whatever reads into the same memory later does not change them.
    for (let i = 0; i < 10; i++) publisher.publish('noise', 'y'.repeat(500));
    await publisher.expectNothing();
    const after = await test.connected('client', 5, lasting);
    expect((await takeMessage(after)).properties).toEqual(PROPERTIES);
    await after.subscribe('retained', 1);
    expect((await takeMessage(after)).properties).toEqual(PROPERTIES);
  });

  it('may not be a subscription identifier: that is for the broker to add [MQTT-3.3.4-6]', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t');
    const publisher = await test.connected('publisher', 5);
    publisher.publish('t', 'x', { properties: { subscriptionIdentifiers: [3] } });
    const { reasonCode, properties } = await publisher.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    expect(properties?.reasonString).toContain('subscription identifier');
    await publisher.expectClose();
    await subscriber.expectNothing();
  });

  it.each(['answers/+', '#', ''])('may not name "%s" as response topic [MQTT-3.3.2-14]', async (responseTopic) => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t');
    const publisher = await test.connected('publisher', 5);
    // By hand: the encoder refuses it.
    const text = new TextEncoder().encode(responseTopic);
    const body = [0, 1, 0x74, text.length + 3, 0x08, 0, text.length, ...text];
    publisher.sendBytes(Uint8Array.of(0x30, body.length, ...body));
    expect((await publisher.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    await subscriber.expectNothing();
  });

  it('are lost where a 3.1.1 client publishes: it has none', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t', 1, { subscriptionIdentifiers: [268_435_455] });
    const publisher = await test.connected('publisher', 4);
    await publishThrough(publisher, 't', 'x', { qos: 1 });
    expect((await takeMessage(subscriber)).properties).toEqual({ subscriptionIdentifiers: [268_435_455] });
  });

  it('give a life time that is counted down only while the message waits', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('t', 1);
    const publisher = await test.connected('publisher', 5);
    for (const messageExpiryInterval of [1, 4_294_967_295]) {
      await publishThrough(publisher, 't', 'x', { qos: 1, properties: { messageExpiryInterval } });
      expect((await takeMessage(subscriber)).properties).toEqual({ messageExpiryInterval });
    }
  });
});

describe('a request and its response', () => {
  it('find each other by response topic and correlation data', async () => {
    const test = new TestBroker();
    const asker = test.client(5);
    const connack = await asker.connect({ clientId: 'asker', properties: { requestResponseInformation: 1 } });
    const responseTopic = `${connack.properties?.responseInformation}one`;
    await asker.subscribe(responseTopic, 1);
    const worker = await test.connected('worker', 5);
    await worker.subscribe('work', 1);
    const correlationData = Uint8Array.of(4, 2);
    await publishThrough(asker, 'work', 'ask', { qos: 1, properties: { responseTopic, correlationData } });
    const { properties } = await takeMessage(worker);
    await publishThrough(worker, properties?.responseTopic ?? '', 'answer', {
      qos: 1,
      properties: { correlationData: properties?.correlationData ?? new Uint8Array(0) },
    });
    expect(await takeMessage(asker)).toMatchObject({ text: 'answer', properties: { correlationData } });
  });
});
