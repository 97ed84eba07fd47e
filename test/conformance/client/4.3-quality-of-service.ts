import { acknowledgementPacket, PACKET_TYPE, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const qualityOfService = clientSection('4.3 Quality of service: 0 and 1', (test) => {
  test('a message of QoS 0 is sent with QoS 0 and without DUP, and nothing is expected for it', {
    4: 'MQTT-4.3.1-1',
    5: 'MQTT-4.3.1-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const retain of [false, true]) {
      await client.publish('a', 'x', { retain });
      t.equal((await server.receive('PUBLISH')).firstByte, retain ? 0x31 : 0x30, 'The first byte');
    }
    await server.isQuiet();
  });

  test('a message of QoS 1 is sent with an unused packet id, QoS 1 and without DUP', {
    4: 'MQTT-4.3.2-1',
    5: ['MQTT-4.3.2-1', 'MQTT-4.3.2-2'],
  }, async (t) => {
    const { client, server } = await t.connected();
    const used = new Set<number>();
    for (let count = 0; count < 50; count++) {
      t.begun(client.publish('a', 'the same', { qos: 1 }));
      const { firstByte, packetId = 0 } = await server.receive('PUBLISH');
      t.equal(firstByte, 0x32, 'The first byte');
      t.ok(packetId > 0 && !used.has(packetId), `The packet id ${packetId} is in use`);
      used.add(packetId);
    }
  });

  test('a message of QoS 1 is unacknowledged until its own PUBACK has come', {
    4: 'MQTT-4.3.2-1',
    5: 'MQTT-4.3.2-3',
  }, async (t) => {
    const { client, server } = await t.connected();
    let isDone = false;
    const publishing = client.publish('a', 'first', { qos: 1 }).then(() => {
      isDone = true;
    });
    const first = await server.receive('PUBLISH');
    const other = client.publish('a', 'second', { qos: 1 });
    const second = await server.receive('PUBLISH');
    server.send(acknowledgementPacket('PUBACK', second.packetId ?? 0));
    await other;
    server.send(acknowledgementPacket('PUBACK', 4_321));
    await server.isQuiet();
    t.ok(!isDone, 'The PUBACK of another message was taken for it');
    server.send(acknowledgementPacket('PUBACK', first.packetId ?? 0));
    await t.until(publishing, 'The end of publishing');
  });

  test('a PUBACK before the connection is lost counts, one that is lost with it does not', {
    4: 'MQTT-4.3.2-1',
    5: 'MQTT-4.3.2-3',
  }, async (t) => {
    const first = await t.lasting();
    const acknowledged = first.client.publish('a', 'acknowledged', { qos: 1 });
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    t.begun(first.client.publish('a', 'not acknowledged', { qos: 1 }));
    await first.server.receive('PUBLISH');
    first.server.send(acknowledgementPacket('PUBACK', packetId));
    await acknowledged;
    await t.lose(first);
    const { server } = await t.lasting(first.client.session);
    t.isMessage(await server.receiveMessage(), 'a', 'not acknowledged');
    await server.isQuiet();
  });

  test('a message of QoS 1 is answered by PUBACK with its packet id, once the program has it', {
    4: 'MQTT-4.3.2-2',
    5: 'MQTT-4.3.2-4',
  }, async (t) => {
    const order: string[] = [];
    const { server } = await t.connected({
      onMessage: ({ payload }) => order.push(Buffer.from(payload).toString()),
      trace: (direction, { type }) => {
        if (direction === 'sent' && type === PACKET_TYPE.PUBACK) order.push('PUBACK');
      },
    });
    for (const packetId of [1, 65_535, 300]) {
      server.send(publishPacket(t.level, { topic: 'a', payload: `message ${packetId}`, qos: 1, packetId }));
      t.equal((await server.receive('PUBACK')).packetId, packetId, 'The packet id');
      t.equal(order.splice(0), [`message ${packetId}`, 'PUBACK'], 'The order of delivery and PUBACK');
    }
  });

  test('after PUBACK a message with the same packet id is a new one, whatever its DUP flag', {
    4: 'MQTT-4.3.2-2',
    5: 'MQTT-4.3.2-5',
  }, async (t) => {
    const { server, inbox } = await t.connected();
    for (const dup of [false, true, false, true]) {
      server.send(publishPacket(t.level, { topic: 'a', payload: `DUP ${dup}`, qos: 1, packetId: 7, dup }));
      await server.receive('PUBACK');
      t.isMessage(await inbox.next(), 'a', `DUP ${dup}`);
    }
  });
});
