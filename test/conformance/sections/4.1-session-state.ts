import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const sessionState = serverSection('4.1 Session state', (test) => {
  test('a session keeps its subscriptions, and the messages that come for them, while its client is away', {
    4: 'MQTT-4.1.0-1',
    5: [],
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe([
      { filter: t.topic('1'), qos: 1 },
      { filter: t.topic('2'), qos: 2 },
    ]);
    before.drop();
    await before.ended();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('1'), payload: 'one', qos: 1 });
    await publisher.publish({ topic: t.topic('2'), payload: 'two', qos: 2 });
    const after = await t.open('after');
    const connack = await after.connect(t.lasting(clientId));
    t.ok(connack.sessionPresent, 'CONNACK says that there was no session');
    t.isMessage(await after.receiveMessage(), t.topic('1'), 'one', 1);
    t.isMessage(await after.receiveMessage(), t.topic('2'), 'two', 2);
    await publisher.publish({ topic: t.topic('2'), payload: 'three', qos: 1 });
    t.isMessage(await after.receiveMessage(), t.topic('2'), 'three', 1);
  });

  test('a session keeps the messages that were sent and not acknowledged', { 4: 'MQTT-4.1.0-1', 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
    const first = await before.receive('PUBLISH');
    const second = await before.receive('PUBLISH');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    t.equal((await after.receiveMessage()).packetId, first.packetId, 'The packet id of the first message');
    t.equal((await after.receiveMessage()).packetId, second.packetId, 'The packet id of the second message');
    await after.isQuiet();
  });

  test('a session keeps the packet ids of messages of QoS 2 that its client has not released', {
    4: 'MQTT-4.1.0-1',
    5: [],
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 0 });
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    before.send(publishPacket(t.level, { topic: t.topic(), payload: 'once', qos: 2, packetId: 5 }));
    await before.receive('PUBREC');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    after.send(publishPacket(t.level, { topic: t.topic(), payload: 'once', qos: 2, packetId: 5, dup: true }));
    await after.receive('PUBREC');
    after.send(acknowledgementPacket('PUBREL', 5));
    await after.receive('PUBCOMP');
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'once');
    await subscriber.isQuiet();
  });

  test('a session that ends with its connection lasts as long as that does', {
    4: 'MQTT-4.1.0-2',
    5: 'MQTT-4.1.0-1',
  }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected({ clientId }, 'client');
    await client.subscribe(t.topic());
    await t.pass(1500);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 2 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'there', 2);
  });

  test('a session does not expire while its connection is open', { 5: 'MQTT-4.1.0-1' }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected(t.lasting(clientId, 1), 'client');
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'before', qos: 2 });
    const { packetId = 0 } = await client.receive('PUBLISH');
    await t.pass(2500);
    client.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await client.receive('PUBREL')).reasonCode, 0, 'The reason code');
    client.send(acknowledgementPacket('PUBCOMP', packetId));
    await publisher.publish({ topic: t.topic(), payload: 'after', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'after', 1);
  });

  test('a session without an expiry interval is gone with its connection', { 5: 'MQTT-4.1.0-2' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected({ clientId, clean: false }, 'before');
    await before.subscribe(t.topic());
    await before.disconnect();
    const after = await t.open('after');
    const { sessionPresent } = await after.connect({ clientId, clean: false });
    t.ok(!sessionPresent, 'CONNACK says that the session was still there');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await after.isQuiet();
  });

  test('a session is gone when its expiry interval has passed', { 5: 'MQTT-4.1.0-2' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId, 1), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await before.receive('PUBLISH');
    before.drop();
    await before.ended();
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await t.pass(3200);
    const after = await t.open('after');
    const { sessionPresent } = await after.connect(t.lasting(clientId));
    t.ok(!sessionPresent, 'CONNACK says that the session was still there');
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await after.isQuiet();
  });
});
