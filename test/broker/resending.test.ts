import { type Connect, PacketType, type ProtocolVersion } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBREC, PUBREL, PUBCOMP } = PacketType;

/** What makes a session last, in each version. */
function lasting(version: ProtocolVersion): Partial<Connect> {
  return version === 5 ? { clean: false, properties: { sessionExpiryInterval: 1000 } } : { clean: false };
}

describe.each([3, 4, 5] as const)('a lasting session of protocol version %i', (version) => {
  async function subscribed(qos: 1 | 2): Promise<{ test: TestBroker; publisher: TestClient; subscriber: TestClient }> {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const subscriber = await test.connected('subscriber', version, lasting(version));
    await subscriber.subscribe('t', qos);
    return { test, publisher, subscriber };
  }

  it('gets unacknowledged messages again, in order, with their ids and DUP [MQTT-4.4.0-1] [MQTT-3.3.1-1]', async () => {
    const { test, publisher, subscriber } = await subscribed(2);
    for (let i = 0; i < 5; i++) await publishThrough(publisher, 't', `${i}`, { qos: i % 2 === 0 ? 1 : 2 });
    const sent = [];
    for (let i = 0; i < 5; i++) sent.push(await subscriber.expectMessage());
    // The second is done; the order of the others stays.
    subscriber.acknowledge(PUBREC, sent[1].packetId ?? 0);
    await subscriber.expect(PUBREL);
    subscriber.acknowledge(PUBCOMP, sent[1].packetId ?? 0);
    await subscriber.expectNothing();
    subscriber.cut();
    for (let round = 0; round < 2; round++) {
      const again = await test.connected('subscriber', version, lasting(version));
      for (const i of [0, 2, 3, 4]) {
        const { packetId, text, qos } = sent[i];
        expect(await again.expectMessage()).toMatchObject({ packetId, text, qos, dup: true });
      }
      await again.expectNothing();
      again.cut();
    }
  });

  it('gets PUBREL again, not the message, once it has sent PUBREC [MQTT-4.3.3-6]', async () => {
    const { test, publisher, subscriber } = await subscribed(2);
    for (const text of ['released', 'not yet']) await publishThrough(publisher, 't', text, { qos: 2 });
    const { packetId = 0 } = await subscriber.expectMessage();
    const second = await subscriber.expectMessage();
    subscriber.acknowledge(PUBREC, packetId);
    await subscriber.expect(PUBREL);
    subscriber.cut();
    const again = await test.connected('subscriber', version, lasting(version));
    expect(await again.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 });
    expect(await again.expectMessage()).toMatchObject({ text: 'not yet', packetId: second.packetId, dup: true });
    again.acknowledge(PUBCOMP, packetId);
    await again.expectNothing();
    again.cut();
    const last = await test.connected('subscriber', version, lasting(version));
    expect((await takeMessage(last)).text).toBe('not yet');
    await last.expectNothing();
  });

  it('gets nothing again that was acknowledged [MQTT-4.4.0-2]', async () => {
    const { test, publisher, subscriber } = await subscribed(2);
    for (const qos of [1, 2] as const) {
      await publishThrough(publisher, 't', 'x', { qos });
      await takeMessage(subscriber);
    }
    await subscriber.expectNothing();
    subscriber.cut();
    const again = await test.connected('subscriber', version, lasting(version));
    await again.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('gets what came meanwhile after what is sent again', async () => {
    const { test, publisher, subscriber } = await subscribed(1);
    await publishThrough(publisher, 't', 'in flight', { qos: 1 });
    await subscriber.expectMessage();
    subscriber.cut();
    await publishThrough(publisher, 't', 'meanwhile', { qos: 1 });
    const again = await test.connected('subscriber', version, lasting(version));
    expect(await takeMessage(again)).toMatchObject({ text: 'in flight', dup: true });
    expect(await takeMessage(again)).toMatchObject({ text: 'meanwhile', dup: false });
  });

  it('completes a delivery that began before UNSUBSCRIBE [MQTT-3.10.4-3]', async () => {
    const { test, publisher, subscriber } = await subscribed(2);
    await publishThrough(publisher, 't', 'begun', { qos: 2 });
    const { packetId = 0 } = await subscriber.expectMessage();
    subscriber.send({ type: PacketType.UNSUBSCRIBE, packetId: 99, filters: ['t'] });
    await subscriber.expect(PacketType.UNSUBACK);
    subscriber.cut();
    await publishThrough(publisher, 't', 'too late', { qos: 2 });
    const again = await test.connected('subscriber', version, lasting(version));
    expect(await takeMessage(again)).toMatchObject({ packetId, text: 'begun', dup: true });
    await again.expectNothing();
  });

  // QoS 2 from the publisher, cut at each step. Whatever the client repeats, the subscriber gets the message once.
  it.each([
    ['PUBLISH', 0],
    ['PUBREC', 1],
    ['PUBREL', 2],
    ['PUBCOMP', 3],
  ])('publishes exactly once when it is cut after %s [MQTT-4.3.3-10]', async (_step, steps) => {
    const test = new TestBroker();
    const receiver = await test.connected('receiver');
    await receiver.subscribe('t', 0);
    const before = await test.connected('publisher', version, lasting(version));
    before.publish('t', 'once', { qos: 2, packetId: 4 });
    await receiver.expectMessage();
    if (steps >= 1) await before.expect(PUBREC);
    if (steps >= 2) before.acknowledge(PUBREL, 4);
    if (steps >= 3) await before.expect(PUBCOMP);
    else if (steps === 2) await before.settle();
    before.cut();
    const after = await test.connected('publisher', version, lasting(version));
    if (steps < 1) {
      after.publish('t', 'once', { qos: 2, packetId: 4, dup: true });
      await after.expect(PUBREC);
    }
    if (steps < 3) {
      after.acknowledge(PUBREL, 4);
      expect((await after.expect(PUBCOMP)).packetId).toBe(4);
    }
    await receiver.expectNothing();
    // The id is free for another message.
    after.publish('t', 'another', { qos: 2, packetId: 4 });
    await after.expect(PUBREC);
    expect((await receiver.expectMessage()).text).toBe('another');
  });
});

describe('a session that ends with its connection', () => {
  it.each([4, 5] as const)('is sent nothing again, and forgets inbound packet ids (version %i)', async (version) => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    const before = await test.connected('client', version);
    await before.subscribe('t', 1);
    await publishThrough(publisher, 't', 'x', { qos: 1 });
    await before.expectMessage();
    before.publish('u', 'first', { qos: 2, packetId: 1 });
    await before.expect(PUBREC);
    before.cut();
    const after = test.client(version);
    expect((await after.connect({ clientId: 'client', clean: false })).sessionPresent).toBe(false);
    await after.subscribe('u', 0);
    after.publish('u', 'second', { qos: 2, packetId: 1, dup: true });
    // The message goes to the client itself, too; which of the two comes first is not said.
    await after.settle();
    expect(after.inbox.map(({ type }) => type).sort()).toEqual([PacketType.PUBLISH, PUBREC]);
  });
});
