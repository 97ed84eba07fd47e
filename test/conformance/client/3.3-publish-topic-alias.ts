import { publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const publishTopicAlias = clientSection('3.3.2.3.4 Topic Alias', (test) => {
  test('topic aliases of the server are forgotten with the connection', { 5: 'MQTT-3.3.2-7' }, async (t) => {
    const first = await t.lasting(undefined, { topicAliasMaximum: 5 });
    first.server.send(publishPacket(5, { topic: 'old', properties: { topicAlias: 1 } }));
    t.isMessage(await first.inbox.next(), 'old', '');
    await t.lose(first);

    const { server, inbox } = await t.lasting(first.client.session, { topicAliasMaximum: 5 });
    server.send(publishPacket(5, { topic: '', properties: { topicAlias: 1 } }));
    await server.isRefused([0x82]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('a message that is sent again has its topic name and no alias', { 5: 'MQTT-3.3.2-7' }, async (t) => {
    const announced = { properties: { topicAliasMaximum: 5 } };
    const first = await t.lasting(undefined, {}, announced);
    for (const qos of [1, 2] as const) {
      t.begun(first.client.publish('a/long/topic', '', { qos, properties: { topicAlias: 1 } }));
      t.equal((await first.server.receive('PUBLISH')).properties.topicAlias, 1, 'The alias');
    }
    await t.lose(first);
    const { server } = await t.lasting(first.client.session, {}, announced);
    for (const qos of [1, 2]) {
      const again = await server.receive('PUBLISH');
      t.equal([again.topic, again.qos, again.properties], ['a/long/topic', qos, {}], 'Topic, QoS and properties');
    }
  });

  test('the topic alias 0 is neither sent nor accepted', { 5: 'MQTT-3.3.2-8' }, async (t) => {
    const { client, server, inbox } = await t.connected(
      { topicAliasMaximum: 5 },
      { properties: { topicAliasMaximum: 5 } },
    );
    for (const qos of [0, 1, 2] as const) {
      await t.refuses(server, client.publish('a', '', { qos, properties: { topicAlias: 0 } }), 'PUBLISH');
    }
    server.send(publishPacket(5, { topic: 'a', properties: { topicAlias: 0 } }));
    await server.isRefused([0x94, 0x82, 0x81]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('every topic alias from 1 to the maximum of the client is accepted', { 5: 'MQTT-3.3.2-10' }, async (t) => {
    for (const [topicAliasMaximum, aliases] of [
      [20, Array.from({ length: 20 }, (_, index) => index + 1)],
      [65_535, [1, 255, 256, 32_768, 65_535]],
    ] as const) {
      const { server, inbox, connect } = await t.connected({ topicAliasMaximum });
      t.equal(connect.properties.topicAliasMaximum, topicAliasMaximum, 'The maximum in CONNECT');
      for (const topicAlias of aliases) {
        server.send(publishPacket(5, { topic: `topic ${topicAlias}`, properties: { topicAlias } }));
        t.isMessage(await inbox.next(), `topic ${topicAlias}`, '');
      }
      for (const topicAlias of [...aliases].reverse()) {
        server.send(publishPacket(5, { topic: '', payload: 'again', properties: { topicAlias } }));
        t.isMessage(await inbox.next(), `topic ${topicAlias}`, 'again');
      }
      // An alias takes another topic when the server says so.
      server.send(publishPacket(5, { topic: 'other', properties: { topicAlias: aliases[0] } }));
      server.send(publishPacket(5, { topic: '', properties: { topicAlias: aliases[0] } }));
      for (let count = 0; count < 2; count++) t.isMessage(await inbox.next(), 'other', '');
    }
  });

  test('a topic alias above the maximum of the client ends the connection', { 5: [] }, async (t) => {
    for (const topicAliasMaximum of [0, 3]) {
      const { server } = await t.connected({ topicAliasMaximum });
      server.send(publishPacket(5, { topic: 'a', properties: { topicAlias: topicAliasMaximum + 1 } }));
      await server.isRefused([0x94]);
    }
  });
});
