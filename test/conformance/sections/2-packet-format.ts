import {
  acknowledgementPacket,
  byte,
  connectPacket,
  disconnectPacket,
  frame,
  hex,
  pingreqPacket,
  publishPacket,
  subscribePacket,
  text,
  two,
  unsubscribePacket,
} from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';
import { isMalformedConnect } from './malformed-connect.js';

/** What a client sends after CONNECT, each packet valid but for the state that it comes in; PUBLISH has no such flags. */
const PACKETS: Readonly<Record<string, (t: ServerTest) => Buffer>> = {
  PUBACK: () => acknowledgementPacket('PUBACK', 1),
  PUBREC: () => acknowledgementPacket('PUBREC', 1),
  PUBREL: () => acknowledgementPacket('PUBREL', 1),
  PUBCOMP: () => acknowledgementPacket('PUBCOMP', 1),
  SUBSCRIBE: (t) => subscribePacket(t.level, 1, [{ filter: t.topic() }]),
  UNSUBSCRIBE: (t) => unsubscribePacket(t.level, 1, [t.topic()]),
  PINGREQ: () => pingreqPacket(),
};

const PACKET_IDS = [1, 255, 256, 32_768, 65_535];

export const packetFormat = serverSection('2 Packet format', (test) => {
  for (const [name, packetOf] of Object.entries(PACKETS)) {
    test(`${name} with wrong flags ends the connection`, { 4: 'MQTT-2.2.2-2', 5: 'MQTT-2.1.3-1' }, async (t) => {
      for (const bit of [1, 2, 4, 8]) {
        const client = await t.connected({}, `bit ${bit}`);
        const packet = packetOf(t);
        packet[0] ^= bit;
        client.send(packet);
        await client.isRefused([0x81, 0x82]);
      }
    });
  }

  test('CONNECT with wrong flags is refused', { 4: 'MQTT-2.2.2-2', 5: 'MQTT-2.1.3-1' }, async (t) => {
    for (const bit of [1, 2, 4, 8]) {
      const packet = connectPacket(t.level, { clientId: t.clientId() });
      packet[0] ^= bit;
      await isMalformedConnect(t, packet, `bit ${bit}`);
    }
  });

  test('DISCONNECT with wrong flags is not taken for one, so the will is sent', {
    4: 'MQTT-2.2.2-2',
    5: 'MQTT-2.1.3-1',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    for (const bit of [1, 2, 4, 8]) {
      const client = await t.connected({ will: { topic: t.topic(), payload: `${bit}`, qos: 1 } }, `bit ${bit}`);
      const packet = disconnectPacket();
      packet[0] ^= bit;
      client.send(packet);
      await client.isRefused([0x81, 0x82]);
      t.isMessage(await subscriber.receiveMessage(), t.topic(), `${bit}`, 1);
    }
  });

  test('a SUBSCRIBE and an UNSUBSCRIBE with wrong flags change nothing', {
    4: 'MQTT-2.2.2-2',
    5: 'MQTT-2.1.3-1',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic('kept'), qos: 1 });
    const unsubscribe = unsubscribePacket(t.level, 7, [t.topic('kept')]);
    unsubscribe[0] = 0xa0;
    before.send(unsubscribe);
    await before.isRefused([0x81, 0x82]);
    const between = await t.connected(t.lasting(clientId), 'between');
    const subscribe = subscribePacket(t.level, 8, [{ filter: t.topic('new'), qos: 1 }]);
    subscribe[0] = 0x80;
    between.send(subscribe);
    await between.isRefused([0x81, 0x82]);
    const after = await t.connected(t.lasting(clientId), 'after');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('new'), payload: 'new', qos: 1 });
    await publisher.publish({ topic: t.topic('kept'), payload: 'kept', qos: 1 });
    t.isMessage(await after.receiveMessage(), t.topic('kept'), 'kept', 1);
  });

  test('the flags of every packet that a server sends are those of the table', {
    4: 'MQTT-2.2.2-1',
    5: 'MQTT-2.1.3-1',
  }, async (t) => {
    const client = await t.open();
    const firstBytes = [(await client.connect({ clientId: t.clientId() })).firstByte];
    firstBytes.push((await client.subscribe({ filter: t.topic('in'), qos: 2 })).firstByte);
    client.send(publishPacket(t.level, { topic: t.topic('out'), qos: 1, packetId: 101 }));
    firstBytes.push((await client.receive('PUBACK')).firstByte);
    client.send(publishPacket(t.level, { topic: t.topic('out'), qos: 2, packetId: 102 }));
    firstBytes.push((await client.receive('PUBREC')).firstByte);
    client.send(acknowledgementPacket('PUBREL', 102));
    firstBytes.push((await client.receive('PUBCOMP')).firstByte);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('in'), qos: 2 });
    const { packetId = 0 } = await client.receive('PUBLISH');
    client.send(acknowledgementPacket('PUBREC', packetId));
    firstBytes.push((await client.receive('PUBREL')).firstByte);
    client.send(acknowledgementPacket('PUBCOMP', packetId));
    firstBytes.push((await client.unsubscribe(t.topic('in'))).firstByte);
    client.send(pingreqPacket());
    firstBytes.push((await client.receive('PINGRESP')).firstByte);
    t.equal(firstBytes, [0x20, 0x90, 0x40, 0x50, 0x70, 0x62, 0xb0, 0xd0], 'The first bytes');
  });

  test('the flags of a DISCONNECT from the server are 0', { 5: 'MQTT-2.1.3-1' }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected({ clientId }, 'old');
    await t.connected({ clientId }, 'new');
    const [disconnect] = await client.ended();
    if (disconnect === undefined) t.skip('the broker sends no DISCONNECT to a client whose place is taken');
    t.equal(disconnect.firstByte, 0xe0, 'The first byte');
  });

  test('the reserved packet type 0 ends the connection', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    client.send(hex('00 00'));
    await client.isRefused([0x81, 0x82]);
  });

  test('the packet type 15, which 3.1.1 reserves, ends the connection', { 4: [] }, async (t) => {
    const client = await t.connected();
    client.send(hex('f0 00'));
    await client.isRefused();
  });

  for (const name of ['CONNACK', 'SUBACK', 'UNSUBACK', 'PINGRESP']) {
    test(`a ${name} from a client ends the connection`, { 4: [], 5: [] }, async (t) => {
      const client = await t.connected();
      const packets: Readonly<Record<string, Buffer>> = {
        CONNACK: frame(0x20, hex(t.level === 5 ? '00 00 00' : '00 00')),
        SUBACK: frame(0x90, two(1), hex(t.level === 5 ? '00 00' : '00')),
        UNSUBACK: frame(0xb0, two(1), hex(t.level === 5 ? '00 00' : '')),
        PINGRESP: frame(0xd0),
      };
      client.send(packets[name]);
      await client.isRefused([0x82, 0x81]);
    });
  }

  for (const [what, packetOf] of [
    ['SUBSCRIBE', (t: ServerTest) => subscribePacket(t.level, 0, [{ filter: t.topic(), qos: 1 }])],
    ['UNSUBSCRIBE', (t: ServerTest) => unsubscribePacket(t.level, 0, [t.topic()])],
    ['PUBLISH of QoS 1', (t: ServerTest) => publishPacket(t.level, { topic: t.topic(), qos: 1, packetId: 0 })],
    ['PUBLISH of QoS 2', (t: ServerTest) => publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 0 })],
  ] as const) {
    test(`a ${what} with the packet identifier 0 ends the connection`, { 4: 'MQTT-2.3.1-1', 5: [] }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const client = await t.connected();
      client.send(packetOf(t));
      await client.isRefused([0x82, 0x81]);
      await subscriber.isQuiet();
    });
  }

  test('messages of QoS 1 and 2 come with packet identifiers that are not 0 and not in use', {
    4: ['MQTT-2.3.1-1', 'MQTT-2.3.1-4'],
    5: 'MQTT-2.2.1-4',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const inUse = new Set<number>();
    const publish = async (qos: number): Promise<number> => {
      await publisher.publish({ topic: t.topic(), qos });
      const { packetId = 0 } = await client.receive('PUBLISH');
      t.ok(packetId !== 0, 'The packet identifier is 0');
      t.ok(!inUse.has(packetId), `The packet identifier ${packetId} is in use: ${[...inUse]}`);
      inUse.add(packetId);
      return packetId;
    };
    const first = [await publish(1), await publish(2), await publish(1), await publish(2)];
    // Free: one of QoS 1. Still in use: one of QoS 2 whose PUBCOMP has not come.
    client.send(acknowledgementPacket('PUBACK', first[0]), acknowledgementPacket('PUBREC', first[1]));
    t.equal((await client.receive('PUBREL')).packetId, first[1], 'The packet identifier of PUBREL');
    inUse.delete(first[0]);
    for (let count = 0; count < 5; count++) await publish(1 + (count % 2));
    client.send(acknowledgementPacket('PUBCOMP', first[1]));
    inUse.delete(first[1]);
    for (let count = 0; count < 5; count++) await publish(1 + (count % 2));
  });

  test('packet identifiers that are in use when a client returns are not used for new messages', {
    4: 'MQTT-2.3.1-4',
    5: 'MQTT-2.2.1-4',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2, 1]) await publisher.publish({ topic: t.topic(), payload: 'old', qos });
    for (let count = 0; count < 3; count++) await before.receive('PUBLISH');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    for (const qos of [1, 2, 1]) await publisher.publish({ topic: t.topic(), payload: 'new', qos });
    const ids: (number | undefined)[] = [];
    for (let count = 0; count < 6; count++) ids.push((await after.receive('PUBLISH')).packetId);
    t.equal(new Set(ids).size, 6, `Different packet identifiers among ${ids}`);
  });

  test('a message of QoS 0 has no packet identifier', { 4: 'MQTT-2.3.1-5', 5: 'MQTT-2.2.1-2' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    // What would be a packet identifier is the beginning of the payload, as it came at QoS 0 and as it comes.
    const packet = publishPacket(t.level, { topic: t.topic(), payload: '\u0000\u0001payload' });
    publisher.send(packet);
    t.equal((await subscriber.receive('PUBLISH')).bytes.toString('hex'), packet.toString('hex'), 'The packet');
  });

  test('a message that is sent at QoS 0 to a subscriber has no packet identifier, whatever it had before', {
    4: 'MQTT-2.3.1-5',
    5: 'MQTT-2.2.1-2',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    const expected = publishPacket(t.level, { topic: t.topic(), payload: 'payload' }).toString('hex');
    for (const qos of [1, 2]) {
      await publisher.publish({ topic: t.topic(), payload: 'payload', qos });
      t.equal((await subscriber.receive('PUBLISH')).bytes.toString('hex'), expected, 'The packet');
    }
  });

  test('the answers to PUBLISH and PUBREL have the packet identifier of the message', {
    4: 'MQTT-2.3.1-6',
    5: 'MQTT-2.2.1-5',
  }, async (t) => {
    const client = await t.connected();
    for (const packetId of PACKET_IDS) {
      client.send(publishPacket(t.level, { topic: t.topic(), qos: 1, packetId }));
      t.equal((await client.receive('PUBACK')).packetId, packetId, 'The packet identifier of PUBACK');
    }
    for (const packetId of PACKET_IDS) {
      client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId }));
      t.equal((await client.receive('PUBREC')).packetId, packetId, 'The packet identifier of PUBREC');
    }
    for (const packetId of PACKET_IDS.toReversed()) {
      client.send(acknowledgementPacket('PUBREL', packetId));
      t.equal((await client.receive('PUBCOMP')).packetId, packetId, 'The packet identifier of PUBCOMP');
    }
  });

  test('a PUBREL has the packet identifier of the message', {
    4: 'MQTT-2.3.1-6',
    5: 'MQTT-2.2.1-5',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const ids: number[] = [];
    for (let count = 0; count < 3; count++) {
      await publisher.publish({ topic: t.topic(), qos: 2 });
      ids.push((await client.receive('PUBLISH')).packetId ?? 0);
    }
    for (const packetId of ids) {
      client.send(acknowledgementPacket('PUBREC', packetId));
      t.equal((await client.receive('PUBREL')).packetId, packetId, 'The packet identifier of PUBREL');
    }
  });

  test('SUBACK and UNSUBACK have the packet identifier of what they answer', {
    4: 'MQTT-2.3.1-7',
    5: 'MQTT-2.2.1-6',
  }, async (t) => {
    const client = await t.connected();
    for (const packetId of PACKET_IDS) {
      client.send(subscribePacket(t.level, packetId, [{ filter: t.topic(`${packetId}`) }]));
      t.equal((await client.receive('SUBACK')).packetId, packetId, 'The packet identifier of SUBACK');
    }
    for (const packetId of PACKET_IDS) {
      client.send(unsubscribePacket(t.level, packetId, [t.topic(`${packetId}`)]));
      t.equal((await client.receive('UNSUBACK')).packetId, packetId, 'The packet identifier of UNSUBACK');
    }
  });

  test('a packet without properties says so with a property length of 0', { 5: 'MQTT-2.2.2-1' }, async (t) => {
    const client = await t.connected();
    const { bytes, properties, packetId, reasonCodes } = await client.subscribe({ filter: t.topic(), qos: 0 });
    if (Object.keys(properties).length === 0) {
      const expected = frame(0x90, two(packetId), byte(0), Buffer.from(reasonCodes));
      t.equal(bytes.toString('hex'), expected.toString('hex'), 'The SUBACK');
    }
    await client.publish({ topic: t.topic(), payload: 'x' });
    const message = frame(0x30, text(t.topic()), byte(0), Buffer.from('x'));
    t.equal((await client.receive('PUBLISH')).bytes.toString('hex'), message.toString('hex'), 'The PUBLISH');
  });

  for (const [name, packetOf] of [
    ['PUBLISH', (t: ServerTest) => frame(0x30, text(t.topic()))],
    ['SUBSCRIBE', (t: ServerTest) => frame(0x82, two(1), text(t.topic()), byte(0))],
    ['UNSUBSCRIBE', (t: ServerTest) => frame(0xa2, two(1), text(t.topic()))],
  ] as const) {
    test(`a ${name} without a property length ends the connection`, { 5: 'MQTT-2.2.2-1' }, async (t) => {
      const client = await t.connected();
      client.send(packetOf(t));
      await client.isRefused([0x81, 0x82, 0x8f]);
    });
  }
});
