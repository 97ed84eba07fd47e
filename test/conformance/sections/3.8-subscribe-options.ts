import { publishPacket, subscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

const MESSAGES = 100;

export const subscribeOptions = serverSection('3.8 SUBSCRIBE, options and replacement', (test) => {
  test('with No Local, a client does not get its own messages, and gets those of others', {
    5: 'MQTT-3.8.3-3',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 2, noLocal: true });
    const other = await t.connected({}, 'other');
    for (const qos of [0, 1, 2]) {
      await client.publish({ topic: t.topic(), payload: 'own', qos });
      await client.isQuiet();
      await other.publish({ topic: t.topic(), payload: 'of another', qos });
      t.isMessage(await client.receiveMessage(), t.topic(), 'of another', qos);
    }
    await client.isQuiet();
  });

  test('without No Local, a client gets its own messages', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    await client.publish({ topic: t.topic(), payload: 'own', qos: 1 });
    t.isMessage(await client.take('PUBLISH'), t.topic(), 'own', 0);
  });

  test('No Local of one subscription does not keep messages from another one of the client', {
    5: 'MQTT-3.8.3-3',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('a/+'), qos: 2, noLocal: true }, { subscriptionIdentifier: [1] });
    await client.subscribe({ filter: t.topic('+/b'), qos: 0 }, { subscriptionIdentifier: [2] });
    await client.publish({ topic: t.topic('a/b'), payload: 'own', qos: 1 });
    const message = await client.take('PUBLISH');
    t.isMessage(message, t.topic('a/b'), 'own', 0);
    t.equal(message.properties.subscriptionIdentifier, [2], 'The subscription identifiers');
    await client.isQuiet();
  });

  test('No Local looks at the client identifier: it holds on the next connection of the session', {
    5: 'MQTT-3.8.3-3',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1, noLocal: true });
    await before.disconnect();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.publish({ topic: t.topic(), payload: 'own', qos: 1 });
    await after.isQuiet();
  });

  test('with No Local, a client does not get its own will', { 5: 'MQTT-3.8.3-3' }, async (t) => {
    const clientId = t.clientId();
    const will = { topic: t.topic(), payload: 'own will', qos: 1 };
    const before = await t.connected({ ...t.lasting(clientId), will }, 'before');
    await before.subscribe({ filter: t.topic(), qos: 1, noLocal: true });
    const witness = await t.connected({}, 'witness');
    await witness.subscribe(t.topic());
    before.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'own will');
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.isQuiet();
  });

  test('No Local on a shared subscription ends the connection', { 5: 'MQTT-3.8.3-4' }, async (t) => {
    const { sharedSubscriptionAvailable = 1 } = await t.announced();
    if (sharedSubscriptionAvailable === 0) t.skip('the broker has no shared subscriptions');
    const client = await t.connected();
    client.send(subscribePacket(t.level, 1, [{ filter: `$share/group/${t.topic()}`, qos: 1, noLocal: true }]));
    await client.isRefused([0x82]);
  });

  for (const [first, second] of [
    [0, 2],
    [2, 0],
    [2, 1],
    [1, 1],
  ]) {
    test(`a SUBSCRIBE to the same filter with QoS ${second} takes the place of the one with QoS ${first}`, {
      4: 'MQTT-3.8.4-3',
      5: 'MQTT-3.8.4-3',
    }, async (t) => {
      const client = await t.connected();
      await client.subscribe({ filter: t.topic('+'), qos: first });
      await client.subscribe({ filter: t.topic('+'), qos: second });
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('a'), payload: 'once', qos: 2 });
      t.isMessage(await client.receiveMessage(), t.topic('a'), 'once', second);
      await client.isQuiet();
      await client.unsubscribe(t.topic('+'));
      await publisher.publish({ topic: t.topic('a'), payload: 'gone', qos: 2 });
      await client.isQuiet();
    });
  }

  test('a subscription of a session that goes on is replaced in the same way', {
    4: 'MQTT-3.8.4-3',
    5: 'MQTT-3.8.4-3',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 2 });
    await before.disconnect();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'once', qos: 2 });
    t.isMessage(await after.receiveMessage(), t.topic(), 'once', 1);
    await after.isQuiet();
  });

  test('a subscription with other options takes the place of the one before, with its identifier', {
    5: 'MQTT-3.8.4-3',
  }, async (t) => {
    const client = await t.connected();
    const filter = t.topic();
    const publisher = await t.connected({}, 'publisher');
    const isSeen = async (identifiers: number[] | undefined, retain: boolean): Promise<void> => {
      await publisher.publish({ topic: t.topic(), payload: 'other', qos: 1, retain: true });
      const message = await client.receiveMessage();
      t.equal(message.properties.subscriptionIdentifier, identifiers, 'The subscription identifiers');
      t.equal(message.retain, retain, 'The RETAIN flag');
      await client.isQuiet();
    };
    const old = { filter, qos: 1, retainHandling: 2, noLocal: true };
    await client.subscribe({ ...old, retainAsPublished: true }, { subscriptionIdentifier: [7] });
    await isSeen([7], true);
    await client.subscribe(old, { subscriptionIdentifier: [8] });
    await isSeen([8], false);
    await client.publish({ topic: t.topic(), payload: 'own', qos: 1 });
    await client.isQuiet();
    await client.subscribe({ ...old, noLocal: false });
    await isSeen(undefined, false);
    client.send(publishPacket(t.level, { topic: t.topic(), payload: 'own' }));
    t.isMessage(await client.receive('PUBLISH'), t.topic(), 'own', 0);
  });

  test('a subscription to another filter that matches the same topics is not replaced', {
    4: 'MQTT-3.8.4-3',
    5: 'MQTT-3.8.4-3',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('a'), qos: 0 });
    await client.subscribe({ filter: t.topic('+'), qos: 0 });
    await client.unsubscribe(t.topic('+'));
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('a'), payload: 'there', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic('a'), 'there');
  });

  test('retained messages are sent again when a subscription is replaced', {
    4: 'MQTT-3.8.4-3',
    5: 'MQTT-3.8.4-4',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a', 'b']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
    }
    const client = await t.connected();
    for (const qos of [1, 1, 0]) {
      await client.subscribe({ filter: t.topic('+'), qos, retainHandling: 0 });
      const found = [await client.receiveMessage(), await client.receiveMessage()];
      t.equal(found.map(({ topic }) => topic).sort(), [t.topic('a'), t.topic('b')], 'The topics');
      t.ok(
        found.every((message) => message.retain && message.qos === qos),
        `RETAIN is 0, or the QoS not ${qos}`,
      );
      await client.isQuiet();
    }
  });

  for (const qos of [1, 2]) {
    test(`no message of QoS ${qos} is lost or repeated while a subscription is replaced again and again`, {
      4: 'MQTT-3.8.4-3',
      5: 'MQTT-3.8.4-4',
    }, async (t) => {
      const client = await t.connected();
      await client.subscribe({ filter: t.topic('+'), qos });
      const publisher = await t.connected({}, 'publisher');
      const publishAll = async (): Promise<void> => {
        for (let number = 1; number <= MESSAGES; number++) {
          await publisher.publish({ topic: t.topic('a'), payload: `${number}`, qos });
        }
      };
      const receiveAll = async (): Promise<void> => {
        for (let number = 1; number <= MESSAGES; number++) {
          client.send(subscribePacket(t.level, number, [{ filter: t.topic('+'), qos }]));
          await client.take('SUBACK');
          t.isMessage(await client.receiveMessage(), t.topic('a'), `${number}`, qos);
        }
      };
      await Promise.all([publishAll(), receiveAll()]);
      await client.isQuiet();
    });
  }
});
