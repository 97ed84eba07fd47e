import { publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** The topic alias maximum that the broker announces; skips the test if it is 0. */
export async function aliasMaximum(t: ServerTest): Promise<number> {
  const { topicAliasMaximum = 0 } = await t.announced();
  if (topicAliasMaximum === 0) t.skip('the broker announces no topic alias maximum');
  return topicAliasMaximum;
}

export const publishTopicAlias = serverSection('3.3 PUBLISH, topic alias', (test) => {
  test('every topic alias up to the announced maximum is accepted', { 5: 'MQTT-3.3.2-12' }, async (t) => {
    const maximum = await aliasMaximum(t);
    // Of very many, the first and the last.
    const aliases = Array.from({ length: maximum }, (_, index) => index + 1).filter(
      (alias) => alias <= 50 || alias > maximum - 50,
    );
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('+'), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const topicAlias of aliases) {
      const topic = t.topic(`${topicAlias}`);
      await publisher.publish({ topic, payload: 'defines', qos: 1, properties: { topicAlias } });
      t.isMessage(await subscriber.receiveMessage(), topic, 'defines');
    }
    for (const topicAlias of aliases) {
      await publisher.publish({ topic: '', payload: 'uses', qos: 1, properties: { topicAlias } });
      t.isMessage(await subscriber.receiveMessage(), t.topic(`${topicAlias}`), 'uses');
    }
  });

  test('a topic alias is forgotten with its connection, even if the session goes on', {
    5: 'MQTT-3.3.2-7',
  }, async (t) => {
    await aliasMaximum(t);
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.publish({ topic: t.topic(), payload: 'before', qos: 1, properties: { topicAlias: 1 } });
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'before');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    after.send(publishPacket(t.level, { topic: '', payload: 'after', properties: { topicAlias: 1 } }));
    await after.isRefused([0x82]);
    await subscriber.isQuiet();
  });

  test('a topic alias of one client means nothing on the connection of another', { 5: 'MQTT-3.3.2-7' }, async (t) => {
    await aliasMaximum(t);
    const one = await t.connected({}, 'one');
    await one.publish({ topic: t.topic(), qos: 1, properties: { topicAlias: 1 } });
    const other = await t.connected({}, 'other');
    other.send(publishPacket(t.level, { topic: '', properties: { topicAlias: 1 } }));
    await other.isRefused([0x82]);
  });

  test('topic aliases to a client are above 0, at most its maximum, and stand for the topic that they came with', {
    5: ['MQTT-3.3.2-8', 'MQTT-3.3.2-11'],
  }, async (t) => {
    const maximum = 2;
    const subscriber = await t.connected({ properties: { topicAliasMaximum: maximum } }, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('+'), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const known = new Map<number, string>();
    for (const name of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
      const message = await subscriber.receiveMessage();
      const { topicAlias } = message.properties;
      if (topicAlias !== undefined) {
        t.ok(topicAlias >= 1 && topicAlias <= maximum, `The topic alias is ${topicAlias}, the maximum ${maximum}`);
        if (message.topic !== '') known.set(topicAlias, message.topic);
      }
      const topic = message.topic === '' ? known.get(topicAlias ?? 0) : message.topic;
      t.equal(topic, t.topic(name), 'The topic');
    }
  });

  for (const properties of [{}, { topicAliasMaximum: 0 }]) {
    test(`a client with ${'topicAliasMaximum' in properties ? 'the topic alias maximum 0' : 'no topic alias maximum'} gets no topic aliases`, {
      5: 'MQTT-3.3.2-11',
    }, async (t) => {
      const subscriber = await t.connected({ properties }, 'subscriber');
      await subscriber.subscribe({ filter: t.topic(), qos: 1 });
      const publisher = await t.connected({}, 'publisher');
      for (const payload of ['first', 'second']) {
        await publisher.publish({ topic: t.topic(), payload, qos: 1 });
        const message = await subscriber.receiveMessage();
        t.isMessage(message, t.topic(), payload);
        t.equal(message.properties.topicAlias, undefined, 'The topic alias');
      }
    });
  }

  test('the first message on a new connection names its topic, whatever came before', {
    5: 'MQTT-3.3.2-7',
  }, async (t) => {
    const clientId = t.clientId();
    const properties = { topicAliasMaximum: 10, sessionExpiryInterval: 60 };
    const publisher = await t.connected({}, 'publisher');
    for (const connection of ['first', 'second']) {
      const subscriber = await t.connected({ clientId, clean: false, properties }, connection);
      if (connection === 'first') await subscriber.subscribe({ filter: t.topic(), qos: 1 });
      await publisher.publish({ topic: t.topic(), payload: connection, qos: 1 });
      t.isMessage(await subscriber.receiveMessage(), t.topic(), connection);
      await subscriber.disconnect();
    }
  });
});
