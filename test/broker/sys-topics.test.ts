import { PacketType, ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SysTopics } from '../../packages/broker/src/admin/sys-topics.js';
import { TestBroker } from '../support/test-broker.js';

const INTERVAL_MS = 10_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** A broker that publishes `$SYS`, and a look at it that no counter notices. */
class Subject {
  readonly test: TestBroker;
  readonly #texts = new Map<string, string>();

  constructor(options: ConstructorParameters<typeof TestBroker>[0] = {}) {
    this.test = new TestBroker(options);
    this.test.broker.subscribe('$SYS/#', ({ topic, payload }) => {
      this.#texts.set(topic.slice('$SYS/broker/'.length), new TextDecoder().decode(payload));
    });
    new SysTopics(this.test.broker, 'cauldron version 1', clock).configure(INTERVAL_MS);
  }

  /** What these topics say after the next update. */
  async says(...topics: string[]): Promise<Record<string, string | undefined>> {
    vi.advanceTimersByTime(INTERVAL_MS);
    return Object.fromEntries(topics.map((topic) => [topic, this.#texts.get(topic)]));
  }
}

describe('the topics below $SYS', () => {
  it('are retained, and come with QoS 2 to who asks for it', async () => {
    const { test } = new Subject();
    const client = await test.connected('client', 5);
    await client.subscribe('$SYS/broker/version', 2);
    expect(await client.expectMessage()).toMatchObject({ text: 'cauldron version 1', qos: 2, retain: true });
  });

  it('come to nobody who did not name $SYS [MQTT-4.7.2-1]', async () => {
    const { test } = new Subject();
    const client = await test.connected('client');
    await client.subscribe('#');
    await client.subscribe('+/broker/uptime');
    vi.advanceTimersByTime(INTERVAL_MS);
    await client.expectNothing();
  });

  it('are nobody else to write', async () => {
    const subject = new Subject();
    const client = await subject.test.connected('client', 5);
    client.publish('$SYS/broker/version', 'mine', { qos: 1, retain: true });
    expect(await client.expect(PacketType.PUBACK)).toMatchObject({ reasonCode: ReasonCode.NOT_AUTHORIZED });
    expect(await subject.says('version')).toEqual({ version: 'cauldron version 1' });
  });

  it('count every packet by its type, in both directions, and nothing that the broker itself publishes', async () => {
    const subject = new Subject();
    const client = await subject.test.connected('client', 5);
    await client.subscribe('a', 2);
    client.acknowledgeAll();
    client.publish('a', '1');
    client.publish('a', '22', { qos: 1 });
    client.publish('a', '333', { qos: 2 });
    await client.settle();
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 99, filters: ['a'] });
    client.publish('nobody/wants/this', '4444', { qos: 1 });
    await client.settle();
    const { received, sent } = subject.test.broker.counters;
    const pings = received[PacketType.PINGREQ];
    expect(pings).toBeGreaterThan(1);
    const counts = {
      connect: [1, 0],
      connack: [0, 1],
      publish: [4, 3],
      puback: [1, 2],
      pubrec: [1, 1],
      pubrel: [1, 1],
      pubcomp: [1, 1],
      subscribe: [1, 0],
      suback: [0, 1],
      unsubscribe: [1, 0],
      unsuback: [0, 1],
      pingreq: [pings, 0],
      pingresp: [0, pings],
      disconnect: [0, 0],
      auth: [0, 0],
    };
    const expected = Object.entries(counts).flatMap(([name, [received, sent]]) => [
      [`mqtt/${name}/received`, String(received)],
      [`mqtt/${name}/sent`, String(sent)],
    ]);
    expect(await subject.says(...expected.map(([topic]) => topic))).toEqual(Object.fromEntries(expected));
    const all = (counted: Float64Array): string => String(counted.reduce((sum, count) => sum + count, 0));
    const said = await subject.says(
      'messages/received',
      'messages/sent',
      'publish/bytes/received',
      'publish/bytes/sent',
    );
    expect(said).toEqual({
      'messages/received': all(received),
      'messages/sent': all(sent),
      'publish/bytes/received': '10',
      'publish/bytes/sent': '6',
    });
  });

  it('count packets that a client may not send, and those that wait for the authorizer once', async () => {
    const decisions: (() => void)[] = [];
    const denied = { allowed: false, rule: 'a test' };
    const later = (): Promise<typeof denied> => new Promise((resolve) => decisions.push(() => resolve(denied)));
    const authorizer = {
      unrestricted: false,
      version: 1,
      mayPublish: later,
      maySubscribe: later,
      mayReceive: () => ({ allowed: true, rule: '' }),
    };
    const subject = new Subject({ authorizer });
    const client = await subject.test.connected('client', 5);
    client.publish('a', '55555', { qos: 1 });
    const subscribed = client.expect(PacketType.PUBACK).then(() => client.subscribe('a'));
    await vi.waitUntil(() => decisions.length === 1);
    decisions[0]();
    await vi.waitUntil(() => decisions.length === 2);
    decisions[1]();
    await subscribed;
    expect(await subject.says('mqtt/publish/received', 'publish/bytes/received', 'mqtt/subscribe/received')).toEqual({
      'mqtt/publish/received': '1',
      'publish/bytes/received': '5',
      'mqtt/subscribe/received': '1',
    });
  });

  it('tell how many clients there are and were, and what they subscribed to', async () => {
    const subject = new Subject();
    const { test } = subject;
    const lasting = await test.connected('lasting', 5, { properties: { sessionExpiryInterval: 100 } });
    const other = await test.connected('other', 4);
    await test.connected('third', 4);
    await lasting.subscribe([{ filter: 'a' }, { filter: 'b' }, { filter: '$share/g/a' }]);
    await other.subscribe('$share/g/a');
    lasting.disconnect();
    other.disconnect();
    await lasting.expectClose();
    await other.expectClose();
    const clients = ['total', 'maximum', 'connected', 'active', 'disconnected', 'inactive', 'expired'].map(
      (name) => `clients/${name}`,
    );
    const topics = [...clients, 'subscriptions/count', 'shared_subscriptions/count', 'connections/socket/count'];
    expect(Object.values(await subject.says(...topics))).toEqual(['2', '3', '1', '1', '1', '1', '0', '2', '1', '3']);
    test.clock.advance(101_000);
    expect(Object.values(await subject.says(...topics))).toEqual(['1', '3', '1', '1', '0', '0', '1', '0', '0', '3']);
  });

  it('tell what is stored: retained messages, what waits for clients, and what is in flight to lasting sessions', async () => {
    const subject = new Subject({ settings: { maxInflightMessages: 1 } });
    const { broker } = subject.test;
    // The topics are retained messages, themselves: what counts is what is added to them between two updates.
    let before = broker.gauges;
    const added = (): number[] => {
      const { storedMessages, storedBytes, retained } = broker.gauges;
      return [storedMessages - before.storedMessages, storedBytes - before.storedBytes, retained - before.retained];
    };
    await broker.publish('kept', '12345', { retain: true });
    expect(added()).toEqual([1, 9, 1]);
    await broker.publish('kept', '123', { retain: true });
    expect(added()).toEqual([1, 7, 1]);
    const { storedMessages, storedBytes, retained } = broker.gauges;
    const names = ['store/messages/count', 'messages/stored', 'store/messages/bytes', 'retained messages/count'];
    const said = Object.values(await subject.says(...names));
    expect(said).toEqual([storedMessages, storedMessages, storedBytes, retained].map(String));

    const away = await subject.test.connected('away', 4, { clean: false });
    await away.subscribe('q', 1);
    const busy = await subject.test.connected('busy', 4);
    await busy.subscribe('q', 1);
    before = broker.gauges;
    for (let i = 0; i < 3; i++) await broker.publish('q', '12', { qos: 1 });
    // Stored for `away`: one is in flight, two wait. `busy` has one, which nobody keeps, and two that wait in memory.
    expect(added()).toEqual([3 + 2, 4 * 3, 0]);
    busy.disconnect();
    await busy.expectClose();
    expect(added()).toEqual([3, 2 * 3, 0]);
    away.acknowledgeAll();
    const { packetId = 0 } = await away.expectMessage();
    away.acknowledge(PacketType.PUBACK, packetId);
    await away.settle();
    expect(added()).toEqual([0, 0, 0]);
    await broker.publish('kept', '', { retain: true });
    expect(added()).toEqual([-1, -7, -1]);
  });

  it('tell what waits for clients that do not read', async () => {
    const subject = new Subject();
    const client = await subject.test.connected('slow', 4);
    await client.subscribe('a');
    client.pause();
    for (let i = 0; i < 1000; i++) await subject.test.broker.publish('a', 'x'.repeat(1000));
    const { outputBytes } = subject.test.broker.gauges;
    expect(outputBytes).toBeGreaterThan(500_000);
    const said = await subject.says('packet/out/bytes', 'packet/out/count');
    expect(said['packet/out/bytes']).toBe(String(outputBytes));
    expect(Number(said['packet/out/count'])).toBeGreaterThan(400);
    client.resume();
    await client.settle();
    expect(await subject.says('packet/out/bytes', 'packet/out/count')).toEqual({
      'packet/out/bytes': '0',
      'packet/out/count': '0',
    });
  });
});
