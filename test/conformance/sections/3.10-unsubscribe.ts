import { acknowledgementPacket, frame, two, unsubscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const unsubscribe = serverSection('3.10 UNSUBSCRIBE', (test) => {
  test('an UNSUBSCRIBE with other flags than 0010 ends the connection, and the subscription stays', {
    4: 'MQTT-3.10.1-1',
    5: 'MQTT-3.10.1-1',
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.disconnect();
    for (let flags = 0; flags < 16; flags++) {
      if (flags === 2) continue;
      const client = await t.connected(t.lasting(clientId), `flags ${flags}`);
      const packet = unsubscribePacket(t.level, 1, [t.topic()]);
      packet[0] = 0xa0 | flags;
      client.send(packet);
      await client.isRefused([0x81, 0x82]);
    }
    const back = await t.connected(t.lasting(clientId), 'back');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 1 });
    t.isMessage(await back.receiveMessage(), t.topic(), 'there', 1);
  });

  test('an UNSUBSCRIBE without a topic filter ends the connection', {
    4: 'MQTT-4.8.0-1',
    5: 'MQTT-4.13.1-1',
  }, async (t) => {
    const client = await t.connected();
    client.send(frame(0xa2, two(1), Buffer.alloc(t.level === 5 ? 1 : 0)));
    await client.isRefused([0x82, 0x81]);
  });

  test('a topic filter is compared character by character: another one that matches the same deletes nothing', {
    4: 'MQTT-3.10.4-1',
    5: 'MQTT-3.10.4-1',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('Ab/+'), qos: 1 });
    const others = ['Ab/c', 'Ab/#', '+/+', '#', 'ab/+', 'Ab/+/', 'Ab//+', 'Ab'];
    const publisher = await t.connected({}, 'publisher');
    for (const other of others) {
      await client.unsubscribe(t.topic(other));
      await publisher.publish({ topic: t.topic('Ab/c'), payload: other, qos: 1 });
      t.isMessage(await client.receiveMessage(), t.topic('Ab/c'), other, 1);
    }
    await client.unsubscribe(t.topic('Ab/+'));
    await publisher.publish({ topic: t.topic('Ab/c'), payload: 'gone', qos: 1 });
    await client.isQuiet();
  });

  test('of several subscriptions that match, the one of the same filter is deleted, and no other', {
    4: 'MQTT-3.10.4-1',
    5: 'MQTT-3.10.4-1',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe([
      { filter: t.topic('a/#'), qos: 0 },
      { filter: t.topic('b/#'), qos: 0 },
      { filter: t.topic('+/c'), qos: 0 },
    ]);
    await client.unsubscribe(t.topic('a/#'), t.topic('+/c'));
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a/c', 'b/c', 'c/c']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
    }
    t.isMessage(await client.receiveMessage(), t.topic('b/c'), 'b/c');
    await client.isQuiet();
  });

  test('the subscriptions of other clients to the same filter stay', {
    4: 'MQTT-3.10.4-1',
    5: 'MQTT-3.10.4-1',
  }, async (t) => {
    const client = await t.connected();
    const other = await t.connected({}, 'other');
    for (const one of [client, other]) await one.subscribe({ filter: t.topic('#'), qos: 1 });
    await client.unsubscribe(t.topic('#'));
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 1 });
    t.isMessage(await other.receiveMessage(), t.topic(), 'there', 1);
    await client.isQuiet();
  });

  for (const qos of [0, 1, 2]) {
    test(`after UNSUBSCRIBE no new messages of QoS ${qos} come`, {
      4: 'MQTT-3.10.4-2',
      5: 'MQTT-3.10.4-2',
    }, async (t) => {
      const client = await t.connected();
      const publisher = await t.connected({}, 'publisher');
      await client.subscribe({ filter: t.topic('+'), qos });
      await publisher.publish({ topic: t.topic('a'), payload: 'before', qos });
      t.isMessage(await client.receiveMessage(), t.topic('a'), 'before');
      await client.unsubscribe(t.topic('+'));
      await publisher.publish({ topic: t.topic('a'), payload: 'after', qos });
      await publisher.isQuiet();
      await client.isQuiet();
    });
  }

  test('a session that goes on does not get its deleted subscription back', {
    4: 'MQTT-3.10.4-2',
    5: 'MQTT-3.10.4-2',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    await before.unsubscribe(t.topic());
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'gone', qos: 1 });
    const after = await t.connected(t.lasting(clientId), 'after');
    await publisher.publish({ topic: t.topic(), payload: 'gone', qos: 1 });
    await after.isQuiet();
  });

  test('the delivery of a message of QoS 2 that has begun goes on after UNSUBSCRIBE', {
    4: 'MQTT-3.10.4-3',
    5: 'MQTT-3.10.4-3',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const ids: number[] = [];
    for (const payload of ['1', '2']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 2 });
      ids.push((await client.receive('PUBLISH')).packetId ?? 0);
    }
    client.send(acknowledgementPacket('PUBREC', ids[0]));
    await client.receive('PUBREL');
    await client.unsubscribe(t.topic());
    client.send(acknowledgementPacket('PUBREC', ids[1]));
    const pubrel = await client.receive('PUBREL');
    t.equal([pubrel.packetId, pubrel.reasonCode], [ids[1], 0], 'Packet id and reason code of PUBREL');
    client.send(acknowledgementPacket('PUBCOMP', ids[0]), acknowledgementPacket('PUBCOMP', ids[1]));
    await client.isQuiet();
  });

  for (const qos of [1, 2]) {
    test(`a message of QoS ${qos} that was sent before UNSUBSCRIBE is sent again on the next connection`, {
      4: 'MQTT-3.10.4-3',
      5: 'MQTT-3.10.4-3',
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'under way', qos });
      const { packetId } = await before.receive('PUBLISH');
      await before.unsubscribe(t.topic());
      before.drop();
      const after = await t.connected(t.lasting(clientId), 'after');
      const message = await after.receiveMessage();
      t.isMessage(message, t.topic(), 'under way', qos);
      t.equal([message.packetId, message.dup], [packetId, true], 'Packet id and DUP');
      await after.isQuiet();
    });
  }

  test('an UNSUBSCRIBE is answered by one UNSUBACK with its packet identifier', {
    4: 'MQTT-3.10.4-4',
    5: ['MQTT-3.10.4-4', 'MQTT-3.10.4-5'],
  }, async (t) => {
    const client = await t.connected();
    for (const packetId of [1, 0x1234, 65_535]) {
      await client.subscribe(t.topic(`${packetId}`));
      client.send(unsubscribePacket(t.level, packetId, [t.topic(`${packetId}`)]));
      t.equal((await client.receive('UNSUBACK')).packetId, packetId, 'The packet identifier');
      await client.isQuiet();
    }
  });

  test('an UNSUBSCRIBE that deletes nothing is answered as well', {
    4: ['MQTT-3.10.4-4', 'MQTT-3.10.4-5'],
    5: ['MQTT-3.10.4-4', 'MQTT-3.10.4-5'],
  }, async (t) => {
    const client = await t.connected();
    for (const packetId of [7, 0xabcd]) {
      client.send(unsubscribePacket(t.level, packetId, [t.topic('never'), t.topic('+/#')]));
      t.equal((await client.receive('UNSUBACK')).packetId, packetId, 'The packet identifier');
    }
    await client.isQuiet();
  });

  test('an UNSUBSCRIBE with several topic filters is obeyed like several packets, and answered by one UNSUBACK', {
    4: 'MQTT-3.10.4-6',
    5: 'MQTT-3.10.4-6',
  }, async (t) => {
    const client = await t.connected();
    const names = ['a', 'b/+', 'c/#'];
    await client.subscribe([...names, 'kept'].map((name) => ({ filter: t.topic(name), qos: 1 })));
    const { reasonCodes } = await client.unsubscribe(...['a', 'never', 'b/+', 'a', 'c/#'].map((name) => t.topic(name)));
    if (t.level === 5) t.equal(reasonCodes.length, 5, 'The number of codes');
    await client.isQuiet();
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a', 'b/x', 'c', 'c/x/y', 'kept']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
    }
    t.isMessage(await client.receiveMessage(), t.topic('kept'), 'kept', 1);
    await client.isQuiet();
  });
});
