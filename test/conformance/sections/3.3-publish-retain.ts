import { serverSection } from '../suite/section.js';

export const publishRetain = serverSection('3.3 PUBLISH, RETAIN', (test) => {
  test('a retained message reaches who subscribes later, with the QoS that it was published with', {
    4: ['MQTT-3.3.1-5', 'MQTT-3.3.1-8'],
    5: 'MQTT-3.3.1-5',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2]) {
      await publisher.publish({ topic: t.topic(`${qos}`), payload: 'kept', qos, retain: true });
      const subscriber = await t.connected({}, `at QoS ${qos}`);
      await subscriber.subscribe(t.topic(`${qos}`));
      const message = await subscriber.receiveMessage();
      t.isMessage(message, t.topic(`${qos}`), 'kept', qos);
      t.ok(message.retain, 'The message has RETAIN 0');
      await subscriber.isQuiet();
    }
  });

  test('a retained message outlives the client that published it', {
    4: 'MQTT-3.3.1-5',
    5: 'MQTT-3.3.1-5',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    await publisher.disconnect();
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'kept', 1);
  });

  test('a new subscription is sent the last retained message of each matching topic, and no other', {
    4: 'MQTT-3.3.1-6',
    5: ['MQTT-3.3.1-5', 'MQTT-3.3.1-9'],
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const [name, payload] of [
      ['a/1', 'first'],
      ['a/2', 'only'],
      ['b/1', 'elsewhere'],
      ['a/1', 'last'],
    ]) {
      await publisher.publish({ topic: t.topic(name), payload, qos: 1, retain: true });
    }
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('a/+'));
    const found: string[] = [];
    for (let count = 0; count < 2; count++) {
      const { topic, payload } = await subscriber.receiveMessage();
      found.push(`${topic} ${payload}`);
    }
    t.equal(found.sort(), [`${t.topic('a/1')} last`, `${t.topic('a/2')} only`], 'The retained messages');
    await subscriber.isQuiet();
  });

  test('a retained message of QoS 0 takes the place of the one before, or at least removes it', {
    4: 'MQTT-3.3.1-7',
    5: 'MQTT-3.3.1-5',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'old', qos: 1, retain: true });
    await publisher.publish({ topic: t.topic(), payload: 'new', retain: true });
    await publisher.isQuiet();
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    // Storing it is a SHOULD, keeping it as well: nothing may come, but 'old' must not.
    await publisher.publish({ topic: t.topic(), payload: 'end', qos: 1 });
    const message = await subscriber.receiveMessage();
    if (message.payload.toString() === 'end') return;
    t.isMessage(message, t.topic(), 'new', 0);
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'end', 1);
  });

  test('a message for a subscription that exists has RETAIN 0, whatever it was published with', {
    4: 'MQTT-3.3.1-9',
    5: 'MQTT-3.3.1-12',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const retain of [true, false]) {
      await publisher.publish({ topic: t.topic(), payload: `${retain}`, qos: 1, retain });
      const message = await subscriber.receiveMessage();
      t.isMessage(message, t.topic(), `${retain}`);
      t.ok(!message.retain, `The message that was published with RETAIN ${Number(retain)} has RETAIN 1`);
    }
  });

  test('with Retain As Published, RETAIN is what it was published with', { 5: 'MQTT-3.3.1-13' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1, retainAsPublished: true });
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [0, 1, 2]) {
      for (const retain of [true, false]) {
        await publisher.publish({ topic: t.topic(), payload: `${retain}`, qos, retain });
        const message = await subscriber.receiveMessage();
        t.isMessage(message, t.topic(), `${retain}`);
        t.equal(message.retain, retain, 'The RETAIN flag');
      }
    }
  });

  test('a retained message for a new subscription has RETAIN 1', { 4: 'MQTT-3.3.1-8', 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1, retain: true, payload: 'kept' });
    for (const qos of [0, 1]) {
      const subscriber = await t.connected({}, `QoS ${qos}`);
      await subscriber.subscribe({ filter: t.topic(), qos });
      const message = await subscriber.receiveMessage();
      t.isMessage(message, t.topic(), 'kept', qos);
      t.equal(message.firstByte & 1, 1, 'The RETAIN bit');
    }
  });

  test('an empty retained message is passed on like any other, and removes the retained message', {
    4: 'MQTT-3.3.1-10',
    5: 'MQTT-3.3.1-6',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'old', qos: 1, retain: true });
    const present = await t.connected({}, 'present');
    await present.subscribe({ filter: t.topic(), qos: 1 });
    t.isMessage(await present.receiveMessage(), t.topic(), 'old');
    await publisher.publish({ topic: t.topic(), qos: 1, retain: true });
    t.isMessage(await present.receiveMessage(), t.topic(), '', 1);
    const later = await t.connected({}, 'later');
    await later.subscribe(t.topic());
    await later.isQuiet();
  });

  for (const qos of [0, 1, 2]) {
    test(`an empty retained message of QoS ${qos} is not stored`, {
      4: 'MQTT-3.3.1-11',
      5: 'MQTT-3.3.1-7',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), qos, retain: true });
      await publisher.isQuiet();
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      await subscriber.isQuiet();
    });

    test(`a message of QoS ${qos} with RETAIN 0 is not stored`, {
      4: 'MQTT-3.3.1-12',
      5: 'MQTT-3.3.1-8',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'passing', qos });
      await publisher.isQuiet();
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      await subscriber.isQuiet();
    });
  }

  test('a message with RETAIN 0 neither replaces nor removes the retained one, even if it is empty', {
    4: 'MQTT-3.3.1-12',
    5: 'MQTT-3.3.1-8',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    await publisher.publish({ topic: t.topic(), payload: 'passing', qos: 1 });
    await publisher.publish({ topic: t.topic(), qos: 1 });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'kept', 1);
    await subscriber.isQuiet();
  });

  test('with Retain Handling 0, retained messages come whenever the subscription is made, and made again', {
    5: 'MQTT-3.3.1-9',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const subscriber = await t.connected({}, 'subscriber');
    for (let count = 0; count < 2; count++) {
      await subscriber.subscribe({ filter: t.topic(), qos: 1, retainHandling: 0 });
      t.isMessage(await subscriber.receiveMessage(), t.topic(), 'kept');
      await subscriber.isQuiet();
    }
  });

  test('with Retain Handling 1, retained messages come only if the subscription is new', {
    5: 'MQTT-3.3.1-10',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1, retainHandling: 1 });
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'kept');
    await subscriber.subscribe({ filter: t.topic(), qos: 2, retainHandling: 1 });
    await subscriber.isQuiet();
    await subscriber.unsubscribe(t.topic());
    await subscriber.subscribe({ filter: t.topic(), qos: 1, retainHandling: 1 });
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'kept');
  });

  test('with Retain Handling 1, a subscription of a session that went on is not new', {
    5: 'MQTT-3.3.1-10',
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1, retainHandling: 1 });
    t.isMessage(await before.receiveMessage(), t.topic(), 'kept');
    await before.disconnect();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.subscribe({ filter: t.topic(), qos: 1, retainHandling: 1 });
    await after.isQuiet();
  });

  test('with Retain Handling 2, no retained messages come', { 5: 'MQTT-3.3.1-11' }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1, retainHandling: 2 });
    await subscriber.isQuiet();
    await publisher.publish({ topic: t.topic(), payload: 'new', qos: 1 });
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'new');
  });
});
