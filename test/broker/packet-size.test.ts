import { DEFAULT_LISTENER } from '@cauldron/broker';
import { encodePacket, PacketType, type Publish, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

/** The size of a PUBLISH to `topic` as a 5.0 client gets it. */
function sizeOf(topic: string, text: string, qos: 0 | 1 | 2, properties?: Publish['properties']): number {
  const payload = new TextEncoder().encode(text);
  const packet: Publish = { type: PacketType.PUBLISH, topic, payload, qos, retain: false, dup: false };
  if (qos > 0) packet.packetId = 1;
  if (properties !== undefined) packet.properties = properties;
  return encodePacket(packet, 5).length;
}

describe('the maximum packet size of a 5.0 client', () => {
  it.each([0, 1, 2] as const)(
    'takes a message of QoS %i that just fits, and none that is larger [MQTT-3.1.2-24]',
    async (qos) => {
      const maximumPacketSize = sizeOf('t', 'x'.repeat(60), qos);
      const test = new TestBroker();
      const client = await test.connected('client', 5, { properties: { maximumPacketSize } });
      const other = await test.connected('other', 5);
      const publisher = await test.connected('publisher');
      for (const each of [client, other]) {
        await each.subscribe('t', qos);
        each.acknowledgeAll();
      }
      // Twice: the first message of a topic and the ones after it take different ways through the broker.
      for (let i = 0; i < 2; i++) {
        for (const length of [60, 61, 59]) await publishThrough(publisher, 't', 'x'.repeat(length), { qos });
      }
      const lengths = async (of: TestClient): Promise<number[]> => {
        await of.settle();
        return of.inbox.flatMap((packet) => (packet.type === PacketType.PUBLISH ? [packet.payload.length] : []));
      };
      expect(await lengths(client)).toEqual([60, 59, 60, 59]);
      // Nobody else is concerned.
      expect(await lengths(other)).toEqual([60, 61, 59, 60, 61, 59]);
      expect(test.broker.counters.publishDropped).toBe(2);
      expect(test.log.lines.join('\n')).toContain('maximum packet size');
    },
  );

  it('is told to a client whose SUBACK or UNSUBACK would be larger, before anything is done', async () => {
    const filters = Array.from({ length: 40 }, (_, i) => `filter/${i}`);
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5, { properties: { maximumPacketSize: 40 } });
    subscriber.send({
      type: PacketType.SUBSCRIBE,
      packetId: 1,
      subscriptions: filters.map((filter) => ({
        filter,
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      })),
    });
    expect((await subscriber.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.PACKET_TOO_LARGE);
    await subscriber.expectClose();
    expect(test.log.lines.join('\n')).toContain("larger than the client's maximum packet size, 40");
    expect(test.broker.gauges.subscriptions).toBe(0);

    const unsubscriber = await test.connected('unsubscriber', 5, { properties: { maximumPacketSize: 40 } });
    unsubscriber.send({ type: PacketType.UNSUBSCRIBE, packetId: 1, filters });
    expect((await unsubscriber.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.PACKET_TOO_LARGE);
  });

  it('is held with a topic alias, which makes the first message of its topic longer', async () => {
    for (let slack = 0; slack < 6; slack++) {
      const maximumPacketSize = sizeOf('topic', 'x'.repeat(60), 1) + slack;
      const test = new TestBroker();
      const client = await test.connected('client', 5, { properties: { maximumPacketSize, topicAliasMaximum: 5 } });
      await client.subscribe('topic', 1);
      const bytes = client.record();
      for (let i = 0; i < 3; i++) await test.broker.publish('topic', 'x'.repeat(60), { qos: 1 });
      await client.settle();
      expect(bytes.length).toBe(3);
      for (const { length } of bytes) expect(length).toBeLessThanOrEqual(maximumPacketSize);
    }
  });

  it('is held with identifiers of subscriptions', async () => {
    const maximumPacketSize = sizeOf('t', 'x'.repeat(60), 0);
    const test = new TestBroker();
    const client = await test.connected('client', 5, { properties: { maximumPacketSize } });
    await client.subscribe('t', 0, { subscriptionIdentifiers: [1] });
    await test.broker.publish('t', 'x'.repeat(60));
    await test.broker.publish('t', 'x'.repeat(58));
    expect((await client.expectMessage()).text).toHaveLength(58);
  });

  it('makes messages that wait in the queue go: the session counts them as sent [MQTT-3.1.2-25]', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe('t', 2);
    before.cut();
    await before.expectClose();
    await test.broker.publish('t', 'x'.repeat(100), { qos: 1 });
    await test.broker.publish('t', 'fits', { qos: 1 });
    const properties = { ...lasting.properties, maximumPacketSize: 50 };
    const after = await test.connected('client', 5, { ...lasting, properties });
    expect((await takeMessage(after)).text).toBe('fits');
    await after.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it.each([1, 2] as const)('counts for what is sent again on a connection that takes less, QoS %i', async (qos) => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const before = await test.connected('client', 5, lasting);
    await before.subscribe('t', 2);
    for (const text of ['x'.repeat(100), 'fits', 'y'.repeat(100)]) await test.broker.publish('t', text, { qos });
    for (let i = 0; i < 3; i++) await before.expectMessage();
    before.cut();
    const properties = { ...lasting.properties, maximumPacketSize: 50, receiveMaximum: 1 };
    const after = await test.connected('client', 5, { ...lasting, properties });
    expect(await takeMessage(after)).toMatchObject({ text: 'fits', dup: true });
    await after.expectNothing();
    await test.broker.publish('t', 'new', { qos });
    expect((await takeMessage(after)).text).toBe('new');
    await after.expectNothing();
    expect(test.store.storedMessages).toBe(0);
  });

  it('counts for retained messages', async () => {
    const test = new TestBroker();
    await test.broker.publish('a', 'x'.repeat(100), { retain: true, qos: 1 });
    await test.broker.publish('b', 'fits', { retain: true, qos: 1 });
    const client = await test.connected('client', 5, { properties: { maximumPacketSize: 50 } });
    await client.subscribe('#', 1);
    expect((await takeMessage(client)).text).toBe('fits');
    await client.expectNothing();
  });

  it('shortens refusals: the reason string goes first [MQTT-3.2.2-19] [MQTT-3.14.2-3]', async () => {
    const test = new TestBroker();
    const refused = test.client(5, { ...DEFAULT_LISTENER, allowEmptyClientId: false });
    const connack = await refused.connect({ clientId: '', properties: { maximumPacketSize: 20 } });
    expect(connack.reasonCode).toBe(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
    expect(connack.properties?.reasonString).toBeUndefined();
    const client = await test.connected('client', 5, { properties: { maximumPacketSize: 20 } });
    client.acknowledge(PacketType.PUBREL, 9); // [MQTT-3.6.2-2]
    const pubcomp = await client.expect(PacketType.PUBCOMP);
    expect(pubcomp).toMatchObject({ packetId: 9, reasonCode: ReasonCode.PACKET_IDENTIFIER_NOT_FOUND });
    expect(pubcomp.properties?.reasonString).toBeUndefined();
    client.sendBytes(Uint8Array.of(0xc0, 1, 0));
    const disconnect = await client.expect(PacketType.DISCONNECT);
    expect(disconnect.reasonCode).toBe(ReasonCode.MALFORMED_PACKET);
    expect(disconnect.properties?.reasonString).toBeUndefined();
  });
});

describe('reason strings', () => {
  it.each([
    [undefined, true],
    [1, true],
    [0, false],
  ] as const)(
    'come with acknowledgements unless the client waives them (%s) [MQTT-3.1.2-29]',
    async (requestProblemInformation, comes) => {
      const test = new TestBroker();
      const properties = requestProblemInformation === undefined ? {} : { requestProblemInformation };
      const client = await test.connected('client', 5, { properties });
      client.publish('$SYS/x', 'x', { qos: 1 });
      const puback = await client.expect(PacketType.PUBACK);
      expect(puback.reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
      expect(puback.properties?.reasonString !== undefined).toBe(comes);
      client.acknowledge(PacketType.PUBREC, 5);
      const pubrel = await client.expect(PacketType.PUBREL);
      expect(pubrel.properties?.reasonString !== undefined).toBe(comes);
      // DISCONNECT may always say why.
      client.sendBytes(Uint8Array.of(0xc0, 1, 0));
      expect((await client.expect(PacketType.DISCONNECT)).properties?.reasonString).toBeDefined();
    },
  );
});

describe('the maximum packet size of the broker', () => {
  it.each([4, 5] as const)(
    'takes a packet that just fits, and ends the connection at one that does not, version %i',
    async (version) => {
      const test = new TestBroker({ settings: { maximumPacketSize: 100 } });
      const client = await test.connected('client', version);
      const head = version === 5 ? 2 + 2 + 1 + 1 : 2 + 2 + 1;
      client.publish('t', 'x'.repeat(100 - head));
      await client.expectNothing();
      client.publish('t', 'x'.repeat(101 - head));
      if (version === 5) {
        const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
        expect(reasonCode).toBe(ReasonCode.PACKET_TOO_LARGE);
        expect(properties?.reasonString).toContain('100');
      }
      await client.expectClose();
    },
  );
});
