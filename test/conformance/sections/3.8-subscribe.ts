import { frame, subscribePacket, text, two } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const subscribe = serverSection('3.8 SUBSCRIBE', (test) => {
  test('a SUBSCRIBE with other flags than 0010 ends the connection, and subscribes to nothing', {
    4: 'MQTT-3.8.1-1',
    5: 'MQTT-3.8.1-1',
  }, async (t) => {
    const clientId = t.clientId();
    for (let flags = 0; flags < 16; flags++) {
      if (flags === 2) continue;
      const client = await t.connected(t.lasting(clientId), `flags ${flags}`);
      const packet = subscribePacket(t.level, 1, [{ filter: t.topic(), qos: 1 }]);
      packet[0] = 0x80 | flags;
      client.send(packet);
      await client.isRefused([0x81, 0x82]);
    }
    const back = await t.connected(t.lasting(clientId), 'back');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1 });
    await back.isQuiet();
  });

  test('a SUBSCRIBE without a topic filter ends the connection', {
    4: 'MQTT-4.8.0-1',
    5: 'MQTT-4.13.1-1',
  }, async (t) => {
    const client = await t.connected();
    client.send(subscribePacket(t.level, 1, []));
    await client.isRefused([0x82, 0x81]);
  });

  test('a SUBSCRIBE whose topic filter has no options byte ends the connection', {
    4: 'MQTT-4.8.0-1',
    5: 'MQTT-4.13.1-1',
  }, async (t) => {
    const client = await t.connected();
    const body = t.level === 5 ? [two(1), Buffer.from([0])] : [two(1)];
    client.send(frame(0x82, ...body, text(t.topic())));
    await client.isRefused([0x81, 0x82]);
  });

  test('a filter with wildcards is obeyed, or the subscription is refused', { 4: 'MQTT-3.8.3-2', 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const filter of ['a/+', '#', '+/b']) {
      const client = await t.connected({}, filter);
      const [code] = (await client.subscribe({ filter: t.topic(filter), qos: 0 })).reasonCodes;
      await publisher.publish({ topic: t.topic('a/b'), payload: filter, qos: 1 });
      if (code === 0) t.isMessage(await client.receiveMessage(), t.topic('a/b'), filter);
      else t.ok([0x80, 0xa2].includes(code), `The code is ${code}`);
      await client.isQuiet();
    }
  });

  for (const bit of [6, 7]) {
    test(`a SUBSCRIBE whose options byte has the reserved bit ${bit} set ends the connection`, {
      4: 'MQTT-3.8.3-4',
      5: 'MQTT-3.8.3-5',
    }, async (t) => {
      const client = await t.connected();
      client.send(subscribePacket(t.level, 1, [{ filter: t.topic(), options: 1 << bit }]));
      await client.isRefused([0x81, 0x82]);
    });
  }

  for (const bit of [2, 3, 4, 5]) {
    test(`a SUBSCRIBE of 3.1.1 whose QoS byte has bit ${bit} set ends the connection`, {
      4: 'MQTT-3.8.3-4',
    }, async (t) => {
      const client = await t.connected();
      client.send(subscribePacket(t.level, 1, [{ filter: t.topic(), options: 1 | (1 << bit) }]));
      await client.isRefused();
    });
  }

  test('a reserved bit behind a valid topic filter ends the connection, too', {
    4: 'MQTT-3.8.3-4',
    5: 'MQTT-3.8.3-5',
  }, async (t) => {
    const client = await t.connected();
    const subscriptions = [
      { filter: t.topic('first'), qos: 1 },
      { filter: t.topic('second'), options: 0x81 },
    ];
    client.send(subscribePacket(t.level, 1, subscriptions));
    await client.isRefused([0x81, 0x82]);
  });

  test('a SUBSCRIBE with QoS 3 ends the connection', { 4: 'MQTT-3.8.3-4', 5: 'MQTT-4.13.1-1' }, async (t) => {
    const client = await t.connected();
    client.send(subscribePacket(t.level, 1, [{ filter: t.topic(), qos: 3 }]));
    await client.isRefused([0x82, 0x81]);
  });

  test('a SUBSCRIBE with Retain Handling 3 ends the connection', { 5: 'MQTT-4.13.1-1' }, async (t) => {
    const client = await t.connected();
    client.send(subscribePacket(t.level, 1, [{ filter: t.topic(), retainHandling: 3 }]));
    await client.isRefused([0x82, 0x81]);
  });

  test('each SUBSCRIBE is answered by one SUBACK with its packet identifier', {
    4: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'],
    5: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'],
  }, async (t) => {
    const client = await t.connected();
    const ids = [0x1234, 1, 65_535];
    client.send(...ids.map((id) => subscribePacket(t.level, id, [{ filter: t.topic(`${id}`) }])));
    const found: number[] = [];
    for (const _ of ids) found.push((await client.receive('SUBACK')).packetId);
    t.equal(found.sort(), ids.sort(), 'The packet identifiers');
    await client.isQuiet();
  });

  test(
    'a SUBSCRIBE of which nothing is granted is answered by a SUBACK as well',
    { 4: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'], 5: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'] },
    async (t) => {
      const client = await t.connected();
      client.send(subscribePacket(t.level, 0x4321, [{ filter: t.topic('denied'), qos: 1 }]));
      t.equal((await client.receive('SUBACK')).packetId, 0x4321, 'The packet identifier');
      await client.isQuiet();
    },
    'access',
  );

  test('a SUBSCRIBE with several topic filters is obeyed like several packets, and answered by one SUBACK', {
    4: ['MQTT-3.8.4-4', 'MQTT-3.8.4-5'],
    5: ['MQTT-3.8.4-5', 'MQTT-3.8.4-6'],
  }, async (t) => {
    const client = await t.connected();
    const names = ['a', 'b/+', 'c/#', 'd'];
    const list = names.map((name, index) => ({ filter: t.topic(name), qos: index % 3 }));
    const { reasonCodes } = await client.subscribe(list);
    t.equal(reasonCodes.length, 4, 'The number of codes');
    await client.isQuiet();
    const publisher = await t.connected({}, 'publisher');
    for (const [index, name] of ['a', 'b/x', 'c/y/z', 'd'].entries()) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 2 });
      t.isMessage(await client.receiveMessage(), t.topic(name), name, Math.min(index % 3, reasonCodes[index]));
    }
    await client.isQuiet();
  });

  test('a topic filter that stands twice in one SUBSCRIBE is subscribed to as it stands last', {
    4: ['MQTT-3.8.4-4', 'MQTT-3.8.4-5', 'MQTT-3.8.4-3'],
    5: ['MQTT-3.8.4-5', 'MQTT-3.8.4-6', 'MQTT-3.8.4-3'],
  }, async (t) => {
    const client = await t.connected();
    const { reasonCodes } = await client.subscribe([
      { filter: t.topic(), qos: 2 },
      { filter: t.topic(), qos: 1 },
    ]);
    t.equal(reasonCodes, [2, 1], 'The codes');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'once', qos: 2 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'once', 1);
    await client.isQuiet();
  });

  test('many topic filters in one SUBSCRIBE have a code each', {
    4: 'MQTT-3.8.4-5',
    5: ['MQTT-3.8.4-6', 'MQTT-3.8.4-7'],
  }, async (t) => {
    const client = await t.connected();
    const list = Array.from({ length: 50 }, (_, index) => ({ filter: t.topic(`${index}`), qos: index % 3 }));
    const { reasonCodes } = await client.subscribe(list);
    t.equal(reasonCodes.length, 50, 'The number of codes');
    for (const [index, code] of reasonCodes.entries()) {
      t.ok(code >= 0x80 || code <= index % 3, `QoS ${code} is granted where ${index % 3} was asked for`);
    }
  });

  test(
    'the code of a topic filter shows the QoS that is granted, or that it is not',
    { 4: 'MQTT-3.8.4-5', 5: ['MQTT-3.8.4-6', 'MQTT-3.8.4-7'] },
    async (t) => {
      const client = await t.connected();
      const { reasonCodes } = await client.subscribe([
        { filter: t.topic('denied'), qos: 2 },
        { filter: t.topic('allowed'), qos: 0 },
      ]);
      t.equal(reasonCodes.length, 2, 'The number of codes');
      if (reasonCodes[0] <= 2) t.skip('the broker decides when a message comes, not when a client subscribes');
      const failures = t.level === 5 ? [0x87, 0x80] : [0x80];
      t.ok(failures.includes(reasonCodes[0]), `The code of what is denied is ${reasonCodes[0]}`);
      t.equal(reasonCodes[1], 0, 'The code of what is allowed');
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('allowed'), payload: 'there', qos: 1 });
      t.isMessage(await client.receiveMessage(), t.topic('allowed'), 'there', 0);
    },
    'access',
  );

  for (const granted of [0, 1, 2]) {
    test(`messages for a subscription of QoS ${granted} come with the lower QoS of the two`, {
      4: 'MQTT-3.8.4-6',
      5: 'MQTT-3.8.4-8',
    }, async (t) => {
      const client = await t.connected();
      const [code] = (await client.subscribe({ filter: t.topic(), qos: granted })).reasonCodes;
      t.ok(code <= granted, `The code is ${code}`);
      const publisher = await t.connected({}, 'publisher');
      for (const qos of [0, 1, 2]) {
        await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
        t.isMessage(await client.receiveMessage(), t.topic(), `${qos}`, Math.min(qos, code));
      }
      await client.isQuiet();
    });

    test(`retained messages for a subscription of QoS ${granted} come with the lower QoS of the two`, {
      4: 'MQTT-3.8.4-6',
      5: 'MQTT-3.8.4-8',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      for (const qos of [1, 2]) {
        await publisher.publish({ topic: t.topic(`${qos}`), payload: `${qos}`, qos, retain: true });
      }
      const client = await t.connected();
      for (const qos of [1, 2]) {
        await client.subscribe({ filter: t.topic(`${qos}`), qos: granted });
        t.isMessage(await client.receiveMessage(), t.topic(`${qos}`), `${qos}`, Math.min(qos, granted));
      }
    });

    test(`messages that waited for a subscription of QoS ${granted} come with the lower QoS of the two`, {
      4: 'MQTT-3.8.4-6',
      5: 'MQTT-3.8.4-8',
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe({ filter: t.topic(), qos: granted });
      await before.disconnect();
      const publisher = await t.connected({}, 'publisher');
      for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
      const after = await t.connected(t.lasting(clientId), 'after');
      // What goes out at QoS 0 may be lost while nobody is there.
      if (granted > 0) {
        for (const qos of [1, 2]) {
          t.isMessage(await after.receiveMessage(), t.topic(), `${qos}`, Math.min(qos, granted));
        }
        return;
      }
      await after.isQuiet().catch(() => {});
      while (after.unread.length > 0) t.equal((await after.receive('PUBLISH')).qos, 0, 'The QoS of the message');
    });
  }

  test(
    'a broker that grants less than was asked for says so, and sends no more than that',
    { 4: ['MQTT-3.8.4-5', 'MQTT-3.8.4-6'], 5: ['MQTT-3.8.4-7', 'MQTT-3.8.4-8'] },
    async (t) => {
      const client = await t.connected();
      const [code] = (await client.subscribe({ filter: t.topic(), qos: 2 })).reasonCodes;
      t.ok(code <= 2, `The code is ${code}`);
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'there', qos: 1 });
      t.isMessage(await client.receiveMessage(), t.topic(), 'there', Math.min(1, code));
    },
    'maximum-qos-1',
  );
});
