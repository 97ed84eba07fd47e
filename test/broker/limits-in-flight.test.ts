import type { Settings } from '@cauldron/broker';
import { type Connect, PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT } = PacketType;

function lasting(version: ProtocolVersion): Partial<Connect> {
  return version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };
}

function withSettings(settings: Partial<Settings>): TestBroker {
  return new TestBroker({ settings });
}

/** A payload of 60 bytes that begins with its number. */
function payload(i: number): string {
  return `${i}`.padEnd(60, '.');
}

function numbers(texts: readonly string[]): number[] {
  return texts.map((text) => Number.parseInt(text, 10));
}

/** Takes all messages that come without an acknowledgement, and leaves them unacknowledged. */
async function arrived(client: TestClient): Promise<{ number: number; packetId: number; dup: boolean }[]> {
  await client.settle();
  return client.inbox.splice(0).map((packet) => {
    if (packet.type !== PacketType.PUBLISH) throw new Error(`unexpected packet type ${packet.type}`);
    const number = Number.parseInt(Buffer.from(packet.payload).toString(), 10);
    return { number, packetId: packet.packetId ?? 0, dup: packet.dup };
  });
}

describe('max_inflight_bytes', () => {
  it.each([
    ['ends with its connection, QoS 1', {}, 1],
    ['ends with its connection, QoS 2', {}, 2],
    ['lasts, QoS 1', lasting(4), 1],
    ['lasts, QoS 2', lasting(4), 2],
  ] as const)('bounds what is in flight to a client whose session %s', async (_, connect, qos) => {
    const test = withSettings({ maxInflightBytes: 150 });
    const client = await test.connected('client', 4, connect);
    await client.subscribe('t', qos);
    const publisher = await test.connected('publisher');
    publisher.acknowledgeAll();
    for (let i = 0; i < 7; i++) publisher.publish('t', payload(i), { qos });
    await publisher.settle();
    // The third begins below 150 bytes, and passes them.
    let flying = await arrived(client);
    expect(flying.map(({ number }) => number)).toEqual([0, 1, 2]);
    const [first] = flying;
    if (qos === 2) {
      client.acknowledge(PUBREC, first.packetId);
      await client.expect(PUBREL);
      // It counts until the exchange is over, as it does in the count of messages.
      expect(await arrived(client)).toEqual([]);
    }
    client.acknowledge(qos === 1 ? PUBACK : PUBCOMP, first.packetId);
    flying = await arrived(client);
    expect(flying.map(({ number }) => number)).toEqual([3]);
    expect(test.broker.counters.publishDropped).toBe(0);
  });

  it('lets one larger message fly alone', async () => {
    const test = withSettings({ maxInflightBytes: 10 });
    const client = await test.connected('client');
    await client.subscribe('t', 1);
    const publisher = await test.connected('publisher');
    for (let i = 0; i < 4; i++) publisher.publish('t', payload(i), { qos: 1 });
    const seen: number[] = [];
    while (seen.length < 4) {
      const flying = await arrived(client);
      expect(flying).toHaveLength(1);
      seen.push(flying[0].number);
      client.acknowledge(PUBACK, flying[0].packetId);
    }
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('does not count QoS 0', async () => {
    const test = withSettings({ maxInflightBytes: 10 });
    const client = await test.connected('client');
    await client.subscribe('t', 0);
    for (let i = 0; i < 5; i++) await test.broker.publish('t', payload(i), { qos: 1 });
    expect((await arrived(client)).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
  });

  it('bounds what is sent again, on the next connection and after a restart', async () => {
    const test = withSettings({});
    const client = await test.connected('client', 4, lasting(4));
    await client.subscribe('t', 1);
    for (let i = 0; i < 5; i++) await test.broker.publish('t', payload(i), { qos: 1 });
    expect(await arrived(client)).toHaveLength(5);
    client.cut();
    test.restart();
    test.broker.settings.maxInflightBytes = 100;
    for (const way of ['restart', 'connection'] as const) {
      const again = await test.connected('client', 4, lasting(4));
      const flying = await arrived(again);
      expect(
        flying.map(({ number, dup }) => [number, dup]),
        way,
      ).toEqual([
        [0, true],
        [1, true],
      ]);
      if (way === 'restart') again.cut();
      else {
        for (const { packetId } of flying) again.acknowledge(PUBACK, packetId);
        expect(numbers(await takeTexts(again, 3))).toEqual([2, 3, 4]);
      }
    }
  });

  it('may be set and taken away while messages are in flight', async () => {
    const test = withSettings({});
    const client = await test.connected('client');
    await client.subscribe('t', 1);
    await test.broker.publish('t', payload(0), { qos: 1 });
    test.broker.settings.maxInflightBytes = 50;
    test.broker.settingsChanged();
    // What flew before is not known to count.
    for (let i = 1; i < 5; i++) await test.broker.publish('t', payload(i), { qos: 1 });
    expect((await arrived(client)).map(({ number }) => number)).toEqual([0, 1]);
    test.broker.settings.maxInflightBytes = Number.POSITIVE_INFINITY;
    test.broker.settingsChanged();
    expect((await arrived(client)).map(({ number }) => number)).toEqual([2, 3, 4]);
  });
});

describe('max_inflight_messages', () => {
  it.each([
    ['ends with its connection', [1, 1, 1, 1], {}],
    ['lasts', [1, 1, 1, 1], lasting(4)],
    ['lasts', [2, 1, 2, 1], lasting(4)],
    ['ends with its connection', [1, 2, 2, 1], {}],
  ] as const)('1 keeps strict order: one at a time, for a session that %s (QoS %j)', async (_, levels, connect) => {
    const test = withSettings({ maxInflightMessages: 1 });
    const client = await test.connected('client', 4, connect);
    await client.subscribe('t/#', 2);
    const publisher = await test.connected('publisher');
    publisher.acknowledgeAll();
    for (const [i, qos] of levels.entries()) publisher.publish(`t/${i % 2}`, payload(i), { qos });
    await publisher.settle();
    for (const i of levels.keys()) {
      await client.settle();
      expect(client.inbox).toHaveLength(1);
      expect(numbers([(await takeMessage(client)).text])).toEqual([i]);
    }
  });

  it('1 keeps that order when the client comes back in the middle', async () => {
    const test = withSettings({ maxInflightMessages: 1 });
    const first = await test.connected('client', 4, lasting(4));
    await first.subscribe('t', 1);
    for (let i = 0; i < 4; i++) await test.broker.publish('t', payload(i), { qos: 1 });
    await takeMessage(first);
    await first.expectMessage();
    first.cut();
    const second = await test.connected('client', 4, lasting(4));
    const flying = await arrived(second);
    expect(flying).toMatchObject([{ number: 1, dup: true }]);
    second.acknowledge(PUBACK, flying[0].packetId);
    expect(numbers(await takeTexts(second, 2))).toEqual([2, 3]);
  });

  it('0 is no limit: all ids may fly, and 5.0 clients are told of none', async () => {
    const test = withSettings({ maxInflightMessages: Number.POSITIVE_INFINITY });
    const client = test.client(5);
    expect((await client.connect({ clientId: 'client' })).properties?.receiveMaximum).toBe(undefined);
    await client.subscribe('t', 1);
    const publisher = await test.connected('publisher', 5);
    publisher.acknowledgeAll();
    for (let i = 0; i < 300; i++) publisher.publish('t', payload(i), { qos: 2 });
    await publisher.settle();
    expect(await arrived(client)).toHaveLength(300);
  });

  it('lowered while a client is connected bounds what it gets from now on, and what it was told stays true', async () => {
    const test = withSettings({ maxInflightMessages: 4 });
    const client = await test.connected('client', 5);
    await client.subscribe('t', 1);
    const publisher = await test.connected('publisher', 5);
    test.broker.settings.maxInflightMessages = 2;
    test.broker.settingsChanged();
    // Its CONNACK said 4, so that many of its messages may wait for their PUBREL.
    for (let i = 0; i < 4; i++) publisher.publish('t', payload(i), { qos: 2 });
    for (let i = 0; i < 4; i++) expect((await publisher.expect(PUBREC)).reasonCode).toBe(ReasonCode.SUCCESS);
    const flying = await arrived(client);
    expect(flying.map(({ number }) => number)).toEqual([0, 1]);
    test.broker.settings.maxInflightMessages = 3;
    test.broker.settingsChanged();
    expect((await arrived(client)).map(({ number }) => number)).toEqual([2]);
    publisher.publish('t', payload(4), { qos: 2 });
    expect((await publisher.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
  });
});
