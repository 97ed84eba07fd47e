import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const qualityOfService = serverSection('4.3 Quality of service 0 and 1', (test) => {
  test('a message of QoS 0 is sent with QoS 0 and DUP 0, and only once', {
    4: 'MQTT-4.3.1-1',
    5: 'MQTT-4.3.1-1',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'at most once' });
    const message = await subscriber.receive('PUBLISH');
    t.isMessage(message, t.topic(), 'at most once');
    t.equal(message.firstByte, 0x30, 'The first byte');
    await subscriber.isQuiet();
  });

  test('a message of QoS 1 is sent with QoS 1, DUP 0 and a packet id', {
    4: 'MQTT-4.3.2-1',
    5: 'MQTT-4.3.2-2',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'at least once', qos: 1 });
    const message = await subscriber.receive('PUBLISH');
    t.isMessage(message, t.topic(), 'at least once');
    t.equal(message.firstByte, 0x32, 'The first byte');
    t.ok(message.packetId !== undefined, 'The message has no packet id');
  });

  for (const qos of [1, 2]) {
    const statement = `MQTT-4.3.${qos + 1}-1`;
    test(`messages of QoS ${qos} that are under way at once have packet ids that differ`, {
      4: statement,
      5: statement,
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe([
        { filter: t.topic('a'), qos },
        { filter: t.topic('b'), qos },
      ]);
      const publisher = await t.connected({}, 'publisher');
      const ids = new Set<number | undefined>();
      for (let count = 0; count < 5; count++) {
        for (const name of ['a', 'b']) {
          await publisher.publish({ topic: t.topic(name), qos });
          ids.add((await subscriber.receive('PUBLISH')).packetId);
        }
      }
      t.equal(ids.size, 10, 'The number of packet ids of ten messages');
    });
  }

  test('the packet id of a message that is under way is not given to another', {
    4: 'MQTT-4.3.2-1',
    5: 'MQTT-4.3.2-1',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1 });
    const { packetId: held } = await subscriber.receive('PUBLISH');
    for (let count = 0; count < 50; count++) {
      await publisher.publish({ topic: t.topic(), payload: `${count}`, qos: 1 });
      const message = await subscriber.receiveMessage();
      t.isMessage(message, t.topic(), `${count}`);
      t.ok(message.packetId !== held, `The packet id ${held} is used twice`);
    }
  });

  test('a message of QoS 1 is unacknowledged until its PUBACK comes, and no longer', {
    4: 'MQTT-4.3.2-1',
    5: 'MQTT-4.3.2-3',
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['1', '2']) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
    const { packetId = 0 } = await first.receive('PUBLISH');
    const { packetId: other } = await first.receive('PUBLISH');
    first.send(acknowledgementPacket('PUBACK', packetId));
    await first.isQuiet();
    first.drop();
    const second = await t.connected(t.lasting(clientId), 'second');
    const again = await second.receiveMessage();
    t.isMessage(again, t.topic(), '2', 1);
    t.equal(again.packetId, other, 'The packet id');
    await second.isQuiet();
    second.drop();
    const third = await t.connected(t.lasting(clientId), 'third');
    await third.isQuiet();
  });

  test('PUBACK comes with the packet id of the PUBLISH, when the broker has the message', {
    4: 'MQTT-4.3.2-2',
    5: 'MQTT-4.3.2-4',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    for (const packetId of [1, 0x0100, 0xffff]) {
      publisher.send(publishPacket(t.level, { topic: t.topic(), payload: `${packetId}`, qos: 1, packetId }));
      const puback = await publisher.receive('PUBACK');
      t.equal(puback.packetId, packetId, 'The packet id');
      t.equal(puback.reasonCode, 0, 'The reason code');
    }
    publisher.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    for (const packetId of [1, 0x0100, 0xffff]) {
      t.isMessage(await after.receiveMessage(), t.topic(), `${packetId}`, 1);
    }
  });

  for (const dup of [false, true]) {
    test(`after PUBACK a PUBLISH with the same packet id and DUP ${Number(dup)} is a new message`, {
      4: 'MQTT-4.3.2-2',
      5: 'MQTT-4.3.2-5',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'same', qos: 1, packetId: 10 });
      await publisher.publish({ topic: t.topic(), payload: 'same', qos: 1, packetId: 10, dup });
      for (let count = 0; count < 2; count++) t.isMessage(await subscriber.receiveMessage(), t.topic(), 'same', 1);
      await subscriber.isQuiet();
    });
  }
});
