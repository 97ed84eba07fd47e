import { type Broker, LogType } from '@cauldron/broker';
import { type Connect, PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { beforeEach, describe, expect, it } from 'vitest';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { LateStore } from '../support/late-store.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK } = PacketType;

const WHY = 'the disk is full: 0.1 MB are left';
const REASON = `the store takes nothing new: ${WHY}`;

/** Commits whatever is appended in the same turn, as long as it has room; a test may make it wait. */
class PromptStore extends LateStore {
  isSlow = false;

  override append(entry: Parameters<LateStore['append']>[0]): number {
    const ticket = super.append(entry);
    if (!this.isSlow) this.committed = ticket;
    return ticket;
  }
}

let store: PromptStore;
let test: TestBroker;

beforeEach(() => {
  store = new PromptStore();
  test = new TestBroker({ store });
});

function lasting(version: ProtocolVersion): Partial<Connect> {
  return version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };
}

/** A client with a lasting session that is away, and wants `filter`. */
async function absent(clientId: string, filter: string, qos: 0 | 1 | 2 = 2): Promise<void> {
  const client = await test.connected(clientId, 5, lasting(5));
  await client.subscribe(filter, qos);
  client.cut();
  await client.expectClose();
}

/** What the log was told since the store began to have a fault. */
function linesAbout(text: string): string[] {
  return test.log.lines.filter((line) => line.includes(text));
}

function kindsAfter(action: number): string[] {
  return store.entries.slice(action).map(({ kind }) => kind);
}

describe('a message that has to be stored, while the store takes nothing new,', () => {
  const cases = [
    ['for somebody who is away, by the general way', 'stored', false],
    ['for somebody who is away, by the short way', 'stored', true],
    ['that is to be retained', 'retained', false],
  ] as const;

  it.each(cases)('%s, is refused as a whole: 5.0 clients are told why', async (_, topic, isKnown) => {
    await absent('away', 'stored');
    const watcher = await test.connected('watcher', 4);
    await watcher.subscribe('#', 2);
    const publisher = await test.connected('publisher', 5);
    if (isKnown) {
      publisher.publish(topic, 'before');
      await watcher.expectMessage();
    }
    const { appended } = store;
    store.fail(WHY);
    for (const [qos, type] of [
      [1, PUBACK],
      [2, PUBREC],
    ] as const) {
      const packetId = publisher.publish(topic, 'x', { qos, retain: topic === 'retained' });
      expect(await publisher.expect(type)).toMatchObject({
        packetId,
        reasonCode: ReasonCode.QUOTA_EXCEEDED,
        properties: { reasonString: REASON },
      });
    }
    await watcher.expectNothing();
    expect(store.appended).toBe(appended);
    expect(test.broker.gauges.retained).toBe(0);
    expect(test.broker.counters.storeRefusals).toBe(2);
    // The ids are free: nothing of the messages is left.
    publisher.acknowledge(PUBREL, 2);
    expect((await publisher.expect(PUBCOMP)).reasonCode).toBe(ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
    store.fail(null);
    expect(await publishThrough(publisher, topic, 'again', { qos: 2, retain: topic === 'retained' })).toBe(0);
    expect((await watcher.expectMessage()).text).toBe('again');
  });

  it.each([3, 4] as const)(
    'is not acknowledged to older clients, which go on, and send it again when there is room (version %i)',
    async (version) => {
      await absent('away', 'stored');
      const publisher = await test.connected('publisher', version);
      const content = await test.connected('content', version);
      publisher.publish('stored', 'before', { qos: 1, packetId: 9 });
      await publisher.expect(PUBACK);
      store.fail(WHY);
      publisher.publish('stored', 'a', { qos: 1, packetId: 1 });
      publisher.publish('stored', 'b', { qos: 2, packetId: 2 });
      publisher.publish('retained', 'c', { qos: 1, packetId: 3, retain: true });
      // Repeated on the same connection, it is no repetition of something that was taken.
      publisher.publish('stored', 'b', { qos: 2, packetId: 2, dup: true });
      expect(await publishThrough(publisher, 'elsewhere', 'x', { qos: 1, packetId: 4 })).toBe(0);
      await content.expectNothing();
      store.fail(null);
      await publisher.expectClose();
      expect(publisher.inbox).toEqual([]);
      expect(linesAbout('publisher [127.0.0.1:5]').slice(-2)).toEqual([
        'Disconnecting publisher [127.0.0.1:5]: the store takes new data again, and the client is to send again what was not acknowledged.',
        'Client publisher [127.0.0.1:5] disconnected: administrative action.',
      ]);
      expect(linesAbout('takes new data again. ')).toEqual([
        'The store takes new data again. 1 client is disconnected, to send again what was not acknowledged.',
      ]);
      await content.expectNothing();
      const again = await test.connected('publisher', version);
      await publishThrough(again, 'stored', 'a', { qos: 1, packetId: 1, dup: true });
      await publishThrough(again, 'stored', 'b', { qos: 2, packetId: 2, dup: true });
      const away = await test.connected('away', 5, lasting(5));
      expect(await takeTexts(away, 3)).toEqual(['before', 'a', 'b']);
      await away.expectNothing();
    },
  );

  it('is not acknowledged with QoS 2 by a lasting session, whose packet id would be stored', async () => {
    const publisher = await test.connected('publisher', 4, lasting(4));
    const newer = await test.connected('newer', 5, lasting(5));
    const watcher = await test.connected('watcher', 4);
    await watcher.subscribe('t', 1);
    // By the general way at first, then by the short one.
    for (const text of ['1', '2']) {
      publisher.publish('t', text, { qos: 1 });
      await publisher.expect(PUBACK);
      await watcher.expectMessage();
    }
    store.fail(WHY);
    const { appended } = store;
    publisher.publish('t', 'x', { qos: 2 });
    await publisher.expectNothing();
    expect(await publishThrough(newer, 't', 'x', { qos: 2 })).toBe(ReasonCode.QUOTA_EXCEEDED);
    await watcher.expectNothing();
    expect(await publishThrough(publisher, 't', 'QoS 1 needs no store', { qos: 1 })).toBe(0);
    expect((await watcher.expectMessage()).text).toBe('QoS 1 needs no store');
    expect(store.appended).toBe(appended);
  });

  it('is acknowledged again if it was taken before [MQTT-4.3.3-10]', async () => {
    const publisher = await test.connected('publisher', 4, lasting(4));
    publisher.publish('t', 'x', { qos: 2, packetId: 7 });
    await publisher.expect(PUBREC);
    store.fail(WHY);
    publisher.publish('t', 'x', { qos: 2, packetId: 7, dup: true });
    expect((await publisher.expect(PUBREC)).packetId).toBe(7);
    publisher.acknowledge(PUBREL, 7);
    expect((await publisher.expect(PUBCOMP)).packetId).toBe(7);
    store.fail(null);
    await publisher.expectNothing();
  });

  it('is refused where a hook made it one that has to be stored', async () => {
    await absent('away', 'stored');
    const publisher = await test.connected('publisher', 5);
    test.broker.on('publish', (message) => Object.assign(Object.create(message), { topic: 'stored' }));
    store.fail(WHY);
    expect(await publishThrough(publisher, 'elsewhere', 'x', { qos: 1 })).toBe(ReasonCode.QUOTA_EXCEEDED);
    expect(kindsAfter(0)).not.toContain('queued');
  });

  it('is logged once a minute for each client, and counted each time', async () => {
    await absent('away', 'stored');
    const publisher = await test.connected('publisher', 5);
    store.fail(WHY);
    for (let i = 0; i < 3; i++) await publishThrough(publisher, 'stored', 'x', { qos: 1 });
    expect(linesAbout('Denied PUBLISH')).toEqual([`Denied PUBLISH from publisher to 'stored': ${REASON}`]);
    expect(test.broker.counters.storeRefusals).toBe(3);
    test.clock.advance(61_000);
    await publishThrough(publisher, 'stored', 'x', { qos: 1 });
    expect(linesAbout('Denied PUBLISH')).toHaveLength(2);
  });

  it('is refused to the program that embeds the broker', async () => {
    await absent('away', 'stored');
    const { broker } = test;
    const texts: string[] = [];
    broker.subscribe('#', ({ topic }) => texts.push(topic));
    store.fail(WHY);
    for (const [topic, options] of [
      ['stored', { qos: 1 }],
      ['retained', { qos: 0, retain: true }],
    ] as const) {
      await expect(broker.publish(topic, 'x', options)).rejects.toMatchObject({
        reasonCode: ReasonCode.QUOTA_EXCEEDED,
        message: REASON,
      });
    }
    expect(texts).toEqual([]);
    await broker.publish('stored', 'x');
    await broker.publish('elsewhere', 'x', { qos: 2 });
    expect(texts).toEqual(['stored', 'elsewhere']);
    expect(broker.counters.storeRefusals).toBe(2);
  });
});

describe('while the store takes nothing new,', () => {
  it.each([4, 5] as const)(
    'messages that nobody stores go on, in runs and one by one (version %i)',
    async (version) => {
      await absent('away', 'stored');
      await absent('QoS 0', 't', 0);
      const subscriber = await test.connected('subscriber', 5);
      await subscriber.subscribe('t', 2);
      const publisher = await test.connected('publisher', version);
      store.fail(WHY);
      const { appended } = store;
      for (const qos of [0, 1, 2, 1, 1, 2] as const) {
        expect(await publishThrough(publisher, 't', `${qos}`, { qos })).toBe(0);
        expect(await takeMessage(subscriber)).toMatchObject({ text: `${qos}`, qos });
      }
      expect(store.appended).toBe(appended);
      store.fail(null);
      await publisher.expectNothing();
    },
  );

  it('a retained message is cleared, and none of QoS 0 is kept: those who are there get it, the rest is counted and logged', async () => {
    const publisher = await test.connected('publisher', 5);
    await publishThrough(publisher, 'r/1', 'old', { qos: 1, retain: true });
    await publishThrough(publisher, 'r/2', 'old', { qos: 1, retain: true });
    const watcher = await test.connected('watcher', 5);
    await watcher.subscribe([{ filter: 'r/#', retainHandling: 2 }], 1);
    store.fail(WHY);
    for (const text of ['new', 'newer']) publisher.publish('r/1', text, { retain: true });
    expect(await publishThrough(publisher, 'r/2', '', { qos: 1, retain: true })).toBe(0);
    expect(await takeTexts(watcher, 3)).toEqual(['new', 'newer', '']);
    const late = await test.connected('late', 5);
    await late.subscribe('r/#', 1);
    expect(await takeMessage(late)).toMatchObject({ topic: 'r/1', text: 'old', retain: true });
    await late.expectNothing();
    expect(test.broker.counters.retainedNotKept).toBe(2);
    expect(linesAbout('Not keeping')).toEqual([
      "Not keeping the retained message of client publisher for 'r/1': the store takes nothing new.",
    ]);
  });

  it('QoS 0 messages that would wait for somebody are dropped, counted and logged', async () => {
    test = new TestBroker({ store, settings: { queueQoS0Messages: true } });
    await absent('away', 't', 0);
    const publisher = await test.connected('publisher', 5);
    store.fail(WHY);
    for (let i = 0; i < 2; i++) publisher.publish('t', 'dropped');
    await publisher.expectNothing();
    store.fail(null);
    publisher.publish('t', 'kept');
    await publisher.expectNothing();
    expect(test.broker.counters.publishDropped).toBe(2);
    expect(linesAbout('Dropping')).toEqual([
      "Dropping messages for client away: the store takes nothing new (topic 't').",
    ]);
    const away = await test.connected('away', 5, lasting(5));
    expect((await away.expectMessage()).text).toBe('kept');
    await away.expectNothing();
  });

  it('no option of a subscription of a lasting session can be changed', async () => {
    const client = await test.connected('client', 5, lasting(5));
    await client.subscribe('a', 1, { subscriptionIdentifiers: [1] });
    store.fail(WHY);
    for (const [change, identifier] of [
      [{ noLocal: true }, 1],
      [{ retainAsPublished: true }, 1],
      [{ retainHandling: 1 }, 1],
      [{}, 2],
    ] as const) {
      const request = { filter: 'a', ...change };
      const suback = await client.subscribe([request], 1, { subscriptionIdentifiers: [identifier] });
      expect(suback.reasonCodes).toEqual([ReasonCode.QUOTA_EXCEEDED]);
    }
    expect((await client.subscribe('a', 1, { subscriptionIdentifiers: [1] })).reasonCodes).toEqual([1]);
  });

  it('a shared subscription uses the members that need no store, and is refused when there are none', async () => {
    await absent('away', '$share/g/t', 1);
    const lastingMember = await test.connected('lasting', 5, lasting(5));
    await lastingMember.subscribe('$share/g/t', 1);
    const clean = await test.connected('clean', 5);
    await clean.subscribe('$share/g/t', 1);
    const publisher = await test.connected('publisher', 5);
    store.fail(WHY);
    for (const text of ['1', '2', '3']) expect(await publishThrough(publisher, 't', text, { qos: 1 })).toBe(0);
    expect(await takeTexts(clean, 3)).toEqual(['1', '2', '3']);
    await clean.settle();
    clean.cut();
    await clean.expectClose();
    expect(await publishThrough(publisher, 't', '4', { qos: 1 })).toBe(ReasonCode.QUOTA_EXCEEDED);
    await lastingMember.expectNothing();
  });

  it('what was promised before is kept all the same: wills, and messages of a member that ends', async () => {
    await absent('away', '#', 1);
    const will = { topic: 'will', payload: Buffer.from('bye'), qos: 1, retain: true } as const;
    const mortal = await test.connected('mortal', 4, { will });
    const member = await test.connected('member', 5);
    await member.subscribe('$share/g/shared', 1);
    const second = await test.connected('second', 5, lasting(5));
    await second.subscribe('$share/g/shared', 1);
    const publisher = await test.connected('publisher', 5, {});
    // `#` wants it, too: taken while there is room.
    for (let i = 0; i < 2; i++) await publishThrough(publisher, 'shared', `${i}`, { qos: 1 });
    await member.expectMessage();
    store.fail(WHY);
    mortal.cut();
    member.cut();
    await member.expectClose();
    await publisher.expectNothing();
    expect((await takeTexts(second, 2)).sort()).toEqual(['0', '1']);
    const away = await test.connected('away', 5, lasting(5));
    expect(await takeTexts(away, 3)).toEqual(['0', '1', 'bye']);
    expect(test.broker.gauges.retained).toBe(1);
  });
});

describe.each([4, 5] as const)('while the store takes nothing new, a client of version %i', (version) => {
  const refusal = version === 5 ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.UNSPECIFIED_ERROR;

  it('cannot begin a lasting session, and whoever has its client id stays', async () => {
    const holder = await test.connected('client', version);
    store.fail(WHY);
    const client = test.client(version);
    expect(await client.connect({ clientId: 'client', ...lasting(version) })).toMatchObject(
      version === 5
        ? { reasonCode: ReasonCode.QUOTA_EXCEEDED, properties: { reasonString: REASON } }
        : { reasonCode: 3, sessionPresent: false },
    );
    await client.expectClose();
    await holder.expectNothing();
    expect(linesAbout('takes nothing new').at(-1)).toBe(`Disconnecting client [127.0.0.1:5]: ${REASON}.`);
    expect(linesAbout('disconnected').at(-1)).toBe('Client client [127.0.0.1:5] disconnected: quota exceeded.');
    expect(test.broker.counters.storeRefusals).toBe(1);
    expect(store.appended).toBe(0);
    store.fail(null);
    expect((await test.client(version).connect({ clientId: 'client', ...lasting(version) })).reasonCode).toBe(0);
  });

  it('resumes one, and begins one that ends with its connection', async () => {
    const before = await test.connected('client', version, lasting(version));
    await before.subscribe('t', 1);
    before.cut();
    store.fail(WHY);
    const client = test.client(version);
    const will = { topic: 'will', payload: Buffer.from('bye'), qos: 0, retain: false } as const;
    const connack = await client.connect({ clientId: 'client', ...lasting(version), will });
    expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: true });
    expect((await test.client(version).connect({ clientId: 'another' })).reasonCode).toBe(0);
    // Over with its client's consent.
    expect((await test.client(version).connect({ clientId: 'client' })).sessionPresent).toBe(false);
    expect(kindsAfter(0)).toContain('sessionRemoved');
  });

  it('cannot subscribe with a lasting session, but may repeat what it has, and unsubscribe', async () => {
    const client = await test.connected('client', version, lasting(version));
    await client.subscribe('a', 1);
    await client.subscribe('b', 1);
    store.fail(WHY);
    const { appended } = store;
    const suback = await client.subscribe([{ filter: 'a' }, { filter: 'b', qos: 2 }, { filter: 'c' }], 1);
    expect(suback.reasonCodes).toEqual([1, refusal, refusal]);
    if (version === 5) expect(suback.properties?.reasonString).toBe(REASON);
    expect(store.appended).toBe(appended);
    expect(linesAbout('Denied SUBSCRIBE')).toEqual([`Denied SUBSCRIBE from client to 'b': ${REASON}`]);
    expect(test.broker.counters.storeRefusals).toBe(2);
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 50, filters: ['a'] });
    await client.expect(UNSUBACK);
    const publisher = await test.connected('publisher', 5);
    publisher.publish('c', 'refused');
    publisher.publish('a', 'gone');
    publisher.publish('b', 'still there');
    expect((await client.expectMessage()).text).toBe('still there');
    store.fail(null);
    expect((await client.subscribe('c', 1)).reasonCodes).toEqual([1]);
  });

  it('subscribes with a session that ends with its connection', async () => {
    store.fail(WHY);
    const client = await test.connected('client', version);
    expect((await client.subscribe('a', 2)).reasonCodes).toEqual([2]);
  });

  it('gets retained messages that its lasting session would keep when there is room again', async () => {
    const publisher = await test.connected('publisher', version);
    await publishThrough(publisher, 't', 'retained', { qos: 1, retain: true });
    const client = await test.connected('client', version, lasting(version));
    await client.subscribe('t', 1);
    expect((await takeMessage(client)).text).toBe('retained');
    store.fail(WHY);
    expect((await client.subscribe('t', 1)).reasonCodes).toEqual([1]);
    await client.expectNothing();
    store.fail(null);
    expect(await takeMessage(client)).toMatchObject({ text: 'retained', retain: true, qos: 1 });
  });
});

describe('the log and the hooks', () => {
  function started(): { broker: Broker; faults: (string | null)[] } {
    const faults: (string | null)[] = [];
    test.broker.on('storeFault', (fault) => faults.push(fault));
    return { broker: test.broker, faults };
  }

  it('hear once that it begins, and once that it is over, whatever its words meanwhile', () => {
    const { faults } = started();
    store.fail(WHY);
    store.fail('the disk is full: 0.2 MB are left');
    store.fail(null);
    store.fail(WHY);
    expect(faults).toEqual([WHY, null, WHY]);
    const begin = `Error: The store takes nothing new: ${WHY}. Messages, subscriptions and sessions that have to be stored are refused, all else goes on. It recovers without a restart when there is room again.`;
    expect(test.log.lines).toEqual([begin, 'The store takes new data again.', begin]);
  });

  it('hear of a fault that a store has from the start', () => {
    store.fault = WHY;
    const log = {
      types: LogType.ERROR,
      lines: [] as string[],
      write: (_: number, line: string) => log.lines.push(line),
    };
    test = new TestBroker({ store, log });
    expect(log.lines).toHaveLength(1);
  });

  it('count the clients that are to send again', async () => {
    await absent('away', 't');
    const clients: TestClient[] = [];
    for (const clientId of ['a', 'b', 'c']) clients.push(await test.connected(clientId, 4));
    store.fail(WHY);
    for (const client of clients.slice(1)) client.publish('t', 'x', { qos: 1 });
    for (const client of clients) await client.expectNothing();
    store.fail(null);
    await clients[0].expectNothing();
    for (const client of clients.slice(1)) await client.expectClose();
    expect(linesAbout('takes new data again. ')).toEqual([
      'The store takes new data again. 2 clients are disconnected, to send again what was not acknowledged.',
    ]);
  });
});

describe('what was appended before the store had no room', () => {
  it('is acknowledged when it has room again, and the client is not disconnected for it', async () => {
    await absent('away', 't');
    const publisher = await test.connected('publisher', 4);
    const others = await test.connected('others', 4);
    store.isSlow = true;
    publisher.publish('t', 'x', { qos: 1 });
    await others.settle();
    store.fail(WHY);
    await others.settle();
    expect(publisher.inbox).toEqual([]);
    store.fail(null);
    store.commit();
    await publisher.expect(PUBACK);
    await publisher.expectNothing();
  });
});
