import { acknowledgementPacket, type ConnectFields, connectPacket, hex, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const connectSession = serverSection('3.1 CONNECT, the session', (test) => {
  test('a client that returns finds its subscriptions, and what waited for it', {
    4: ['MQTT-3.1.2-4', 'MQTT-3.1.4-3'],
    5: ['MQTT-3.1.2-5', 'MQTT-3.1.2-23', 'MQTT-3.1.4-4'],
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const [index, leave] of (['DISCONNECT', 'broken connection', 'malformed packet'] as const).entries()) {
      const clientId = t.clientId();
      const topic = t.topic(`${index}`);
      const before = await t.connected(t.lasting(clientId), `${leave} 1`);
      await before.subscribe(topic);
      if (leave === 'DISCONNECT') await before.disconnect();
      else {
        if (leave === 'broken connection') before.drop();
        else before.send(hex('36 00'));
        await before.ended();
      }
      await publisher.publish({ topic, payload: 'waited', qos: 1 });
      const after = await t.open(`${leave} 2`);
      t.ok((await after.connect(t.lasting(clientId))).sessionPresent, `CONNACK says that nothing was kept: ${leave}`);
      t.isMessage(await after.receiveMessage(), topic, 'waited', 1);
      await publisher.publish({ topic, payload: 'later', qos: 2 });
      t.isMessage(await after.receiveMessage(), topic, 'later', 2);
      await after.isQuiet();
    }
  });

  test('a session goes on with the messages that were under way', {
    4: 'MQTT-3.1.2-4',
    5: ['MQTT-3.1.2-5', 'MQTT-3.1.2-23'],
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2, 2]) await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
    const ids: number[] = [];
    for (let count = 0; count < 3; count++) ids.push((await before.receive('PUBLISH')).packetId ?? 0);
    before.send(acknowledgementPacket('PUBREC', ids[1]));
    await before.receive('PUBREL');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    t.equal((await after.take('PUBREL')).packetId, ids[1], 'The packet identifier of PUBREL');
    for (const [index, payload] of [
      [0, '1'],
      [2, '2'],
    ] as const) {
      const message = await after.take('PUBLISH');
      t.isMessage(message, t.topic(), payload);
      t.equal(message.packetId, ids[index], 'The packet identifier of PUBLISH');
    }
    await after.isQuiet();
  });

  test('without a session to resume, a new one begins, and is kept', {
    4: 'MQTT-3.1.2-4',
    5: ['MQTT-3.1.2-6', 'MQTT-3.1.2-23'],
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.open('first');
    t.ok(!(await first.connect(t.lasting(clientId))).sessionPresent, 'CONNACK says that there was a session');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.publish({ topic: t.topic(), payload: 'works', qos: 1 });
    t.isMessage(await first.receiveMessage(), t.topic(), 'works', 1);
    await first.disconnect();
    const second = await t.open('second');
    t.ok((await second.connect(t.lasting(clientId))).sessionPresent, 'CONNACK says that the session was not kept');
  });

  for (const qos of [1, 2]) {
    test(`messages of QoS ${qos} for a client that is away are kept, all and in their order`, {
      4: 'MQTT-3.1.2-5',
      5: 'MQTT-3.1.2-23',
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe(t.topic('+'));
      await before.disconnect();
      const publisher = await t.connected({}, 'publisher');
      const payloads = Array.from({ length: 30 }, (_, index) => `${index}`);
      for (const payload of payloads) await publisher.publish({ topic: t.topic('a'), payload, qos });
      await publisher.disconnect();
      const after = await t.connected(t.lasting(clientId), 'after');
      for (const payload of payloads) t.isMessage(await after.receiveMessage(), t.topic('a'), payload, qos);
      await after.isQuiet();
    });
  }

  test('a clean session begins without anything of the one before', {
    4: ['MQTT-3.1.2-6', 'MQTT-3.1.4-3'],
    5: ['MQTT-3.1.2-4', 'MQTT-3.1.4-4'],
  }, async (t) => {
    const clientId = t.clientId();
    const publisher = await t.connected({}, 'publisher');
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    // Under way: one of QoS 1, one of QoS 2, and one from the client that is not released.
    for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: 'old', qos });
    for (let count = 0; count < 2; count++) await before.receive('PUBLISH');
    before.send(publishPacket(t.level, { topic: t.topic('own'), payload: 'old', qos: 2, packetId: 5 }));
    await before.receive('PUBREC');
    before.drop();
    await before.ended();
    await publisher.publish({ topic: t.topic(), payload: 'old', qos: 1 });

    const clean = await t.open('clean');
    const { sessionPresent } = await clean.connect({ ...t.lasting(clientId), clean: true });
    t.ok(!sessionPresent, 'CONNACK says that there is a session');
    await publisher.publish({ topic: t.topic(), payload: 'old', qos: 1 });
    await clean.isQuiet();
    await clean.subscribe(t.topic('own'));
    await clean.publish({ topic: t.topic('own'), payload: 'new', qos: 2, packetId: 5 });
    t.isMessage(await clean.receiveMessage(), t.topic('own'), 'new', 2);
    await clean.isQuiet();
  });

  test('the session of before stays gone after a clean one', {
    4: 'MQTT-3.1.2-6',
    5: 'MQTT-3.1.2-4',
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.disconnect();
    const clean = await t.connected({ clientId }, 'clean');
    await clean.disconnect();
    const last = await t.open('last');
    t.ok(!(await last.connect(t.lasting(clientId))).sessionPresent, 'CONNACK says that there is a session');
    await last.publish({ topic: t.topic(), qos: 1 });
    await last.isQuiet();
  });

  test('nothing of a clean session is used in a later one', { 4: 'MQTT-3.1.2-6' }, async (t) => {
    const clientId = t.clientId();
    const publisher = await t.connected({}, 'publisher');
    const clean = await t.connected({ clientId, clean: true }, 'clean');
    await clean.subscribe(t.topic());
    await publisher.publish({ topic: t.topic(), payload: 'not acknowledged', qos: 2 });
    await clean.receive('PUBLISH');
    clean.drop();
    await clean.ended();
    await publisher.publish({ topic: t.topic(), payload: 'too late', qos: 1 });
    const lasting = await t.open('lasting');
    t.ok(!(await lasting.connect(t.lasting(clientId))).sessionPresent, 'CONNACK says that there is a session');
    await publisher.publish({ topic: t.topic(), payload: 'for nobody', qos: 1 });
    await lasting.isQuiet();
  });

  test('retained messages do not end with the session of who published them', {
    4: 'MQTT-3.1.2-7',
    5: [],
  }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected(t.lasting(clientId), 'lasting');
    await client.publish({ topic: t.topic('lasting'), payload: 'kept', qos: 1, retain: true });
    await client.disconnect();
    const clean = await t.connected({ clientId, clean: true }, 'clean');
    await clean.publish({ topic: t.topic('clean'), payload: 'kept, too', qos: 1, retain: true });
    await clean.disconnect();
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('lasting'), qos: 0 });
    t.isMessage(await subscriber.receiveMessage(), t.topic('lasting'), 'kept');
    await subscriber.subscribe({ filter: t.topic('clean'), qos: 0 });
    t.isMessage(await subscriber.receiveMessage(), t.topic('clean'), 'kept, too');
  });

  test('each client identifier has its own session', { 4: 'MQTT-3.1.3-2', 5: 'MQTT-3.1.3-2' }, async (t) => {
    const ids = [t.clientId(), t.clientId()];
    for (const [index, id] of ids.entries()) {
      const client = await t.connected(t.lasting(id), `before ${index}`);
      await client.subscribe({ filter: t.topic(`${index}`), qos: 1 });
      await client.disconnect();
    }
    const publisher = await t.connected({}, 'publisher');
    for (const [index] of ids.entries()) {
      await publisher.publish({ topic: t.topic(`${index}`), payload: `for ${index}`, qos: 1 });
    }
    for (const [index, id] of ids.entries()) {
      // Who asks is the client identifier alone: neither the user name nor the connection matter.
      const client = await t.connected({ ...t.lasting(id), username: 'fry' }, `after ${index}`);
      t.isMessage(await client.receiveMessage(), t.topic(`${index}`), `for ${index}`, 1);
      await client.isQuiet();
    }
  });

  test('client identifiers of up to 23 digits and letters are accepted', {
    4: 'MQTT-3.1.3-5',
    5: 'MQTT-3.1.3-5',
  }, async (t) => {
    const unique = t.clientId();
    const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const room = 23 - unique.length;
    const ids = [unique, `${t.level}`]; // One character is nobody's own; it is given back at once.
    for (let at = 0; at < letters.length; at += room) ids.push(unique + letters.slice(at, at + room).padEnd(room, 'Z'));
    for (const clientId of ids) {
      const client = await t.open();
      t.equal((await client.tryConnect({ clientId })).reasonCode, 0, `The answer to '${clientId}'`);
      client.drop();
    }
  });

  test('clients without an identifier get one each', { 4: 'MQTT-3.1.3-6', 5: 'MQTT-3.1.3-6' }, async (t) => {
    const clients = await Promise.all(['a', 'b', 'c'].map((label) => t.connected({ clientId: '' }, label)));
    for (const client of clients) {
      await client.isQuiet(); // none took another's place
      await client.subscribe({ filter: t.topic(), qos: 1 });
    }
    await clients[0].publish({ topic: t.topic(), payload: 'for each', qos: 1 });
    for (const client of clients) t.isMessage(await client.receiveMessage(), t.topic(), 'for each', 1);
  });

  test('the assigned identifier is one that a client can come back with', { 5: 'MQTT-3.1.3-7' }, async (t) => {
    const fields: ConnectFields = { clientId: '', properties: { sessionExpiryInterval: 60 } };
    for (const clean of [true, false]) {
      const first = await t.open('first');
      const { properties } = await first.connect({ ...fields, clean });
      const clientId = properties.assignedClientIdentifier ?? '';
      t.ok(clientId !== '', 'CONNACK has no assigned client identifier');
      await first.subscribe({ filter: t.topic(), qos: 1 });
      const second = await t.open('second');
      const connack = await second.connect(t.lasting(clientId));
      t.ok(connack.sessionPresent, 'CONNACK says that there was no session');
      t.equal(connack.properties.assignedClientIdentifier, undefined, 'An identifier for who has one');
      await first.isRefused([0x8e]);
      await second.publish({ topic: t.topic(), payload: 'its own', qos: 1 });
      t.isMessage(await second.receiveMessage(), t.topic(), 'its own', 1);
      await second.disconnect(0, { sessionExpiryInterval: 0 });
    }
  });

  test('a session that is to last is refused to a client without an identifier, with the return code 2', {
    4: ['MQTT-3.1.3-8', 'MQTT-3.2.2-5'],
  }, async (t) => {
    const client = await t.open();
    client.send(connectPacket(t.level, { clientId: '', clean: false }));
    t.equal((await client.receive('CONNACK')).reasonCode, 2, 'The return code');
    t.equal((await client.ended()).length, 0, 'The number of packets after CONNACK');
  });

  test(
    'a broker that wants an identifier refuses a client without one',
    { 4: 'MQTT-3.1.3-9', 5: 'MQTT-3.1.3-8' },
    async (t) => {
      const client = await t.open();
      client.send(connectPacket(t.level, { clientId: '' }));
      if (t.level === 5) {
        await client.isRefused([0x85, 0x80]);
        return;
      }
      t.equal((await client.receive('CONNACK')).reasonCode, 2, 'The return code');
      t.equal((await client.ended()).length, 0, 'The number of packets after CONNACK');
    },
    'no-empty-client-id',
  );
});
