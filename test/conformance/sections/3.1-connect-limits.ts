import { acknowledgementPacket, pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import type { Properties } from '../raw/property-table.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';
import { isGivenUp, KEEP_ALIVE_S } from './keep-alive.js';

export const connectLimits = serverSection('3.1 CONNECT, what a client asks for', (test) => {
  test('a silent client is given up after one and a half times its keep alive', {
    4: 'MQTT-3.1.2-24',
    5: 'MQTT-3.1.2-22',
  }, async (t) => {
    const client = await t.connected({ keepAlive: KEEP_ALIVE_S });
    await isGivenUp(t, client);
  });

  test('a client that was busy is given up when it falls silent', {
    4: 'MQTT-3.1.2-24',
    5: 'MQTT-3.1.2-22',
  }, async (t) => {
    const client = await t.connected({ keepAlive: KEEP_ALIVE_S });
    await client.subscribe({ filter: t.topic(), qos: 0 });
    await t.pass(1500);
    await client.publish({ topic: t.topic(), payload: 'the last' });
    t.isMessage(await client.receiveMessage(), t.topic(), 'the last');
    await isGivenUp(t, client);
  });

  test('messages that a client gets do not keep it alive', {
    4: 'MQTT-3.1.2-24',
    5: 'MQTT-3.1.2-22',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const client = await t.connected({ keepAlive: KEEP_ALIVE_S });
    await client.subscribe({ filter: t.topic(), qos: 0 });
    await isGivenUp(t, client, () => publisher.send(publishPacket(t.level, { topic: t.topic() })));
  });

  for (const [name, packetOf] of [
    ['PINGREQ', () => pingreqPacket()],
    ['PUBLISH', (t: ServerTest) => publishPacket(t.level, { topic: t.topic() })],
    ['PUBACK', () => acknowledgementPacket('PUBACK', 1)],
  ] as const) {
    test(`a client that sends a ${name} within each keep alive stays`, { 4: [], 5: [] }, async (t) => {
      const other = await t.connected({}, 'other');
      const client = await t.connected({ keepAlive: 1 });
      await client.subscribe(t.topic('own'));
      for (let count = 0; count < 5; count++) {
        await t.pass(600);
        if (name === 'PUBACK') {
          await other.publish({ topic: t.topic('own'), qos: 1 });
          const { packetId = 0 } = await client.receive('PUBLISH');
          client.send(acknowledgementPacket('PUBACK', packetId));
        } else {
          client.send(packetOf(t));
          if (name === 'PINGREQ') await client.receive('PINGRESP');
        }
      }
      await client.isQuiet();
    });
  }

  test('a client with the keep alive 0 may be silent', { 4: [], 5: [] }, async (t) => {
    const client = await t.open();
    const { properties } = await client.connect({ clientId: t.clientId(), keepAlive: 0 });
    const { serverKeepAlive = 0 } = properties;
    if (serverKeepAlive > 0 && serverKeepAlive < 10) t.skip(`the broker demands a keep alive of ${serverKeepAlive} s`);
    await t.pass(3000);
    await client.isQuiet();
  });

  test('the longest keep alive is taken as what it is', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected({ keepAlive: 65_535 });
    await t.pass(2500);
    await client.isQuiet();
  });

  test('no packet is larger than the maximum packet size of the client', { 5: 'MQTT-3.1.2-24' }, async (t) => {
    const maximumPacketSize = 120;
    const client = await t.connected({ properties: { maximumPacketSize } });
    await client.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    let count = 0;
    for (const qos of [0, 1, 2]) {
      // On both sides of the maximum, whatever the length of the topic.
      for (let length = 60; length < 120; length += 4) {
        await publisher.publish({ topic: t.topic(), payload: 'x'.repeat(length), qos });
        count++;
      }
    }
    await publisher.publish({ topic: t.topic(), payload: 'last', qos: 1 });
    let message = await client.receiveMessage();
    let received = 0;
    while (message.payload.toString() !== 'last') {
      t.ok(message.bytes.length <= maximumPacketSize, `A packet has ${message.bytes.length} bytes`);
      received++;
      message = await client.receiveMessage();
    }
    t.ok(received > 0 && received < count, `${received} messages of ${count} came`);
  });

  for (const qos of [1, 2]) {
    test(`a message of QoS ${qos} that is too large counts as sent: it is not tried again`, {
      5: 'MQTT-3.1.2-25',
    }, async (t) => {
      const clientId = t.clientId();
      const small = { maximumPacketSize: 120, receiveMaximum: 1, sessionExpiryInterval: 60 };
      const client = await t.connected({ clientId, properties: small }, 'small');
      await client.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      const large = { topic: t.topic(), payload: 'x'.repeat(200), qos };
      await publisher.publish(large);
      await publisher.publish(large);
      // It takes no room among the messages under way.
      for (const payload of ['a', 'b']) {
        await publisher.publish({ topic: t.topic(), payload, qos });
        t.isMessage(await client.receiveMessage(), t.topic(), payload, qos);
      }
      client.drop();
      const back = await t.connected(t.lasting(clientId), 'back');
      await publisher.publish({ topic: t.topic(), payload: 'c', qos });
      t.isMessage(await back.receiveMessage(), t.topic(), 'c', qos);
      await back.isQuiet();
    });
  }

  for (const topicAliasMaximum of [1, 3]) {
    test(`no topic alias is above the maximum ${topicAliasMaximum} of the client`, {
      5: 'MQTT-3.1.2-26',
    }, async (t) => {
      const client = await t.connected({ properties: { topicAliasMaximum } });
      await client.subscribe({ filter: t.topic('+'), qos: 1 });
      const publisher = await t.connected({}, 'publisher');
      const topics = new Map<number, string>();
      for (let index = 0; index < 24; index++) {
        const topic = t.topic(`${index % 6}`);
        await publisher.publish({ topic, payload: `${index}`, qos: index % 2 });
        const message = await client.receiveMessage();
        const { topicAlias: alias } = message.properties;
        t.ok(alias === undefined || alias <= topicAliasMaximum, `The topic alias is ${alias}`);
        if (alias !== undefined && message.topic !== '') topics.set(alias, message.topic);
        const meant = message.topic === '' && alias !== undefined ? topics.get(alias) : message.topic;
        t.equal([meant, message.payload.toString()], [topic, `${index}`], 'Topic and payload');
      }
    });
  }

  for (const topicAliasMaximum of [0, undefined]) {
    test(`no topic alias comes to a client whose maximum is ${topicAliasMaximum ?? 'not given'}`, {
      5: 'MQTT-3.1.2-27',
    }, async (t) => {
      const client = await t.connected({ properties: topicAliasMaximum === undefined ? {} : { topicAliasMaximum } });
      await client.subscribe({ filter: t.topic('+'), qos: 1 });
      const publisher = await t.connected({}, 'publisher');
      for (let index = 0; index < 12; index++) {
        const topic = t.topic(`${index % 2}`);
        await publisher.publish({ topic, payload: `${index}`, qos: index % 3 });
        const message = await client.receiveMessage();
        t.isMessage(message, topic, `${index}`);
        t.equal(message.properties.topicAlias, undefined, 'The topic alias');
      }
    });
  }

  for (const requestResponseInformation of [0, undefined]) {
    test(`no response information comes to who does not ask: ${requestResponseInformation ?? 'nothing'} in CONNECT`, {
      5: 'MQTT-3.1.2-28',
    }, async (t) => {
      const client = await t.open();
      const properties = requestResponseInformation === undefined ? {} : { requestResponseInformation };
      const connack = await client.connect({ clientId: t.clientId(), properties });
      t.equal(connack.properties.responseInformation, undefined, 'The response information');
    });
  }

  test(
    'without problem information no packet has a reason string or user properties',
    { 5: 'MQTT-3.1.2-29' },
    async (t) => {
      const publisher = await t.connected({}, 'publisher');
      const client = await t.connected({ properties: { requestProblemInformation: 0 } });
      const tellsNothing = (name: string, { reasonString, userProperty }: Properties): void =>
        t.equal([reasonString, userProperty], [undefined, undefined], `Reason string and user properties of ${name}`);

      const denied = t.topic('denied');
      const suback = await client.subscribe([
        { filter: denied, qos: 1 },
        { filter: t.topic('in'), qos: 2 },
      ]);
      tellsNothing('SUBACK', suback.properties);
      tellsNothing('UNSUBACK', (await client.unsubscribe(t.topic('never subscribed'))).properties);
      client.send(publishPacket(t.level, { topic: denied, qos: 1, packetId: 101 }));
      tellsNothing('PUBACK', (await client.receive('PUBACK')).properties);
      client.send(publishPacket(t.level, { topic: denied, qos: 2, packetId: 102 }));
      tellsNothing('PUBREC', (await client.receive('PUBREC')).properties);
      client.send(acknowledgementPacket('PUBREL', 103));
      tellsNothing('PUBCOMP', (await client.receive('PUBCOMP')).properties);
      await publisher.publish({ topic: t.topic('in'), qos: 2 });
      const { packetId = 0 } = await client.receive('PUBLISH');
      client.send(acknowledgementPacket('PUBREC', packetId));
      tellsNothing('PUBREL', (await client.receive('PUBREL')).properties);
      client.send(acknowledgementPacket('PUBCOMP', packetId));
      client.send(acknowledgementPacket('PUBREC', packetId));
      tellsNothing('PUBREL for an unknown message', (await client.receive('PUBREL')).properties);
    },
    'access',
  );

  test('without problem information messages keep their user properties', { 5: [] }, async (t) => {
    const client = await t.connected({ properties: { requestProblemInformation: 0 } });
    await client.subscribe({ filter: t.topic(), qos: 0 });
    const userProperty: [string, string][] = [['name', 'value']];
    await client.publish({ topic: t.topic(), properties: { userProperty } });
    t.equal((await client.receiveMessage()).properties.userProperty, userProperty, 'The user properties');
  });
});
