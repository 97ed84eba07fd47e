import { connectPacket, type PublishFields, publishPacket, text, varint } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** The largest remaining length that the form of a packet allows. */
const LARGEST = 268_435_455;

/** A PUBLISH of exactly so many bytes. */
function publishOfSize(t: ServerTest, size: number, fields: Partial<PublishFields> = {}): Buffer {
  const empty = publishPacket(t.level, { topic: t.topic(), ...fields });
  // Two bytes of remaining length take the place of one from 128 bytes on.
  const payload = Buffer.alloc(size - empty.length - 1, 'x');
  const packet = publishPacket(t.level, { topic: t.topic(), ...fields, payload });
  t.equal(packet.length, size, 'The size of the packet of this test');
  return packet;
}

/** The maximum packet size that the broker announces to clients of 5.0, whatever the version of this test. */
async function announcedMaximum(t: ServerTest): Promise<number | undefined> {
  const probe = await t.open('probe', 5);
  const { properties } = await probe.connect({ clientId: t.clientId() });
  probe.drop();
  return properties.maximumPacketSize;
}

export const packetSizes = serverSection('Packet sizes', (test) => {
  for (const qos of [0, 1, 2]) {
    test(`an empty payload of QoS ${qos} is passed on`, { 4: [], 5: [] }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), qos });
      const message = await subscriber.receiveMessage();
      t.isMessage(message, t.topic(), '', qos);
      await subscriber.isQuiet();
    });

    test(`a message of QoS ${qos} that is too large for a client is not sent to it, but to others`, {
      5: [],
    }, async (t) => {
      const small = await t.connected({ properties: { maximumPacketSize: 200, receiveMaximum: 1 } }, 'small');
      await small.subscribe(t.topic());
      const large = await t.connected({}, 'large');
      await large.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      const payload = 'x'.repeat(200);
      for (let count = 0; count < 3; count++) await publisher.publish({ topic: t.topic(), payload, qos });
      await publisher.publish({ topic: t.topic(), payload: 'fits', qos });
      for (let count = 0; count < 3; count++) t.isMessage(await large.receiveMessage(), t.topic(), payload, qos);
      // It counts as delivered: the connection stays, and the room for messages under way is not used up.
      t.isMessage(await small.receiveMessage(), t.topic(), 'fits', qos);
      await small.isQuiet();
    });

    test(`a message of QoS ${qos} comes if it has just the maximum packet size of the client`, { 5: [] }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      const large = await t.connected({}, 'large');
      await large.subscribe(t.topic());
      const message = { topic: t.topic(), payload: 'x'.repeat(150), qos, properties: { contentType: 'text/plain' } };
      await publisher.publish(message);
      const { length } = (await large.receiveMessage()).bytes;
      const exact = await t.connected({ properties: { maximumPacketSize: length } }, 'exact');
      await exact.subscribe(t.topic());
      const smaller = await t.connected({ properties: { maximumPacketSize: length - 1 } }, 'smaller');
      await smaller.subscribe(t.topic());
      await publisher.publish(message);
      await publisher.isQuiet();
      t.equal((await exact.receiveMessage()).bytes.length, length, 'The size of the packet');
      await smaller.isQuiet();
    });
  }

  test('the properties of a message are not left out to make it fit', { 5: [] }, async (t) => {
    const client = await t.connected({ properties: { maximumPacketSize: 200 } }, 'small');
    await client.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const userProperty: [string, string][] = [['name', 'x'.repeat(200)]];
    await publisher.publish({ topic: t.topic(), payload: 'large', qos: 1, properties: { userProperty } });
    await client.isQuiet();
    await publisher.publish({ topic: t.topic(), payload: 'small', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'small', 1);
  });

  test('a retained message that is too large for a client does not keep others from it', { 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const [name, size] of [
      ['a', 200],
      ['b', 2],
      ['c', 200],
      ['d', 2],
    ] as const) {
      await publisher.publish({ topic: t.topic(name), payload: 'x'.repeat(size), qos: 1, retain: true });
    }
    const client = await t.connected({ properties: { maximumPacketSize: 200, receiveMaximum: 1 } }, 'small');
    await client.subscribe({ filter: t.topic('+'), qos: 1 });
    const topics = [(await client.receiveMessage()).topic, (await client.receiveMessage()).topic];
    t.equal(topics.sort(), [t.topic('b'), t.topic('d')], 'The topics');
    await client.isQuiet();
  });

  test('a message that waited is not sent if the client that returns does not take it any more', {
    5: [],
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const payload = 'x'.repeat(200);
    for (const qos of [1, 2]) {
      await publisher.publish({ topic: t.topic(), payload, qos });
      await before.receive('PUBLISH');
    }
    before.drop();
    await before.ended();
    for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload, qos });
    await publisher.publish({ topic: t.topic(), payload: 'fits', qos: 1 });
    const properties = { sessionExpiryInterval: 60, maximumPacketSize: 200, receiveMaximum: 1 };
    const after = await t.connected({ clientId, clean: false, properties }, 'after');
    t.isMessage(await after.receiveMessage(), t.topic(), 'fits', 1);
    await after.isQuiet();
  });

  test('DISCONNECT keeps within the maximum packet size of the client, or is not sent', { 5: [] }, async (t) => {
    const invalid = publishPacket(t.level, { topic: t.topic(), qos: 3, packetId: 1 });
    const unlimited = await t.open('unlimited');
    const connack = await unlimited.connect({ clientId: t.clientId() });
    unlimited.send(invalid);
    await unlimited.isRefused([0x81]);
    const client = await t.connected({ properties: { maximumPacketSize: connack.bytes.length } }, 'small');
    client.send(invalid);
    for (const { name, bytes } of await client.ended()) {
      t.ok(bytes.length <= connack.bytes.length, `${name} has ${bytes.length} bytes of ${connack.bytes.length}`);
    }
  });

  test(
    'a refusal keeps within the maximum packet size of the client, or is not sent',
    { 5: [] },
    async (t) => {
      const client = await t.open();
      const properties = { maximumPacketSize: 10 };
      const password = 'wrong';
      client.send(connectPacket(t.level, { clientId: t.clientId(), properties, username: 'fry', password }));
      for (const { name, bytes } of await client.ended()) {
        t.ok(bytes.length <= 10, `${name} has ${bytes.length} bytes of 10`);
      }
    },
    'passwords',
  );

  test('a client whose maximum packet size is below that of CONNACK is not left without an answer', {
    5: [],
  }, async (t) => {
    const client = await t.open();
    client.send(connectPacket(t.level, { clientId: t.clientId(), properties: { maximumPacketSize: 4 } }));
    t.equal((await client.ended()).length, 0, 'The packets before the end');
  });

  test(
    'a packet of the maximum size of the broker is taken',
    { 4: [], 5: [] },
    async (t) => {
      if (t.level === 5) t.equal(await announcedMaximum(t), 2000, 'The announced maximum packet size');
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe({ filter: t.topic(), qos: 1 });
      const publisher = await t.connected({}, 'publisher');
      publisher.send(publishOfSize(t, 2000, { qos: 1, packetId: 1 }));
      await publisher.receive('PUBACK');
      const { payload } = await subscriber.receiveMessage();
      t.ok(payload.length > 1900, `The payload has ${payload.length} bytes`);
    },
    'maximum-packet-size',
  );

  test(
    'a packet above the maximum size of the broker ends the connection, and goes nowhere',
    { 4: [], 5: [] },
    async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      publisher.send(publishOfSize(t, 2001));
      await publisher.isRefused([0x95]);
      await subscriber.isQuiet();
    },
    'maximum-packet-size',
  );

  test(
    'a packet above the maximum size of the broker is refused by its header alone',
    { 4: [], 5: [] },
    async (t) => {
      const client = await t.connected();
      client.send(publishOfSize(t, 5000).subarray(0, 20));
      await client.isRefused([0x95]);
    },
    'maximum-packet-size',
  );

  test(
    'a CONNECT above the maximum size of the broker is refused',
    { 4: [], 5: [] },
    async (t) => {
      const client = await t.open();
      const will = { topic: t.topic(), payload: 'x'.repeat(3000) };
      client.send(connectPacket(t.level, { clientId: t.clientId(), will }));
      await client.isRefused(); // its version, and so the form of an answer, need not have been read
    },
    'maximum-packet-size',
  );

  test('the header of a packet of 256 MB is refused where that is too much', { 4: [], 5: [] }, async (t) => {
    const maximum = await announcedMaximum(t);
    if (maximum === undefined) t.skip('the broker announces no maximum packet size');
    const client = await t.connected();
    client.send(Buffer.concat([Buffer.from([0x30]), varint(LARGEST), text(t.topic())]));
    await client.isRefused([0x95]);
  });
});
