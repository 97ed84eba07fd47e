import { NotSupportedByServer, ProtocolViolation } from '@cauldron/client';
import { acknowledgementPacket, hex, publishPacket } from '../raw/packet-writer.js';
import { connackPacket } from '../raw/server-packet-writer.js';
import { clientSection } from '../suite/section.js';

export const connack = clientSection('3.2 CONNACK', (test) => {
  test('Session Present after a clean start, for which there is no session, ends the connection', {
    5: 'MQTT-3.2.2-4',
  }, async (t) => {
    const { connecting, server } = await t.dial({ clientId: 'c', clean: true });
    await server.receive('CONNECT');
    server.send(connackPacket(5, { sessionPresent: true }));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting', ProtocolViolation);
  });

  test('Session Present for a session that the client has discarded ends the connection', {
    5: 'MQTT-3.2.2-4',
  }, async (t) => {
    const first = await t.connected({ clientId: 'c', clean: true });
    await t.lose(first);
    const { connecting, server } = await t.dial({ clean: false, session: first.client.session });
    await server.receive('CONNECT');
    server.send(connackPacket(5, { sessionPresent: true }));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting', ProtocolViolation);
  });

  test('without Session Present the client discards its session: no packet of it is sent, and ids received are new', {
    5: 'MQTT-3.2.2-5',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'released', { qos: 2 }));
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    first.server.send(acknowledgementPacket('PUBREC', packetId));
    await first.server.receive('PUBREL');
    first.server.send(publishPacket(5, { topic: 'b', payload: 'old', qos: 2, packetId: 7 }));
    await first.server.receive('PUBREC');
    await t.lose(first);

    const { server, inbox } = await t.lasting(first.client.session, {}, { sessionPresent: false });
    await server.isQuiet();
    server.send(publishPacket(5, { topic: 'b', payload: 'new', qos: 2, packetId: 7, dup: true }));
    t.isMessage(await inbox.next(), 'b', 'new');
  });

  test('without Session Present a message that was not acknowledged is a new one, if the client sends it at all', {
    5: 'MQTT-3.2.2-5',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'lost', { qos: 1 }));
    await first.server.receive('PUBLISH');
    await t.lose(first);
    const { client, server } = await t.lasting(first.client.session, {}, { sessionPresent: false });
    t.begun(client.publish('a', 'last'));
    for (;;) {
      const { payload, dup } = await server.receive('PUBLISH');
      if (payload.toString() === 'last') break;
      t.equal(dup, false, 'DUP');
    }
  });

  test('nothing is published above the Maximum QoS', { 5: 'MQTT-3.2.2-11' }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { maximumQoS: 0 } });
    await t.refuses(server, client.publish('a', '', { qos: 1 }), 'PUBLISH at QoS 1', NotSupportedByServer);
    await t.refuses(server, client.publish('a', '', { qos: 2 }), 'PUBLISH at QoS 2', NotSupportedByServer);
    await client.publish('a', '', { qos: 0 });
    t.equal((await server.receive('PUBLISH')).qos, 0, 'The QoS');
    const other = await t.connected({}, { properties: { maximumQoS: 1 } });
    await t.refuses(other.server, other.client.publish('a', '', { qos: 2 }), 'PUBLISH at QoS 2', NotSupportedByServer);
    t.begun(other.client.publish('a', '', { qos: 1 }));
    t.equal((await other.server.receive('PUBLISH')).qos, 1, 'The QoS');
  });

  test('a message that waits in the session is not sent above the Maximum QoS either', {
    5: 'MQTT-3.2.2-11',
  }, async (t) => {
    const first = await t.lasting();
    t.begun(first.client.publish('a', 'too high', { qos: 2 }));
    await first.server.receive('PUBLISH');
    await t.lose(first);
    const { server } = await t.lasting(first.client.session, {}, { properties: { maximumQoS: 1 } });
    await server.isQuiet();
  });

  test('nothing is published with RETAIN to a server that retains nothing', { 5: 'MQTT-3.2.2-14' }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { retainAvailable: 0 } });
    for (const qos of [0, 1, 2] as const) {
      await t.refuses(server, client.publish('a', '', { qos, retain: true }), 'PUBLISH', NotSupportedByServer);
    }
    await client.publish('a', '');
    t.equal((await server.receive('PUBLISH')).retain, false, 'RETAIN');

    const first = await t.lasting();
    t.begun(first.client.publish('a', 'retained', { qos: 1, retain: true }));
    await first.server.receive('PUBLISH');
    await t.lose(first);
    const later = await t.lasting(first.client.session, {}, { properties: { retainAvailable: 0 } });
    await later.server.isQuiet();
  });

  test('no packet is larger than the Maximum Packet Size', { 5: 'MQTT-3.2.2-15' }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { maximumPacketSize: 20 } });
    const large = 'x'.repeat(15);
    for (const qos of [0, 1, 2] as const) {
      await t.refuses(server, client.publish('a', large, { qos }), 'PUBLISH', NotSupportedByServer);
    }
    await t.refuses(server, client.subscribe(large), 'SUBSCRIBE', NotSupportedByServer);
    await t.refuses(server, client.unsubscribe(large), 'UNSUBSCRIBE', NotSupportedByServer);
    // Two bytes of header, three of topic, one of properties: with these the packet is as large as it may be.
    await client.publish('a', 'x'.repeat(14));
    t.equal((await server.receive('PUBLISH')).bytes.length, 20, 'The size of the packet');

    const first = await t.lasting();
    t.begun(first.client.publish('a', large, { qos: 1 }));
    await first.server.receive('PUBLISH');
    await t.lose(first);
    const later = await t.lasting(first.client.session, {}, { properties: { maximumPacketSize: 20 } });
    await later.server.isQuiet();
  });

  test('no topic alias is sent above the maximum of the server', {
    5: ['MQTT-3.2.2-17', 'MQTT-3.3.2-9'],
  }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { topicAliasMaximum: 3 } });
    for (const topicAlias of [4, 65_535]) {
      const publishing = client.publish('a', '', { properties: { topicAlias } });
      await t.refuses(server, publishing, `The alias ${topicAlias}`, NotSupportedByServer);
    }
    for (const topicAlias of [1, 2, 3]) {
      await client.publish('a', '', { properties: { topicAlias } });
      t.equal((await server.receive('PUBLISH')).properties.topicAlias, topicAlias, 'The alias');
    }
  });

  test('no topic alias is sent to a server without a maximum, or with 0', { 5: 'MQTT-3.2.2-18' }, async (t) => {
    for (const properties of [{}, { topicAliasMaximum: 0 }]) {
      const { client, server } = await t.connected({}, { properties });
      const publishing = client.publish('a', '', { properties: { topicAlias: 1 } });
      await t.refuses(server, publishing, 'The alias 1', NotSupportedByServer);
    }
  });

  test('a message that waits in the session loses its topic alias', { 5: 'MQTT-3.2.2-18' }, async (t) => {
    const first = await t.lasting(undefined, { maximumInflight: 1 }, { properties: { topicAliasMaximum: 5 } });
    for (const payload of ['sent', 'waiting']) {
      t.begun(first.client.publish('a', payload, { qos: 1, properties: { topicAlias: 5 } }));
    }
    await first.server.receive('PUBLISH');
    await t.lose(first);
    const { server } = await t.lasting(first.client.session);
    for (const payload of ['sent', 'waiting']) {
      const message = await server.receiveMessage();
      t.isMessage(message, 'a', payload);
      t.equal(message.properties, {}, 'The properties');
    }
  });

  test('the Server Keep Alive counts, not that of CONNECT', { 5: ['MQTT-3.1.2-21', 'MQTT-3.2.2-21'] }, async (t) => {
    const shorter = await t.connected({ keepAliveSeconds: 60 }, { properties: { serverKeepAlive: 1 } });
    const longer = await t.connected({ keepAliveSeconds: 1 }, { properties: { serverKeepAlive: 60 } });
    const never = await t.connected({ keepAliveSeconds: 1 }, { properties: { serverKeepAlive: 0 } });
    const ping = await shorter.server.receive('PINGREQ');
    t.equal(ping.bytes, hex('c0 00'), 'The packet');
    await t.pass(1_200);
    await longer.server.isQuiet();
    await never.server.isQuiet();
  });
});
