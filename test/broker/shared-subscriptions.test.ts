import type { Authorizer } from '@cauldron/broker';
import { type Connect, PacketType, type ProtocolVersion, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const FILTER = '$share/group/t/#';
const LASTING: Partial<Connect> = { clean: false, properties: { sessionExpiryInterval: 100 } };

async function member(
  test: TestBroker,
  clientId: string,
  connect: Partial<Connect> = {},
  qos: QoS = 2,
  version: ProtocolVersion = 5,
): Promise<TestClient> {
  const client = await test.connected(clientId, version, connect);
  expect((await client.subscribe(FILTER, qos)).reasonCodes).toEqual([qos]);
  return client;
}

async function leave(client: TestClient): Promise<void> {
  client.disconnect();
  await client.expectClose();
}

/** How many messages are in each inbox, all of them seen through. */
async function counts(clients: readonly TestClient[]): Promise<number[]> {
  const result: number[] = [];
  for (const client of clients) {
    await client.settle();
    result.push(client.inbox.splice(0).filter(({ type }) => type === PacketType.PUBLISH).length);
  }
  return result;
}

describe('a shared subscription', () => {
  it.each([4, 5] as const)('gives each message to one member, in turn, version %i', async (version) => {
    const test = new TestBroker();
    const clients = [];
    for (const id of ['a', 'b', 'c']) clients.push(await member(test, id, {}, 2, version));
    const publisher = await test.connected('publisher');
    for (let i = 0; i < 6; i++) await publishThrough(publisher, `t/${i}`, 'x', { qos: (i % 3) as QoS });
    for (const client of clients) client.acknowledgeAll();
    for (let i = 0; i < 3; i++) await publishThrough(publisher, 't', 'x');
    expect(await counts(clients)).toEqual([3, 3, 3]);
  });

  it('is one for each group name and filter, and ordinary subscriptions are none of its business', async () => {
    const test = new TestBroker();
    const clients = [];
    for (const [id, filter] of [
      ['a', '$share/one/t'],
      ['b', '$share/one/t'],
      ['c', '$share/two/t'],
      ['d', '$share/one/+'],
      ['e', 't'],
    ]) {
      const client = await test.connected(id, 5);
      await client.subscribe(filter);
      clients.push(client);
    }
    for (let i = 0; i < 4; i++) await test.broker.publish('t', 'x');
    expect(await counts(clients)).toEqual([2, 2, 4, 4, 4]);
  });

  it('and an ordinary one of the same client each give a message', async () => {
    const test = new TestBroker({ settings: { allowDuplicateMessages: false } });
    const client = await member(test, 'client');
    await client.subscribe('t/#');
    await test.broker.publish('t', 'x');
    expect(await counts([client])).toEqual([2]);
  });

  it('delivers with the QoS that was granted to the member [MQTT-4.8.2-3]', async () => {
    const test = new TestBroker();
    const clients = [];
    for (const qos of [0, 1, 2] as const) clients.push(await member(test, `q${qos}`, {}, qos));
    for (let i = 0; i < 3; i++) await test.broker.publish('t', 'x', { qos: 2 });
    for (const [qos, client] of clients.entries()) expect((await takeMessage(client)).qos).toBe(qos);
  });

  it('carries the identifier of the member it goes to', async () => {
    const test = new TestBroker();
    const clients = [];
    for (const identifier of [1, 2]) {
      const client = await test.connected(`c${identifier}`, 5);
      await client.subscribe(FILTER, 1, { subscriptionIdentifiers: [identifier] });
      clients.push(client);
    }
    for (let i = 0; i < 2; i++) await test.broker.publish('t', 'x');
    for (const [i, client] of clients.entries()) {
      expect((await client.expectMessage()).properties?.subscriptionIdentifiers).toEqual([i + 1]);
    }
  });

  it.each([0, 1, 2] as const)('gets no retained messages, retain handling %i', async (retainHandling) => {
    const test = new TestBroker();
    await test.broker.publish('t', 'x', { retain: true });
    const client = await test.connected('client', 5);
    await client.subscribe([{ filter: FILTER, retainHandling }]);
    await client.expectNothing();
  });

  it('refuses no-local: a protocol error [MQTT-3.8.3-4]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    const filter = new TextEncoder().encode('$share/g/t');
    const body = [0, 1, 0, 0, filter.length, ...filter, 4];
    client.sendBytes(Uint8Array.of(0x82, body.length, ...body));
    const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    expect(properties?.reasonString).toMatch(/no.local/i);
    await client.expectClose();
  });

  it.each(['$share/g', '$share/g/', '$share//t', '$share/+/t', '$share/#'])(
    'needs a group name without wildcards and a filter: not %s [MQTT-4.8.2-1] [MQTT-4.8.2-2]',
    async (text) => {
      const test = new TestBroker();
      const client = await test.connected('client', 5);
      const filter = new TextEncoder().encode(text);
      const body = [0, 1, 0, 0, filter.length, ...filter, 0];
      client.sendBytes(Uint8Array.of(0x82, body.length, ...body));
      expect((await client.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.TOPIC_FILTER_INVALID);
      await client.expectClose();
      expect(test.broker.gauges.subscriptions).toBe(0);
    },
  );

  it('gives a member its own messages as anybody’s', async () => {
    const test = new TestBroker();
    const client = await member(test, 'client');
    client.publish('t', 'own');
    expect((await client.expectMessage()).text).toBe('own');
  });

  it('ends for a member with UNSUBSCRIBE: the others get all', async () => {
    const test = new TestBroker();
    const clients = [await member(test, 'a'), await member(test, 'b')];
    clients[0].send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: [FILTER] });
    expect((await clients[0].expect(PacketType.UNSUBACK)).reasonCodes).toEqual([0]);
    for (let i = 0; i < 4; i++) await test.broker.publish('t', 'x');
    expect(await counts(clients)).toEqual([0, 4]);
    clients[1].send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: [FILTER] });
    await clients[1].expect(PacketType.UNSUBACK);
    expect(test.broker.gauges.subscriptions).toBe(0);
    expect(await publishThrough(clients[0], 't', 'x', { qos: 1 })).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
  });
});

describe('absent members', () => {
  it('get nothing while somebody is connected, and are asked again when they are back', async () => {
    const test = new TestBroker();
    const present = await member(test, 'present');
    await leave(await member(test, 'absent', LASTING));
    for (let i = 0; i < 4; i++) await test.broker.publish('t', 'x', { qos: 1 });
    expect(await counts([present])).toEqual([4]);
    const back = await test.connected('absent', 5, LASTING);
    await back.expectNothing();
    for (let i = 0; i < 6; i++) await test.broker.publish('t', 'x', { qos: 1 });
    const [first, second] = await counts([present, back]);
    expect(first + second).toBe(6);
    expect(second).toBeGreaterThan(1);
  });

  it('keep messages while nobody is connected, in turn', async () => {
    const test = new TestBroker();
    for (const id of ['a', 'b']) await leave(await member(test, id, LASTING));
    for (let i = 0; i < 4; i++) await test.broker.publish('t', `${i}`, { qos: 1 });
    const texts = [];
    for (const id of ['a', 'b']) texts.push(await takeTexts(await test.connected(id, 5, LASTING), 2));
    expect(texts.flat().sort()).toEqual(['0', '1', '2', '3']);
  });
});

describe('a member whose session ends', () => {
  it('gives unacknowledged QoS 1 messages to another', async () => {
    const test = new TestBroker();
    const first = await member(test, 'first');
    for (let i = 0; i < 3; i++) await test.broker.publish('t', `${i}`, { qos: 1 });
    const messages = [];
    for (let i = 0; i < 3; i++) messages.push(await first.expectMessage());
    first.acknowledge(PacketType.PUBACK, messages[0].packetId ?? 0);
    await first.expectNothing();
    const second = await member(test, 'second');
    first.cut();
    expect(await takeTexts(second, 2)).toEqual(['1', '2']);
    await second.expectNothing();
  });

  it('gives what waited in its queue to another, in order', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1 } });
    const first = await member(test, 'first');
    for (let i = 0; i < 5; i++) await test.broker.publish('t', `${i}`, { qos: 1 });
    const second = await member(test, 'second');
    first.cut();
    expect(await takeTexts(second, 5)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('does so when a lasting session expires, from the store', async () => {
    const test = new TestBroker();
    await leave(await member(test, 'first', LASTING));
    const wanted = Array.from({ length: 300 }, (_, i) => `${i}`);
    for (const text of wanted) await test.broker.publish('t', text, { qos: 1 });
    const second = await member(test, 'second', { properties: { receiveMaximum: 400 } });
    await second.expectNothing();
    test.clock.advance(101_000);
    expect(await takeTexts(second, 300)).toEqual(wanted);
    await second.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('gives them also when it unsubscribed before', async () => {
    const test = new TestBroker();
    const first = await member(test, 'first');
    await test.broker.publish('t', 'x', { qos: 1 });
    await first.expectMessage();
    first.send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: [FILTER] });
    await first.expect(PacketType.UNSUBACK);
    const second = await member(test, 'second');
    first.cut();
    expect((await takeMessage(second)).text).toBe('x');
  });

  it('keeps QoS 2 messages that were sent to it: nobody else gets them [MQTT-4.8.2-5]', async () => {
    const test = new TestBroker();
    const first = await member(test, 'first');
    await test.broker.publish('t', 'x', { qos: 2 });
    await first.expectMessage();
    const second = await member(test, 'second');
    first.cut();
    await first.expectClose();
    await second.expectNothing();
  });

  it('keeps what it refused: it is discarded [MQTT-4.8.2-6]', async () => {
    const test = new TestBroker();
    const first = await member(test, 'first');
    const second = await member(test, 'second');
    for (let i = 0; i < 2; i++) await test.broker.publish('t', `${i}`, { qos: i === 0 ? 1 : 2 });
    const [mine, other] = [await first.expectMessage(), await second.expectMessage()];
    first.acknowledge(PacketType.PUBACK, mine.packetId ?? 0, ReasonCode.QUOTA_EXCEEDED);
    second.acknowledge(PacketType.PUBREC, other.packetId ?? 0, ReasonCode.QUOTA_EXCEEDED);
    await first.expectNothing();
    first.cut();
    await first.expectClose();
    await second.expectNothing();
  });
});

describe('a member that comes back', () => {
  it('gets its QoS 2 message itself, though another was there meanwhile [MQTT-4.8.2-4]', async () => {
    const test = new TestBroker();
    const first = await member(test, 'first', LASTING);
    await test.broker.publish('t', 'x', { qos: 2 });
    await first.expectMessage();
    const second = await member(test, 'second');
    first.cut();
    await first.expectClose();
    await second.expectNothing();
    const back = await test.connected('first', 5, LASTING);
    expect(await takeMessage(back)).toMatchObject({ text: 'x', dup: true });
  });
});

describe('a full queue of a member', () => {
  it('is passed over while another has room', async () => {
    const test = new TestBroker({ settings: { maxInflightMessages: 1, maxQueuedMessages: 2 } });
    const full = await member(test, 'full');
    for (let i = 0; i < 3; i++) await test.broker.publish('t', 'x', { qos: 1 });
    const other = await member(test, 'other');
    other.acknowledgeAll();
    for (let i = 0; i < 4; i++) {
      await test.broker.publish('t', 'y', { qos: 1 });
      await other.settle();
    }
    expect(await counts([full, other])).toEqual([1, 4]);
    expect(test.broker.counters.publishDropped).toBe(0);
  });
});

describe('a member that may not read the topic', () => {
  it('is passed over, connected or not; what nobody may read goes to nobody', async () => {
    const denied = new Set(['denied']);
    const authorizer = {
      unrestricted: false,
      version: 0,
      mayPublish: () => ({ allowed: true, rule: 'test' }),
      maySubscribe: () => ({ allowed: true, rule: 'test' }),
      mayReceive: ({ clientId }) => ({ allowed: !denied.has(clientId), rule: 'test' }),
    } satisfies Authorizer;
    const test = new TestBroker({ authorizer });
    const client = await member(test, 'denied');
    await leave(await member(test, 'allowed', LASTING));
    for (let i = 0; i < 2; i++) await test.broker.publish('t', `${i}`, { qos: 1 });
    await client.expectNothing();
    const back = await test.connected('allowed', 5, LASTING);
    expect(await takeTexts(back, 2)).toEqual(['0', '1']);
    denied.add('allowed');
    authorizer.version++;
    await test.broker.publish('t', '2', { qos: 1 });
    await client.expectNothing();
    await back.expectNothing();
  });
});
