import { publishPacket } from '../raw/packet-writer.js';
import { aliasMaximum } from '../sections/3.3-publish-topic-alias.js';
import { serverSection } from '../suite/section.js';

export const topicAliases = serverSection('Topic aliases', (test) => {
  for (const qos of [0, 1, 2]) {
    test(`topic alias 0 in a message of QoS ${qos} ends the connection`, { 5: [] }, async (t) => {
      const client = await t.connected();
      const packetId = qos === 0 ? {} : { packetId: 1 };
      client.send(publishPacket(t.level, { topic: t.topic(), qos, ...packetId, properties: { topicAlias: 0 } }));
      await client.isRefused([0x94, 0x82, 0x81]);
    });

    test(`a topic alias above the maximum in a message of QoS ${qos} ends the connection`, { 5: [] }, async (t) => {
      const { topicAliasMaximum = 0 } = await t.announced();
      if (topicAliasMaximum === 65_535) t.skip('there is no topic alias above the maximum of this broker');
      const client = await t.connected();
      const packetId = qos === 0 ? {} : { packetId: 1 };
      const properties = { topicAlias: topicAliasMaximum + 1 };
      client.send(publishPacket(t.level, { topic: t.topic(), qos, ...packetId, properties }));
      await client.isRefused([0x94, 0x82, 0x81]);
    });

    test(`a topic alias is defined and used in messages of QoS ${qos}`, { 5: [] }, async (t) => {
      await aliasMaximum(t);
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      for (const topic of [t.topic(), '', '']) {
        await publisher.publish({ topic, payload: 'aliased', qos, properties: { topicAlias: 1 } });
        const message = await subscriber.receiveMessage();
        t.isMessage(message, t.topic(), 'aliased', qos);
        t.equal(message.properties.topicAlias, undefined, 'The topic alias of the subscriber');
      }
    });
  }

  test('a topic alias that is given to another topic stands for that one from then on', { 5: [] }, async (t) => {
    await aliasMaximum(t);
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('+'));
    const publisher = await t.connected({}, 'publisher');
    for (const [sent, expected] of [
      ['a', 'a'],
      ['', 'a'],
      ['b', 'b'],
      ['', 'b'],
      ['a', 'a'],
      ['', 'a'],
    ]) {
      const topic = sent === '' ? '' : t.topic(sent);
      await publisher.publish({ topic, qos: 1, properties: { topicAlias: 1 } });
      t.isMessage(await subscriber.receiveMessage(), t.topic(expected), '', 1);
    }
  });

  test('several topic aliases may stand for one topic', { 5: [] }, async (t) => {
    if ((await aliasMaximum(t)) < 2) t.skip('the broker allows one topic alias only');
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const topic of [t.topic(), '']) {
      for (const topicAlias of [1, 2]) {
        await publisher.publish({ topic, payload: `${topicAlias}`, qos: 1, properties: { topicAlias } });
        t.isMessage(await subscriber.receiveMessage(), t.topic(), `${topicAlias}`, 1);
      }
    }
  });

  test('a message for nobody defines a topic alias, too', { 5: [] }, async (t) => {
    await aliasMaximum(t);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1, properties: { topicAlias: 1 } });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    await publisher.publish({ topic: '', payload: 'now', qos: 1, properties: { topicAlias: 1 } });
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'now', 1);
  });

  test('a topic alias that was not defined ends the connection', { 5: [] }, async (t) => {
    await aliasMaximum(t);
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: '', properties: { topicAlias: 1 } }));
    await client.isRefused([0x82, 0x94]);
  });

  test('a PUBLISH with neither topic name nor topic alias ends the connection', { 5: [] }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: '' }));
    await client.isRefused([0x82, 0x90]);
  });

  test('topic aliases go with retained messages', { 5: [] }, async (t) => {
    await aliasMaximum(t);
    const publisher = await t.connected({}, 'publisher');
    for (const [topic, payload] of [
      [t.topic(), 'old'],
      ['', 'new'],
    ]) {
      await publisher.publish({ topic, payload, qos: 1, retain: true, properties: { topicAlias: 1 } });
    }
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const message = await subscriber.receiveMessage();
    t.isMessage(message, t.topic(), 'new', 1);
    t.equal(message.properties.topicAlias, undefined, 'The topic alias of the subscriber');
  });

  test('a message that is sent again on the next connection names its topic', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const properties = { topicAliasMaximum: 10, sessionExpiryInterval: 60 };
    const before = await t.connected({ clientId, clean: false, properties }, 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['1', '2']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1 });
      await before.receive('PUBLISH');
    }
    before.drop();
    const after = await t.connected({ clientId, clean: false, properties }, 'after');
    const first = await after.receive('PUBLISH');
    t.isMessage(first, t.topic(), '1', 1);
    const second = await after.receive('PUBLISH');
    t.equal(second.payload.toString(), '2', 'The payload');
    if (second.topic === '') t.equal(second.properties.topicAlias, first.properties.topicAlias, 'The topic alias');
    else t.equal(second.topic, t.topic(), 'The topic');
  });
});
