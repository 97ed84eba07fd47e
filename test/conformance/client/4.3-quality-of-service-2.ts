import { acknowledgementPacket, PACKET_TYPE, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const qualityOfService2 = clientSection('4.3.3 Quality of service: 2', (test) => {
  test('a message of QoS 2 is sent with an unused packet id, QoS 2 and without DUP', {
    4: 'MQTT-4.3.3-1',
    5: ['MQTT-4.3.3-1', 'MQTT-4.3.3-2'],
  }, async (t) => {
    const { client, server } = await t.connected();
    const used = new Set<number>();
    for (let count = 0; count < 50; count++) {
      t.begun(client.publish('a', 'the same', { qos: 2 }));
      const { firstByte, packetId = 0 } = await server.receive('PUBLISH');
      t.equal(firstByte, 0x34, 'The first byte');
      t.ok(packetId > 0 && !used.has(packetId), `The packet id ${packetId} is in use`);
      used.add(packetId);
      // Half of them go on to PUBREL, whose id is in use until PUBCOMP.
      if (count % 2 === 0) continue;
      server.send(acknowledgementPacket('PUBREC', packetId));
      await server.receive('PUBREL');
    }
  });

  test('a message of QoS 2 is sent again until its PUBREC has come', {
    4: 'MQTT-4.3.3-1',
    5: 'MQTT-4.3.3-3',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'x', { qos: 2 }));
    const { packetId } = await first.server.receive('PUBLISH');
    await t.lose(first);
    const second = await t.lasting(first.client.session);
    t.equal((await second.server.receive('PUBLISH')).packetId, packetId, 'The packet id');
    // A PUBREC for another message says nothing of this one.
    second.server.send(acknowledgementPacket('PUBREC', 999));
    await second.server.take('PUBREL');
    await t.lose(second);
    const third = await t.lasting(first.client.session);
    t.equal((await third.server.receive('PUBLISH')).packetId, packetId, 'The packet id, once more');
  });

  test('a PUBREC is answered by PUBREL with the packet id of the message', {
    4: 'MQTT-4.3.3-1',
    5: 'MQTT-4.3.3-4',
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const reasonCode of t.level === 5 ? [undefined, 0x00, 0x10] : [undefined]) {
      const publishing = client.publish('a', 'x', { qos: 2 });
      const { packetId = 0 } = await server.receive('PUBLISH');
      server.send(acknowledgementPacket('PUBREC', packetId, reasonCode));
      t.equal((await server.receive('PUBREL')).packetId, packetId, 'The packet id');
      server.send(acknowledgementPacket('PUBCOMP', packetId));
      await publishing;
    }
  });

  test('a PUBREC that refuses the message is not answered by PUBREL', { 5: 'MQTT-4.3.3-4' }, async (t) => {
    const { client, server } = await t.connected();
    for (const reasonCode of [0x80, 0x87, 0x97]) {
      const publishing = t.begun(client.publish('a', 'x', { qos: 2 }));
      const { packetId = 0 } = await server.receive('PUBLISH');
      server.send(acknowledgementPacket('PUBREC', packetId, reasonCode));
      await t.rejects(publishing, 'Publishing');
      await server.isQuiet();
    }
  });

  test('a PUBREL is unacknowledged until its PUBCOMP has come, and until then it is sent again, and PUBLISH is not', {
    4: 'MQTT-4.3.3-1',
    5: ['MQTT-4.3.3-5', 'MQTT-4.3.3-6'],
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'x', { qos: 2 }));
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    first.server.send(acknowledgementPacket('PUBREC', packetId));
    await first.server.receive('PUBREL');
    await t.lose(first);
    for (let count = 0; count < 2; count++) {
      const again = await t.lasting(first.client.session);
      t.equal((await again.server.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
      await again.server.isQuiet();
      await t.lose(again);
    }
    const last = await t.lasting(first.client.session);
    await last.server.receive('PUBREL');
    last.server.send(acknowledgementPacket('PUBCOMP', packetId));
    await last.server.isQuiet();
    await t.lose(last);
    const after = await t.lasting(first.client.session);
    await after.server.isQuiet();
  });

  test('a second PUBREC does not bring PUBLISH back, and is answered by PUBREL', {
    4: 'MQTT-4.3.3-1',
    5: 'MQTT-4.3.3-6',
  }, async (t) => {
    const { client, server } = await t.connected();
    const publishing = client.publish('a', 'x', { qos: 2 });
    const { packetId = 0 } = await server.receive('PUBLISH');
    for (let count = 0; count < 2; count++) {
      server.send(acknowledgementPacket('PUBREC', packetId));
      t.equal((await server.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
    }
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBCOMP', packetId));
    await publishing;
  });

  test('a message that was sent does not expire any more', { 5: 'MQTT-4.3.3-7' }, async (t) => {
    const first = await t.lasting();
    const properties = { messageExpiryInterval: 1 };
    t.begun(first.client.publish('a', 'sent', { qos: 2, properties }));
    await first.server.receive('PUBLISH');
    t.begun(first.client.publish('a', 'released', { qos: 2, properties }));
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    await t.pass(1_100);
    first.server.send(acknowledgementPacket('PUBREC', packetId));
    await first.server.receive('PUBREL');
    await t.lose(first);
    await t.pass(1_100);
    const { server } = await t.lasting(first.client.session);
    t.equal((await server.take('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
    t.isMessage(await server.take('PUBLISH'), 'a', 'sent');
  });

  test('a message of QoS 2 is answered by PUBREC with its packet id, once the program has it', {
    4: 'MQTT-4.3.3-2',
    5: 'MQTT-4.3.3-8',
  }, async (t) => {
    const order: string[] = [];
    const { server } = await t.connected({
      onMessage: ({ payload }) => order.push(Buffer.from(payload).toString()),
      trace: (direction, { type }) => {
        if (direction === 'sent' && type === PACKET_TYPE.PUBREC) order.push('PUBREC');
      },
    });
    for (const packetId of [1, 65_534, 300]) {
      server.send(publishPacket(t.level, { topic: 'a', payload: `message ${packetId}`, qos: 2, packetId }));
      t.equal((await server.receive('PUBREC')).packetId, packetId, 'The packet id');
      t.equal(order.splice(0), [`message ${packetId}`, 'PUBREC'], 'The order of delivery and PUBREC');
    }
  });

  test('after a PUBREC that refuses, the packet id is that of a new message', { 5: 'MQTT-4.3.3-9' }, async (t) => {
    const texts: string[] = [];
    const { server } = await t.connected({
      onMessage: (message, client) => {
        texts.push(Buffer.from(message.payload).toString());
        if (texts.length <= 2) client.refuse(message, 0x97);
      },
    });
    for (const [payload, reasonCode] of [
      ['one', 0x97],
      ['two', 0x97],
      ['three', 0x00],
      ['three, repeated', 0x00],
    ] as const) {
      server.send(publishPacket(5, { topic: 'a', payload, qos: 2, packetId: 7, dup: true }));
      t.equal((await server.receive('PUBREC')).reasonCode, reasonCode, 'The reason code');
    }
    t.equal(texts, ['one', 'two', 'three'], 'What was delivered');
  });

  test('until PUBREL a repetition is answered by PUBREC and not delivered, with and without DUP', {
    4: 'MQTT-4.3.3-2',
    5: 'MQTT-4.3.3-10',
  }, async (t) => {
    const { server, inbox } = await t.connected();
    for (const dup of [false, true, true, false]) {
      server.send(publishPacket(t.level, { topic: 'a', payload: 'once', qos: 2, packetId: 7, dup }));
      t.equal((await server.receive('PUBREC')).packetId, 7, 'The packet id');
    }
    t.isMessage(await inbox.next(), 'a', 'once');
    t.equal(inbox.unread, [], 'What was delivered again');
  });

  test('a PUBREL is answered by PUBCOMP with its packet id, however often it comes', {
    4: 'MQTT-4.3.3-2',
    5: 'MQTT-4.3.3-11',
  }, async (t) => {
    const { server } = await t.connected();
    for (const packetId of [7, 8]) {
      server.send(publishPacket(t.level, { topic: 'a', qos: 2, packetId }));
      await server.receive('PUBREC');
    }
    for (const packetId of [8, 7, 7, 8]) {
      server.send(acknowledgementPacket('PUBREL', packetId));
      t.equal((await server.receive('PUBCOMP')).packetId, packetId, 'The packet id');
    }
  });

  test('after PUBCOMP a message with the same packet id is a new one', {
    4: 'MQTT-4.3.3-2',
    5: 'MQTT-4.3.3-12',
  }, async (t) => {
    const { server, inbox } = await t.connected();
    for (const dup of [false, true, false]) {
      server.send(publishPacket(t.level, { topic: 'a', payload: `DUP ${dup}`, qos: 2, packetId: 7, dup }));
      await server.receive('PUBREC');
      server.send(acknowledgementPacket('PUBREL', 7));
      await server.receive('PUBCOMP');
      t.isMessage(await inbox.next(), 'a', `DUP ${dup}`);
    }
  });

  test('the exchange goes on even if the message has expired', { 5: 'MQTT-4.3.3-13' }, async (t) => {
    const { server } = await t.connected();
    const message = { topic: 'a', qos: 2, packetId: 7, properties: { messageExpiryInterval: 1 } };
    server.send(publishPacket(5, message));
    await server.receive('PUBREC');
    await t.pass(1_200);
    server.send(publishPacket(5, { ...message, dup: true }));
    t.equal((await server.receive('PUBREC')).packetId, 7, 'PUBREC');
    server.send(acknowledgementPacket('PUBREL', 7));
    const { packetId, reasonCode } = await server.receive('PUBCOMP');
    t.equal([packetId, reasonCode], [7, 0], 'PUBCOMP');
  });
});
