import { type Authorizer, DEFAULT_LISTENER, type ListenerPolicy } from '@cauldron/broker';
import { PacketType, type ProtocolVersion, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const HOUSE: ListenerPolicy = { ...DEFAULT_LISTENER, name: 'house', mountPoint: 'house/' };
const LASTING = { clean: false, properties: { sessionExpiryInterval: 1000 } };

const encoder = new TextEncoder();

async function below(
  test: TestBroker,
  clientId: string,
  listener: ListenerPolicy = HOUSE,
  version: ProtocolVersion = 5,
  connect = {},
): Promise<TestClient> {
  const client = test.client(version, listener);
  await client.connect({ clientId, ...connect });
  return client;
}

describe.each([3, 4, 5] as const)('a client of version %i below a mount point', (version) => {
  it.each([0, 1, 2] as const)('publishes below it, with QoS %i', async (qos) => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('#', 2);
    const inside = await below(test, 'inside', HOUSE, version);
    for (const text of ['on', 'off']) {
      expect(await publishThrough(inside, 'lamp', text, { qos })).toBe(0);
      expect(await takeMessage(outside)).toMatchObject({ topic: 'house/lamp', text, qos });
    }
  });

  it.each([0, 1, 2] as const)('sees what is below it by its own names, with QoS %i', async (qos) => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    const inside = await below(test, 'inside', HOUSE, version);
    await inside.subscribe('+/state', 2);
    await publishThrough(outside, 'house/lamp/state', 'on', { qos });
    expect(await takeMessage(inside)).toMatchObject({ topic: 'lamp/state', text: 'on', qos });
    await publishThrough(outside, 'lamp/state', 'elsewhere', { qos });
    await publishThrough(outside, 'house/house/state', 'twice', { qos });
    expect(await takeMessage(inside)).toMatchObject({ topic: 'house/state', text: 'twice', qos });
    await inside.expectNothing();
  });

  it('gets retained messages by its own names, and leaves them below the mount point', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await publishThrough(outside, 'house/a', 'from outside', { retain: true, qos: 1 });
    const inside = await below(test, 'inside', HOUSE, version);
    await publishThrough(inside, 'b', 'from inside', { retain: true });
    await inside.subscribe('#', 1);
    const seen = [await takeMessage(inside), await takeMessage(inside)];
    expect(seen.map(({ topic, text, retain }) => [topic, text, retain]).sort()).toEqual([
      ['a', 'from outside', true],
      ['b', 'from inside', true],
    ]);
    await outside.subscribe('house/b');
    expect(await takeMessage(outside)).toMatchObject({ topic: 'house/b', text: 'from inside', retain: true });
    inside.publish('a', '', { retain: true });
    await inside.settle();
    expect(test.broker.gauges.retained).toBe(1);
  });

  it('has its will below it', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('#', 2);
    const neighbour = await below(test, 'neighbour', HOUSE, version);
    await neighbour.subscribe('wills/#', 2);
    const will = { topic: 'wills/inside', payload: encoder.encode('gone'), qos: 2 as QoS, retain: false };
    const inside = await below(test, 'inside', HOUSE, version, { will });
    inside.cut();
    expect(await takeMessage(outside)).toMatchObject({ topic: 'house/wills/inside', text: 'gone', qos: 2 });
    expect(await takeMessage(neighbour)).toMatchObject({ topic: 'wills/inside', text: 'gone', qos: 2 });
  });

  it('unsubscribes by its own names', async () => {
    const test = new TestBroker();
    const inside = await below(test, 'inside', HOUSE, version);
    await inside.subscribe('lamp');
    inside.send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: ['lamp', 'house/lamp'] });
    const { reasonCodes } = await inside.expect(PacketType.UNSUBACK);
    if (version === 5) expect(reasonCodes).toEqual([ReasonCode.SUCCESS, ReasonCode.NO_SUBSCRIPTION_EXISTED]);
    expect(test.broker.gauges.subscriptions).toBe(0);
  });
});

describe('a mount point', () => {
  it('is a plain text: without a slash at its end, it becomes one level with what follows', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('#');
    const inside = await below(test, 'inside', { ...HOUSE, mountPoint: 'a' });
    await inside.subscribe('b');
    await publishThrough(inside, 'b', 'x');
    expect(await takeMessage(outside)).toMatchObject({ topic: 'ab' });
    expect(await takeMessage(inside)).toMatchObject({ topic: 'b' });
  });

  it.each(['#', '+', '+/x', '$share/group/#'])(
    "without a slash at its end makes no filter of '%s', which is refused with the reason",
    async (filter) => {
      const test = new TestBroker();
      const inside = await below(test, 'inside', { ...HOUSE, mountPoint: 'a' });
      const { reasonCodes, properties } = await inside.subscribe(filter);
      expect(reasonCodes).toEqual([ReasonCode.TOPIC_FILTER_INVALID]);
      expect(properties?.reasonString).toContain("mount_point of the listener, 'a', which does not end with a slash");
      expect(test.log.lines.join('\n')).toContain(`Denied SUBSCRIBE from inside to '${filter}'`);
    },
  );

  it('goes into shared subscriptions: members below it share with those who have the whole filter', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    const members = [await below(test, 'one'), await below(test, 'two'), await test.connected('three', 5)];
    await members[0].subscribe('$share/group/lamp');
    await members[1].subscribe('$share/group/lamp');
    await members[2].subscribe('$share/group/house/lamp');
    for (const text of ['1', '2', '3']) await publishThrough(outside, 'house/lamp', text);
    const seen = await Promise.all(members.map(takeMessage));
    expect(seen.map(({ topic }) => topic)).toEqual(['lamp', 'lamp', 'house/lamp']);
    expect(seen.map(({ text }) => text).sort()).toEqual(['1', '2', '3']);
    for (const member of members) await member.expectNothing();
  });

  it.each(['$SYS/broker/version', '$SYS/#', '/lamp', 'house/lamp', '$share/group/$SYS/#', '../lamp'])(
    "has no way out of it by the filter '%s'",
    async (filter) => {
      const test = new TestBroker();
      const outside = await test.connected('outside', 5);
      const inside = await below(test, 'inside');
      expect((await inside.subscribe(filter)).reasonCodes).toEqual([0]);
      for (const topic of ['/lamp', 'lamp', 'house', 'houses/lamp', 'house/lamp', '../lamp']) {
        await publishThrough(outside, topic, 'secret', { retain: true });
      }
      await test.broker.publish('$SYS/broker/version', 'secret', { retain: true });
      await inside.expectNothing();
    },
  );

  it("does not show what merely matches '#' below it: the level above it, or an empty one", async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    const inside = await below(test, 'inside');
    await inside.subscribe('#', 2);
    for (const qos of [0, 1, 2] as const) {
      await publishThrough(outside, 'house', 'above', { qos });
      await publishThrough(outside, 'house/', 'empty', { qos });
    }
    await inside.expectNothing();
    await publishThrough(outside, 'house//', 'below', { qos: 2 });
    expect(await takeMessage(inside)).toMatchObject({ topic: '/', text: 'below' });
  });

  it.each(['$SYS/broker/uptime', '/x', 'house/x', '$share/group/x'])(
    "keeps a message to '%s' below it",
    async (topic) => {
      const test = new TestBroker();
      const outside = await test.connected('outside', 5);
      await outside.subscribe('#');
      const inside = await below(test, 'inside');
      await inside.subscribe([topic.replace('$share/group', '+/+')].map((filter) => ({ filter })));
      inside.publish(topic, 'x');
      expect(await takeMessage(inside)).toMatchObject({ topic });
      expect(await takeMessage(outside)).toMatchObject({ topic: `house/${topic}` });
    },
  );

  it('refuses topics and filters that are too long with it', async () => {
    const test = new TestBroker();
    const inside = await below(test, 'inside');
    const { reasonCodes } = await inside.subscribe('x'.repeat(65_530));
    expect(reasonCodes).toEqual([ReasonCode.TOPIC_FILTER_INVALID]);
    inside.publish('x'.repeat(65_530), 'x');
    expect((await inside.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.TOPIC_NAME_INVALID);

    const will = { topic: 'x'.repeat(65_530), payload: encoder.encode('gone'), qos: 0 as QoS, retain: false };
    const { reasonCode } = await test.client(5, HOUSE).connect({ will });
    expect(reasonCode).toBe(ReasonCode.TOPIC_NAME_INVALID);
  });

  it('counts for the levels that a topic may have', async () => {
    const test = new TestBroker({ settings: { maxTopicLevels: 2 } });
    const inside = await below(test, 'inside');
    expect((await inside.subscribe(['x', 'x/y'].map((filter) => ({ filter })))).reasonCodes).toEqual([
      0,
      ReasonCode.TOPIC_FILTER_INVALID,
    ]);
  });

  it('leaves the topic that answers are to go to as it is', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('#');
    const inside = await below(test, 'inside');
    await publishThrough(inside, 'ask', 'x', { properties: { responseTopic: 'answer' } });
    expect(await takeMessage(outside)).toMatchObject({ topic: 'house/ask', properties: { responseTopic: 'answer' } });
  });

  it('works with topic aliases in both directions', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('house/lamp');
    const inside = await below(test, 'inside', HOUSE, 5, { properties: { topicAliasMaximum: 5 } });
    await inside.subscribe('lamp');
    inside.publish('lamp', '1', { properties: { topicAlias: 1 } });
    inside.publish('', '2', { properties: { topicAlias: 1 } });
    expect([await takeMessage(outside), await takeMessage(outside)].map(({ topic, text }) => [topic, text])).toEqual([
      ['house/lamp', '1'],
      ['house/lamp', '2'],
    ]);
    expect(await takeMessage(inside)).toMatchObject({ topic: 'lamp', text: '1', properties: { topicAlias: 1 } });
    expect(await takeMessage(inside)).toMatchObject({ topic: '', text: '2', properties: { topicAlias: 1 } });
  });

  it('is measured without its bytes against the packet size that the client takes', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    const listener = { ...HOUSE, mountPoint: `${'m'.repeat(100)}/` };
    const inside = await below(test, 'inside', listener, 5, { properties: { maximumPacketSize: 60 } });
    await inside.subscribe('lamp', 1);
    await publishThrough(outside, `${listener.mountPoint}lamp`, 'x'.repeat(40), { qos: 1 });
    expect(await takeMessage(inside)).toMatchObject({ topic: 'lamp' });
  });

  it('has the same large message as those outside of it', async () => {
    const test = new TestBroker();
    const outside = await test.connected('outside', 5);
    await outside.subscribe('#', 1);
    const inside = await below(test, 'inside');
    await inside.subscribe('#', 1);
    const text = 'x'.repeat(500_000);
    await publishThrough(await below(test, 'other'), 'lamp', text, { qos: 1 });
    expect(await takeMessage(inside)).toMatchObject({ topic: 'lamp', text });
    expect(await takeMessage(outside)).toMatchObject({ topic: 'house/lamp', text });
  });

  it('is seen by access rules, which are asked about whole topics', async () => {
    const asked: string[] = [];
    const answer = (question: string) => (_: unknown, topic: string) => {
      asked.push(`${question} ${topic}`);
      return { allowed: topic.startsWith('house/'), rule: 'the house' };
    };
    const authorizer: Authorizer = {
      unrestricted: false,
      version: 1,
      mayPublish: answer('publish'),
      maySubscribe: answer('subscribe'),
      mayReceive: answer('receive'),
    };
    const test = new TestBroker({ authorizer });
    const will = { topic: 'will', payload: encoder.encode('gone'), qos: 0 as QoS, retain: false };
    const inside = await below(test, 'inside', HOUSE, 4, { will });
    await inside.subscribe('$share/group/lamp');
    await inside.subscribe('lamp');
    await publishThrough(inside, 'lamp', 'on');
    await inside.settle();
    inside.cut();
    await (await test.connected('other')).expectNothing();
    expect(new Set(asked)).toEqual(
      new Set([
        'subscribe $share/group/house/lamp',
        'subscribe house/lamp',
        'publish house/lamp',
        'receive house/lamp',
        'publish house/will',
      ]),
    );
  });
});

describe('a session that lasts', () => {
  it('keeps its subscriptions, queue and will below the mount point, over a restart of the broker, too', async () => {
    const test = new TestBroker();
    const first = await below(test, 'inside', HOUSE, 5, LASTING);
    await first.subscribe('#', 2);
    first.cut();
    await publishThrough(await test.connected('outside', 5), 'house/lamp', 'waits', { qos: 2 });
    test.restart();
    const again = await below(test, 'inside', HOUSE, 5, LASTING);
    expect(await takeMessage(again)).toMatchObject({ topic: 'lamp', text: 'waits', qos: 2 });
    await publishThrough(await test.connected('outside', 5), 'house/lamp', 'now', { qos: 1 });
    expect(await takeMessage(again)).toMatchObject({ topic: 'lamp', text: 'now' });
  });

  it('sends again what was in flight by the names of the client', async () => {
    const test = new TestBroker();
    const first = await below(test, 'inside', HOUSE, 5, LASTING);
    await first.subscribe('#', 1);
    await publishThrough(await test.connected('outside', 5), 'house/lamp', 'x', { qos: 1 });
    expect(await first.expectMessage()).toMatchObject({ topic: 'lamp', dup: false });
    first.cut();
    const again = await below(test, 'inside', HOUSE, 5, LASTING);
    expect(await takeMessage(again)).toMatchObject({ topic: 'lamp', dup: true });
  });

  it.each([0, 1, 2] as const)(
    'does not show what it holds of elsewhere to a client below a mount point: QoS %i is dropped, counted and said once',
    async (qos) => {
      const test = new TestBroker({ settings: { queueQoS0Messages: true } });
      const outside = await test.connected('outside', 5);
      const first = await test.connected('moved', 5, LASTING);
      await first.subscribe('#', 2);
      if (qos > 0) {
        await publishThrough(outside, 'secret/flying', 'x', { qos });
        await first.expectMessage();
      }
      first.cut();
      await publishThrough(outside, 'secret/waits', 'x', { qos });
      await publishThrough(outside, 'house/lamp', 'on', { qos });
      const dropped = test.broker.counters.publishDropped;
      const again = await below(test, 'moved', HOUSE, 5, LASTING);
      expect(await takeMessage(again)).toMatchObject({ topic: 'lamp', text: 'on' });
      await publishThrough(outside, 'secret/now', 'x', { qos });
      await again.expectNothing();
      expect(test.broker.counters.publishDropped - dropped).toBe(qos > 0 ? 3 : 2);
      const said = test.log.lines.filter((line) => line.includes('mount_point'));
      expect(said).toHaveLength(1);
      expect(said[0]).toContain('client moved');
    },
  );

  it('of another place is not touched by what a client below a mount point unsubscribes from', async () => {
    const test = new TestBroker();
    const first = await test.connected('moved', 5, LASTING);
    await first.subscribe('#');
    first.cut();
    const again = await below(test, 'moved', { ...HOUSE, mountPoint: 'house' }, 5, LASTING);
    again.send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: ['#'] });
    expect((await again.expect(PacketType.UNSUBACK)).reasonCodes).toEqual([ReasonCode.NO_SUBSCRIPTION_EXISTED]);
    expect(test.broker.gauges.subscriptions).toBe(1);
  });
});
