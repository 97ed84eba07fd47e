import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const flowControl = clientSection('4.9 Flow control', (test) => {
  test('the send quota begins with the Receive Maximum of the server, and is not above it', {
    5: 'MQTT-4.9.0-1',
  }, async (t) => {
    for (const receiveMaximum of [1, 2, 10]) {
      const { client, server } = await t.connected({}, { properties: { receiveMaximum } });
      for (let count = 0; count < receiveMaximum + 5; count++) t.begun(client.publish('a', '', { qos: 1 }));
      for (let count = 0; count < receiveMaximum; count++) await server.receive('PUBLISH');
      await server.isQuiet();
    }
  });

  test('at a quota of 0 no message of QoS 1 or 2 is sent, and each one that is over makes room for one', {
    5: 'MQTT-4.9.0-2',
  }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { receiveMaximum: 2 } });
    for (const qos of [2, 1, 1, 2, 1] as const) t.begun(client.publish('a', `QoS ${qos}`, { qos }));
    const first = (await server.receive('PUBLISH')).packetId ?? 0;
    const second = (await server.receive('PUBLISH')).packetId ?? 0;
    await server.isQuiet();
    // PUBREC alone makes no room, nor does an acknowledgement for a message that is unknown.
    server.send(acknowledgementPacket('PUBREC', first), acknowledgementPacket('PUBACK', 999));
    await server.receive('PUBREL');
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBCOMP', first));
    t.isMessage(await server.receive('PUBLISH'), 'a', 'QoS 1');
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBACK', second));
    t.isMessage(await server.receive('PUBLISH'), 'a', 'QoS 2');
    await server.isQuiet();
    // A message of QoS 0 needs no room.
    await client.publish('a', 'QoS 0');
    t.isMessage(await server.receive('PUBLISH'), 'a', 'QoS 0');
  });

  test('at a quota of 0 the client reads and answers everything else', { 5: 'MQTT-4.9.0-3' }, async (t) => {
    const { client, server, inbox } = await t.connected({}, { properties: { receiveMaximum: 1 } });
    const publishing = client.publish('a', '', { qos: 2 });
    const { packetId = 0 } = await server.receive('PUBLISH');
    t.begun(client.publish('a', '', { qos: 1 }));
    const subscribing = client.subscribe('b', {}, (message) => inbox.add(message));
    await server.acceptSubscribe();
    await subscribing;
    for (const qos of [0, 1, 2]) {
      await server.publish({ topic: 'b', payload: `QoS ${qos}`, qos });
      t.isMessage(await inbox.next(), 'b', `QoS ${qos}`);
    }
    server.send(acknowledgementPacket('PUBREC', packetId));
    await server.receive('PUBREL');
    server.send(acknowledgementPacket('PUBCOMP', packetId));
    await publishing;
  });

  test('a server that exceeds the Receive Maximum of the client is refused', { 5: [] }, async (t) => {
    const { server, connect } = await t.connected({ receiveMaximum: 3 });
    t.equal(connect.properties.receiveMaximum, 3, 'The Receive Maximum in CONNECT');
    server.send(...[1, 2, 3, 4].map((packetId) => publishPacket(5, { topic: 'a', qos: 2, packetId })));
    for (let count = 0; count < 3; count++) await server.receive('PUBREC');
    await server.isRefused([0x93]);
  });
});
