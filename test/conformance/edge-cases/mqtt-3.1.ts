import {
  acknowledgementPacket,
  connectPacket,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** As `t.connected`, with MQTT 3.1. */
function connected(t: ServerTest, label = 'client', clean = true, clientId = t.clientId()): Promise<RawClient> {
  return t.connected({ clientId, clean }, label, 3);
}

/** Clients of MQTT 3.1, the version before the standards: many devices still speak it. A broker need not. */
export const mqtt31 = serverSection('MQTT 3.1 clients', (test) => {
  test('a client of 3.1 is let in', { 4: [] }, async (t) => {
    const client = await t.open('client', 3);
    const connack = await client.connect({ clientId: t.clientId() });
    t.equal(connack.bytes.toString('hex'), '20020000', 'CONNACK');
    await client.isQuiet();
    await client.disconnect();
  });

  for (const length of [1, 23]) {
    test(`a client identifier of length ${length} is accepted`, { 4: [] }, async (t) => {
      const client = await t.open('client', 3);
      const clientId = length === 1 ? '3' : t.clientId().padEnd(length, 'X');
      t.equal((await client.tryConnect({ clientId })).reasonCode, 0, 'The return code');
    });
  }

  for (const length of [24, 200]) {
    test(`a client identifier of length ${length} is accepted, although 3.1 ends at 23`, { 4: [] }, async (t) => {
      const client = await t.open('client', 3);
      const { reasonCode } = await client.tryConnect({ clientId: t.clientId().padEnd(length, 'X') });
      if (reasonCode === 2) t.skip('the broker keeps to the limit of 3.1');
      t.equal(reasonCode, 0, 'The return code');
      await client.isQuiet();
    });
  }

  test('a client identifier without characters is refused with the return code 2', { 4: [] }, async (t) => {
    for (const clean of [true, false]) {
      const client = await t.open('client', 3);
      client.send(connectPacket(3, { clientId: '', clean }));
      t.equal((await client.receive('CONNACK')).reasonCode, 2, 'The return code');
      await client.ended();
    }
  });

  for (const [protocolName, protocolLevel] of [
    ['MQTT', 3],
    ['MQIsdp', 4],
    ['MQIsdp', 5],
    ['MQISDP', 3],
  ] as const) {
    test(`${protocolName} with level ${protocolLevel} is no version of MQTT`, { 4: [] }, async (t) => {
      const client = await t.open();
      client.send(connectPacket(3, { clientId: t.clientId(), protocolName, protocolLevel }));
      await client.isRefused([], [1]);
    });
  }

  for (const qos of [0, 1, 2]) {
    test(`messages of QoS ${qos} go both ways`, { 4: [] }, async (t) => {
      const subscriber = await connected(t, 'subscriber');
      const { reasonCodes } = await subscriber.subscribe([{ filter: t.topic('+'), qos }]);
      t.equal(reasonCodes, [qos], 'The granted QoS');
      const publisher = await connected(t, 'publisher');
      for (const payload of ['1', '2']) {
        await publisher.publish({ topic: t.topic('a'), payload, qos });
        t.isMessage(await subscriber.receiveMessage(), t.topic('a'), payload, qos);
      }
      await subscriber.unsubscribe(t.topic('+'));
      await publisher.publish({ topic: t.topic('a'), qos });
      await publisher.isQuiet();
      await subscriber.isQuiet();
    });
  }

  for (const [from, to] of [
    [3, 4],
    [3, 5],
    [4, 3],
    [5, 3],
  ] as const) {
    test(`a message goes from a client of level ${from} to one of level ${to}`, { 4: [] }, async (t) => {
      const subscriber = await t.connected({}, `level ${to}`, to);
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, `level ${from}`, from);
      const properties = { contentType: 'text/plain', userProperty: [['a', 'b']] as [string, string][] };
      for (const qos of [0, 1, 2]) {
        await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos, properties });
        t.isMessage(await subscriber.receiveMessage(), t.topic(), `${qos}`, qos);
      }
    });
  }

  test('a session is kept, and CONNACK has no flag for that', { 4: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await connected(t, 'before', false, clientId);
    await before.subscribe(t.topic());
    await before.disconnect();
    const publisher = await connected(t, 'publisher');
    for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
    const after = await t.open('after', 3);
    t.equal((await after.connect({ clientId, clean: false })).flags, 0, 'The flags');
    for (const qos of [1, 2]) t.isMessage(await after.receiveMessage(), t.topic(), `${qos}`, qos);
    await after.disconnect();
    const clean = await connected(t, 'clean', true, clientId);
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await clean.isQuiet();
  });

  test('a will is published when the connection breaks', { 4: [] }, async (t) => {
    const witness = await connected(t, 'witness');
    await witness.subscribe(t.topic());
    const will = { topic: t.topic(), payload: 'will', qos: 2, retain: true };
    const client = await t.connected({ will }, 'client', 3);
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 2);
    const later = await connected(t, 'later');
    await later.subscribe(t.topic());
    t.isMessage(await later.receiveMessage(), t.topic(), 'will', 2);
  });

  test('SUBSCRIBE, UNSUBSCRIBE and PUBREL may be marked as repeated', { 4: [] }, async (t) => {
    const client = await connected(t);
    const subscribe = subscribePacket(3, 1, [{ filter: t.topic(), qos: 2 }]);
    const unsubscribe = unsubscribePacket(3, 2, [t.topic()]);
    const pubrel = acknowledgementPacket('PUBREL', 3);
    for (const packet of [subscribe, unsubscribe, pubrel]) packet[0] |= 0x08; // DUP
    client.send(subscribe);
    t.equal((await client.receive('SUBACK')).reasonCodes, [2], 'The granted QoS');
    client.send(unsubscribe);
    await client.receive('UNSUBACK');
    client.send(publishPacket(3, { topic: t.topic(), qos: 2, packetId: 3 }));
    await client.receive('PUBREC');
    client.send(pubrel);
    t.equal((await client.receive('PUBCOMP')).packetId, 3, 'The packet identifier');
    await client.isQuiet();
  });

  test('the flags of user name and password may be set without either', { 4: [] }, async (t) => {
    const client = await t.open('client', 3);
    client.send(connectPacket(3, { clientId: t.clientId(), flags: 0xc2 }));
    const { reasonCode } = await client.receive('CONNACK').catch(() => t.skip('the broker is stricter than 3.1'));
    t.equal(reasonCode, 0, 'The return code');
    await client.isQuiet();
  });
});
