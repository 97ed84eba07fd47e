import { DEFAULT_LISTENER } from '@cauldron/broker';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { DISCONNECT } = PacketType;

describe('max_topic_levels', () => {
  const settings = { maxTopicLevels: 3 };

  it.each([4, 5] as const)('ends the connection that publishes deeper, and says why (version %i)', async (version) => {
    const test = new TestBroker({ settings });
    const client = await test.connected('client', version);
    expect(await publishThrough(client, 'a/b/c', 'x', { qos: 1 })).toBeLessThan(0x80);
    client.publish('a/b/c/d', 'x', { qos: 1 });
    if (version === 5) {
      const { reasonCode, properties } = await client.expect(DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.TOPIC_NAME_INVALID);
      expect(properties?.reasonString).toContain('max_topic_levels is 3');
    }
    await client.expectClose();
    expect(test.log.lines.at(-2)).toContain('4 levels');
  });

  it.each([4, 5] as const)('refuses deeper filters in SUBACK, and only these (version %i)', async (version) => {
    const test = new TestBroker({ settings });
    const client = await test.connected('client', version);
    const filters = ['a/b/c', 'a/b/c/d', 'a/b/#'].map((filter) => ({ filter }));
    const { reasonCodes, properties } = await client.subscribe(filters);
    const refusal = version === 5 ? ReasonCode.TOPIC_FILTER_INVALID : ReasonCode.UNSPECIFIED_ERROR;
    expect(reasonCodes).toEqual([0, refusal, 0]);
    if (version === 5) expect(properties?.reasonString).toContain('max_topic_levels is 3');
    expect(test.log.lines.join('\n')).toContain("Denied SUBSCRIBE from client to 'a/b/c/d'");
  });
});

describe('max_subscriptions', () => {
  it.each([4, 5] as const)('refuses one more, but not a new version of an old one (version %i)', async (version) => {
    const test = new TestBroker({ settings: { maxSubscriptions: 2 } });
    const client = await test.connected('client', version);
    const refusal = version === 5 ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.UNSPECIFIED_ERROR;
    const first = await client.subscribe(['a', 'b', 'c'].map((filter) => ({ filter })));
    expect(first.reasonCodes).toEqual([0, 0, refusal]);
    if (version === 5) expect(first.properties?.reasonString).toContain('max_subscriptions is 2');
    expect((await client.subscribe('a', 1)).reasonCodes).toEqual([1]);
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 9, filters: ['a'] });
    await client.expect(PacketType.UNSUBACK);
    expect((await client.subscribe('c', 1)).reasonCodes).toEqual([1]);
    client.publish('b', 'taken');
    expect((await client.expectMessage()).text).toBe('taken');
    client.publish('a', 'not taken any more');
    await client.expectNothing();
    expect(test.log.lines.join('\n')).toContain('max_subscriptions is 2');
  });

  it('counts a filter that stands twice in one SUBSCRIBE once', async () => {
    const test = new TestBroker({ settings: { maxSubscriptions: 2 } });
    const client = await test.connected('client', 5);
    const { reasonCodes } = await client.subscribe(['a', 'a', 'b'].map((filter) => ({ filter })));
    expect(reasonCodes).toEqual([0, 0, 0]);
  });
});

describe('global_max_connections', () => {
  it('ends one more at once, tells the log why, and has room again when another one goes', async () => {
    const test = new TestBroker({ settings: { maxConnections: 2 } });
    const first = await test.connected('first');
    const second = await test.connected('second');
    const third = test.client();
    await third.expectClose();
    expect(third.inbox).toEqual([]);
    expect(test.log.lines.at(-2)).toContain('global_max_connections is reached');
    second.cut();
    await first.expectNothing();
    expect((await test.client().connect({ clientId: 'fourth' })).reasonCode).toBe(0);
  });
});

describe('max_qos of a listener', () => {
  it('ends the connection of a client that publishes with more, and refuses such a will [MQTT-3.2.2-11] [MQTT-3.2.2-12]', async () => {
    const test = new TestBroker();
    const listener = { ...DEFAULT_LISTENER, maximumQoS: 1 } as const;
    const client = test.client(5, listener);
    expect((await client.connect()).properties?.maximumQoS).toBe(1);
    client.publish('t', 'x', { qos: 2 });
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.QOS_NOT_SUPPORTED);
    await client.expectClose();
    const other = test.client(5, listener);
    const will = { topic: 'w', payload: new Uint8Array(), qos: 2, retain: false } as const;
    expect((await other.connect({ will })).reasonCode).toBe(ReasonCode.QOS_NOT_SUPPORTED);
    await other.expectClose();
  });
});
