import { DEFAULT_LISTENER } from '@cauldron/broker';
import { PacketType, type Publish, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

function alias(topicAlias: number): Partial<Publish> {
  return { properties: { topicAlias } };
}

describe('topic aliases of a client', () => {
  async function publishing(
    maxTopicAliasesFromClient = 10,
  ): Promise<{ publisher: TestClient; subscriber: TestClient }> {
    const test = new TestBroker();
    const publisher = test.client(5, { ...DEFAULT_LISTENER, maxTopicAliasesFromClient });
    const connack = await publisher.connect({ clientId: 'publisher' });
    expect(connack.properties?.topicAliasMaximum).toBe(maxTopicAliasesFromClient || undefined);
    const subscriber = await test.connected('subscriber', 5);
    await subscriber.subscribe('#');
    return { publisher, subscriber };
  }

  async function expectRefusal(publisher: TestClient, code: ReasonCode, text: string): Promise<void> {
    const { reasonCode, properties } = await publisher.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(code);
    expect(properties?.reasonString).toContain(text);
    await publisher.expectClose();
  }

  it('stand for their topic from then on, up to the maximum of CONNACK [MQTT-3.3.2-12]', async () => {
    const { publisher, subscriber } = await publishing();
    for (const number of [1, 10]) {
      publisher.publish(`topic/${number}`, 'defines', alias(number));
      publisher.publish('', 'uses', alias(number));
      publisher.publish('', 'uses', { ...alias(number), qos: 1 });
      await publisher.expect(PacketType.PUBACK);
    }
    for (const number of [1, 10]) {
      for (const text of ['defines', 'uses', 'uses']) {
        const message = await subscriber.expectMessage();
        expect(message).toMatchObject({ topic: `topic/${number}`, text });
        expect(message.properties?.topicAlias).toBeUndefined();
      }
    }
  });

  it('may be given to another topic', async () => {
    const { publisher, subscriber } = await publishing();
    for (const topic of ['a', '', 'b', '']) publisher.publish(topic, 'x', alias(1));
    for (const topic of ['a', 'a', 'b', 'b']) expect((await subscriber.expectMessage()).topic).toBe(topic);
  });

  it('are defined by a message that is refused, too', async () => {
    const { publisher, subscriber } = await publishing();
    const denied = await publishThrough(publisher, '$SYS/x', 'x', { ...alias(1), qos: 1 });
    expect(denied).toBe(ReasonCode.NOT_AUTHORIZED);
    expect(await publishThrough(publisher, '', 'x', { ...alias(1), qos: 1 })).toBe(ReasonCode.NOT_AUTHORIZED);
    await subscriber.expectNothing();
  });

  it('may not be 0 [MQTT-3.3.2-8]', async () => {
    const { publisher } = await publishing();
    // Written by hand: the encoder does not do that.
    publisher.sendBytes(Uint8Array.of(0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 0));
    await expectRefusal(publisher, ReasonCode.TOPIC_ALIAS_INVALID, 'topicAlias');
  });

  it('may not be above the maximum [MQTT-3.3.2-9]', async () => {
    const { publisher } = await publishing();
    publisher.publish('t', 'x', alias(11));
    await expectRefusal(publisher, ReasonCode.TOPIC_ALIAS_INVALID, 'max_topic_alias is 10');
  });

  it('may not be used at all where the maximum is 0 [MQTT-3.2.2-18]', async () => {
    const { publisher } = await publishing(0);
    publisher.publish('t', 'x', alias(1));
    await expectRefusal(publisher, ReasonCode.TOPIC_ALIAS_INVALID, 'max_topic_alias is 0');
  });

  it('have to be defined before they are used', async () => {
    const { publisher } = await publishing();
    publisher.publish('t', 'x', alias(1));
    publisher.publish('', 'x', alias(2));
    await expectRefusal(publisher, ReasonCode.PROTOCOL_ERROR, 'alias 2');
  });

  it('end with the connection, though the session lasts [MQTT-3.3.2-7]', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('publisher', 5, lasting);
    before.publish('t', 'x', alias(1));
    await before.expectNothing();
    before.cut();
    const after = await test.connected('publisher', 5, lasting);
    after.publish('', 'x', alias(1));
    expect((await after.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
  });

  it('belong to one client: those of others are their own', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('#');
    const clients = [await test.connected('a', 5), await test.connected('b', 5)];
    for (const [i, client] of clients.entries()) client.publish(`topic/${i}`, 'x', alias(1));
    for (const client of clients) {
      client.publish('', 'x', alias(1));
      await client.expectNothing();
    }
    const topics = [];
    for (let i = 0; i < 4; i++) topics.push((await subscriber.expectMessage()).topic);
    expect(topics.sort()).toEqual(['topic/0', 'topic/0', 'topic/1', 'topic/1']);
  });

  it('name what is retained', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher', 5);
    publisher.publish('t', 'first', alias(1));
    publisher.publish('', 'kept', { ...alias(1), retain: true });
    await publisher.expectNothing();
    const client = await test.connected('client');
    await client.subscribe('t');
    expect(await client.expectMessage()).toMatchObject({ topic: 't', text: 'kept' });
  });
});

describe('topic aliases of the broker', () => {
  async function receiving(topicAliasMaximum: number | undefined): Promise<{ test: TestBroker; client: TestClient }> {
    const test = new TestBroker();
    const properties = topicAliasMaximum === undefined ? {} : { topicAliasMaximum };
    const client = await test.connected('client', 5, { properties });
    await client.subscribe('#', 2);
    return { test, client };
  }

  /** `topic#alias` as it came. */
  async function next(client: TestClient): Promise<string> {
    const { topic, properties } = await takeMessage(client);
    return `${topic}#${properties?.topicAlias ?? ''}`;
  }

  it('go out with their topic once, then alone; topics past the maximum go as they are [MQTT-3.3.2-11]', async () => {
    const { test, client } = await receiving(2);
    for (const topic of ['first', 'second', 'third']) {
      for (let i = 0; i < 2; i++) await test.broker.publish(topic, 'x', { qos: i === 0 ? 0 : 1 });
    }
    for (const wanted of ['first#1', '#1', 'second#2', '#2', 'third#', 'third#']) {
      expect(await next(client)).toBe(wanted);
    }
  });

  it.each([undefined, 0])('are not used where the client says %s [MQTT-3.1.2-27]', async (maximum) => {
    const { test, client } = await receiving(maximum);
    for (let i = 0; i < 3; i++) {
      await test.broker.publish('topic', 'x');
      expect(await next(client)).toBe('topic#');
    }
  });

  it('are not used for QoS 2, for clients that forget them before PUBREL', async () => {
    const { test, client } = await receiving(5);
    for (const qos of [2, 0, 2] as const) {
      await test.broker.publish('topic', 'x', { qos });
      expect(await next(client)).toBe(qos === 2 ? 'topic#' : 'topic#1');
    }
  });

  it('begin anew with each connection, also for what is sent again [MQTT-3.3.2-7]', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100, topicAliasMaximum: 5 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe('#', 1);
    for (let i = 0; i < 2; i++) await test.broker.publish('topic', 'x', { qos: 1 });
    expect((await before.expectMessage()).topic).toBe('topic');
    expect(await before.expectMessage()).toMatchObject({ topic: '', properties: { topicAlias: 1 } });
    before.cut();
    const after = await test.connected('client', 5, lasting);
    expect(await next(after)).toBe('topic#1');
    expect(await next(after)).toBe('#1');
    after.disconnect();
    await after.expectClose();
    await test.broker.publish('topic', 'x', { qos: 1 });
    const without = await test.connected('client', 5, { ...lasting, properties: { sessionExpiryInterval: 100 } });
    expect(await next(without)).toBe('topic#');
  });

  it('are bounded by the listener, too', async () => {
    const test = new TestBroker();
    const client = test.client(5, { ...DEFAULT_LISTENER, maxTopicAliasesToClient: 1 });
    await client.connect({ properties: { topicAliasMaximum: 100 } });
    await client.subscribe('#');
    for (const topic of ['first', 'second']) await test.broker.publish(topic, 'x');
    expect(await next(client)).toBe('first#1');
    expect(await next(client)).toBe('second#');
  });
});
