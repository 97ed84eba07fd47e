import { acknowledgementPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const deliveryRetry = serverSection('4.4 Delivery retry', (test) => {
  test('a client that returns is sent what it has not acknowledged, with the packet ids of before', {
    4: 'MQTT-4.4.0-1',
    5: 'MQTT-4.4.0-1',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const ids = new Map<string, number>();
    for (const [payload, qos] of [
      ['acknowledged', 1],
      ['unacknowledged', 1],
      ['received', 2],
      ['unreceived', 2],
    ] as const) {
      await publisher.publish({ topic: t.topic(), payload, qos });
      const { packetId = 0 } = await before.receive('PUBLISH');
      ids.set(payload, packetId);
    }
    before.send(acknowledgementPacket('PUBACK', ids.get('acknowledged') ?? 0));
    before.send(acknowledgementPacket('PUBREC', ids.get('received') ?? 0));
    await before.receive('PUBREL');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    for (const payload of ['unacknowledged', 'unreceived']) {
      const message = await after.take('PUBLISH');
      t.isMessage(message, t.topic(), payload);
      t.equal([message.packetId, message.dup], [ids.get(payload), true], `Packet id and DUP of '${payload}'`);
    }
    const { packetId } = await after.take('PUBREL');
    t.equal(packetId, ids.get('received'), 'The packet id of PUBREL');
    await after.isQuiet();
  });

  test('a client that takes its session over is sent what it has not acknowledged, too', {
    4: 'MQTT-4.4.0-1',
    5: 'MQTT-4.4.0-1',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'again', qos: 1 });
    const { packetId } = await before.receive('PUBLISH');
    const after = await t.connected(t.lasting(clientId), 'after');
    const again = await after.receive('PUBLISH');
    t.equal([again.packetId, again.dup], [packetId, true], 'Packet id and DUP');
    await before.ended();
  });

  test('nothing is sent again to a client that begins a new session', { 4: [], 5: 'MQTT-4.4.0-1' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2]) {
      await publisher.publish({ topic: t.topic(), qos });
      await before.receive('PUBLISH');
    }
    before.drop();
    const after = await t.connected({ clientId, clean: true }, 'after');
    await after.isQuiet();
  });

  test('nothing is sent again while the connection is open', { 5: 'MQTT-4.4.0-1' }, async (t) => {
    const client = await t.connected({}, 'client');
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2, 2]) await publisher.publish({ topic: t.topic(), qos });
    for (let count = 0; count < 3; count++) {
      const { packetId = 0 } = await client.receive('PUBLISH');
      if (count < 2) continue;
      client.send(acknowledgementPacket('PUBREC', packetId));
      await client.receive('PUBREL');
    }
    // Long enough for the timers of those that repeat after a time, as was usual before 5.0.
    await t.pass(3000);
    await client.isQuiet();
  });

  test('a message of QoS 1 that was answered with an error is not sent again', { 5: 'MQTT-4.4.0-2' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x97, 0x99]) {
      await publisher.publish({ topic: t.topic(), qos: 1 });
      const { packetId = 0 } = await before.receive('PUBLISH');
      before.send(acknowledgementPacket('PUBACK', packetId, reasonCode));
    }
    await before.isQuiet();
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.isQuiet();
  });

  test('a message of QoS 2 that was answered with an error is not sent again', { 5: 'MQTT-4.4.0-2' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x97, 0x99]) {
      await publisher.publish({ topic: t.topic(), qos: 2 });
      const { packetId = 0 } = await before.receive('PUBLISH');
      before.send(acknowledgementPacket('PUBREC', packetId, reasonCode));
    }
    await before.isQuiet();
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.isQuiet();
  });
});
