import { frame, publishPacket, text } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const publish = serverSection('3.3 PUBLISH', (test) => {
  for (const qos of [1, 2]) {
    test(`a message of QoS ${qos} is sent first with DUP 0, and again with DUP 1 to a client that returns`, {
      4: ['MQTT-3.3.1-1', 'MQTT-3.3.1-3'],
      5: ['MQTT-3.3.1-1', 'MQTT-3.3.1-3'],
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'again', qos });
      const first = await before.receive('PUBLISH');
      t.equal(first.firstByte, 0x30 | (qos << 1), 'The first byte of the message');
      before.drop();
      const after = await t.connected(t.lasting(clientId), 'after');
      const second = await after.receive('PUBLISH');
      t.equal(second.firstByte, 0x38 | (qos << 1), 'The first byte of the repetition');
      t.equal(second.packetId, first.packetId, 'The packet id of the repetition');
      t.isMessage(second, t.topic(), 'again');
    });

    test(`DUP of a message of QoS ${qos} is not passed on to subscribers`, {
      4: 'MQTT-3.3.1-3',
      5: 'MQTT-3.3.1-3',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'repeated', qos, dup: true });
      const message = await subscriber.receive('PUBLISH');
      t.isMessage(message, t.topic(), 'repeated', qos);
      t.ok(!message.dup, 'The message has DUP 1');
    });
  }

  test('a message that goes out with QoS 0 has DUP 0, even if it came with DUP 1', {
    4: ['MQTT-3.3.1-2', 'MQTT-3.3.1-3'],
    5: ['MQTT-3.3.1-2', 'MQTT-3.3.1-3'],
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1, dup: true });
    const message = await subscriber.receive('PUBLISH');
    t.equal(message.firstByte, 0x30, 'The first byte');
  });

  test('a PUBLISH of QoS 0 with DUP 1 ends the connection', { 4: 'MQTT-4.8.0-1', 5: 'MQTT-4.13.1-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), dup: true }));
    await client.isRefused([0x81, 0x82]);
  });

  test('PUBLISH with both QoS bits set ends the connection', { 4: 'MQTT-3.3.1-4', 5: 'MQTT-3.3.1-4' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 3, packetId: 1 }));
    await client.isRefused([0x81]);
  });

  for (const qos of [0, 1, 2]) {
    test(`a message of QoS ${qos} goes out with no other QoS bits than those`, {
      4: 'MQTT-3.3.1-4',
      5: 'MQTT-3.3.1-4',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), qos });
      const message = await subscriber.receive('PUBLISH');
      t.equal(message.firstByte & 0x06, qos << 1, 'The QoS bits');
    });
  }

  test('the topic name is the first field of a PUBLISH, in the UTF-8 that it came in', {
    4: 'MQTT-3.3.2-1',
    5: 'MQTT-3.3.2-1',
  }, async (t) => {
    const topic = t.topic('grüße/東京/🜁');
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(topic);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic, qos: 1 });
    const { bytes } = await subscriber.receive('PUBLISH');
    const field = text(topic);
    t.equal(bytes.subarray(2, 2 + field.length).toString('hex'), field.toString('hex'), 'The first field');
  });

  for (const [what, bytes] of [
    ['ill-formed UTF-8', [0xc3, 0x28]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['U+0000', [0x00]],
  ] as const) {
    test(`a topic name with ${what} ends the connection, and the message goes nowhere`, {
      4: 'MQTT-3.3.2-1',
      5: 'MQTT-3.3.2-1',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic('#'));
      const client = await t.connected();
      const topic = Buffer.concat([Buffer.from(t.topic('x')), Buffer.from(bytes)]);
      client.send(publishPacket(t.level, { topic }));
      await client.isRefused([0x81, 0x82, 0x90]);
      await subscriber.isQuiet();
    });
  }

  test('a PUBLISH without a topic name ends the connection', { 4: 'MQTT-3.3.2-1', 5: 'MQTT-3.3.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(frame(0x30));
    await client.isRefused([0x81]);
  });

  for (const wildcard of ['+', '#']) {
    test(`a topic name with ${wildcard} ends the connection, and the message goes nowhere`, {
      4: 'MQTT-3.3.2-2',
      5: 'MQTT-3.3.2-2',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic('#'));
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: t.topic(`a/${wildcard}`) }));
      await client.isRefused([0x90, 0x81, 0x82]);
      await subscriber.isQuiet();
    });
  }

  test('a subscriber gets the topic name that was published to, without wildcards', {
    4: ['MQTT-3.3.2-2', 'MQTT-3.3.2-3'],
    5: ['MQTT-3.3.2-2', 'MQTT-3.3.2-3'],
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe([
      { filter: t.topic('one/+/level'), qos: 1 },
      { filter: t.topic('many/#'), qos: 1 },
    ]);
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['one/of/level', 'many/more/levels', 'many']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
      t.isMessage(await subscriber.receiveMessage(), t.topic(name), name);
    }
  });

  test('a subscriber gets no message whose topic name does not match its filter', {
    4: 'MQTT-3.3.2-3',
    5: 'MQTT-3.3.2-3',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('a/+/c'), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a/c', 'a/b/d', 'a/b/c/d', 'a/b', 'A/b/c', 'a/b/c']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
    }
    t.isMessage(await subscriber.receiveMessage(), t.topic('a/b/c'), 'a/b/c');
    await subscriber.isQuiet();
  });

  test('a message of QoS 0 is not answered', { 4: 'MQTT-3.3.4-1', 5: 'MQTT-3.3.4-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic() }));
    await client.isQuiet();
  });

  test('a message of QoS 1 is answered by one PUBACK', { 4: 'MQTT-3.3.4-1', 5: 'MQTT-3.3.4-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 1, packetId: 0xabcd }));
    const { packetId } = await client.receive('PUBACK');
    t.equal(packetId, 0xabcd, 'The packet id');
    await client.isQuiet();
  });

  test('a message of QoS 2 is answered by one PUBREC', { 4: 'MQTT-3.3.4-1', 5: 'MQTT-3.3.4-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 0xffff }));
    const { packetId } = await client.receive('PUBREC');
    t.equal(packetId, 0xffff, 'The packet id');
    await client.isQuiet();
  });

  test(
    'a PUBLISH of QoS 1 that is not allowed is acknowledged like any other, or ends the connection',
    { 4: 'MQTT-3.3.5-2' },
    async (t) => {
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: t.topic('denied'), qos: 1, packetId: 7 }));
      const answer = await client.receive('PUBACK').catch(() => null);
      if (answer === null) t.ok(client.isEnded, 'Neither an acknowledgement nor the end of the connection came');
      else t.equal(answer.packetId, 7, 'The packet id');
    },
    'access',
  );
});
