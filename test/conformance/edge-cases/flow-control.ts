import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const flowControl = serverSection('Flow control', (test) => {
  for (const qos of [1, 2]) {
    test(`at a receive maximum of 1, messages of QoS ${qos} come one at a time, and none is lost`, {
      5: [],
    }, async (t) => {
      const subscriber = await t.connected({ properties: { receiveMaximum: 1 } }, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      for (let number = 1; number <= 20; number++) {
        await publisher.publish({ topic: t.topic(), payload: `${number}`, qos });
      }
      for (let number = 1; number <= 20; number++) {
        const message = await subscriber.receive('PUBLISH');
        t.isMessage(message, t.topic(), `${number}`, qos);
        await subscriber.isQuiet();
        const { packetId = 0 } = message;
        if (qos === 2) {
          subscriber.send(acknowledgementPacket('PUBREC', packetId));
          await subscriber.receive('PUBREL');
          await subscriber.isQuiet();
        }
        subscriber.send(acknowledgementPacket(qos === 1 ? 'PUBACK' : 'PUBCOMP', packetId));
      }
      await subscriber.isQuiet();
    });
  }

  test('a smaller receive maximum on the next connection holds for what is sent again', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['1', '2', '3']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1 });
      await before.receive('PUBLISH');
    }
    before.drop();
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 1 };
    const after = await t.connected({ clientId, clean: false, properties }, 'after');
    for (const payload of ['1', '2', '3']) {
      const message = await after.receive('PUBLISH');
      t.isMessage(message, t.topic(), payload, 1);
      t.ok(message.dup, 'DUP is 0');
      await after.isQuiet();
      after.send(acknowledgementPacket('PUBACK', message.packetId ?? 0));
    }
    await after.isQuiet();
  });

  test('PUBRELs are sent again at once, even if the receive maximum is reached', {
    5: ['MQTT-3.3.4-10', 'MQTT-4.4.0-1'],
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const ids: number[] = [];
    for (const qos of [1, 2, 2]) {
      await publisher.publish({ topic: t.topic(), payload: `QoS ${qos}`, qos });
      ids.push((await before.receive('PUBLISH')).packetId ?? 0);
    }
    for (const packetId of ids.slice(1)) {
      before.send(acknowledgementPacket('PUBREC', packetId));
      await before.receive('PUBREL');
    }
    before.drop();
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 1 };
    const after = await t.connected({ clientId, clean: false, properties }, 'after');
    for (const packetId of ids.slice(1)) {
      t.equal((await after.take('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
      after.send(acknowledgementPacket('PUBCOMP', packetId));
    }
    t.isMessage(await after.receiveMessage(), t.topic(), 'QoS 1', 1);
    await after.isQuiet();
  });

  test('what the receive maximum was on the last connection does not matter on the next', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 1 };
    const before = await t.connected({ clientId, clean: false, properties }, 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['1', '2', '3']) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
    t.isMessage(await before.receive('PUBLISH'), t.topic(), '1', 1);
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    for (const payload of ['1', '2', '3']) t.isMessage(await after.receive('PUBLISH'), t.topic(), payload, 1);
  });

  test('more messages of QoS 2 than the receive maximum of the broker end the connection', { 5: [] }, async (t) => {
    const { receiveMaximum = 65_535 } = await t.announced();
    if (receiveMaximum > 1000) t.skip('the broker announces no receive maximum that a test can reach');
    const client = await t.connected();
    for (let packetId = 1; packetId <= receiveMaximum; packetId++) {
      client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId }));
      await client.receive('PUBREC');
    }
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: receiveMaximum + 1 }));
    await client.isRefused([0x93]);
  });

  test('a PUBREL makes room in the receive maximum of the broker', { 5: [] }, async (t) => {
    const { receiveMaximum = 65_535 } = await t.announced();
    if (receiveMaximum > 1000) t.skip('the broker announces no receive maximum that a test can reach');
    const client = await t.connected();
    for (let packetId = 1; packetId <= receiveMaximum; packetId++) {
      client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId }));
      await client.receive('PUBREC');
    }
    client.send(acknowledgementPacket('PUBREL', 1));
    await client.receive('PUBCOMP');
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: receiveMaximum + 1 }));
    await client.receive('PUBREC');
    await client.isQuiet();
  });

  test('a message that is sent again does not count twice in the receive maximum of the broker', {
    5: [],
  }, async (t) => {
    const { receiveMaximum = 65_535 } = await t.announced();
    if (receiveMaximum > 1000) t.skip('the broker announces no receive maximum that a test can reach');
    const clientId = t.clientId();
    for (const dup of [false, true]) {
      const client = await t.connected(t.lasting(clientId), dup ? 'after' : 'before');
      for (let packetId = 1; packetId <= receiveMaximum; packetId++) {
        client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId, dup }));
        t.equal((await client.receive('PUBREC')).packetId, packetId, 'The packet id of PUBREC');
      }
      client.drop();
    }
  });
});
