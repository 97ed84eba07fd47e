import { serverSection } from '../suite/section.js';

export const retainedMessages = serverSection('Retained messages', (test) => {
  for (const qos of [0, 1, 2]) {
    for (const granted of [0, 1, 2]) {
      test(`a retained message of QoS ${qos} comes to a subscription of QoS ${granted} with the lower of both`, {
        4: [],
        5: [],
      }, async (t) => {
        const publisher = await t.connected({}, 'publisher');
        await publisher.publish({ topic: t.topic(), payload: 'kept', qos, retain: true });
        await publisher.isQuiet();
        const subscriber = await t.connected({}, 'subscriber');
        await subscriber.subscribe({ filter: t.topic(), qos: granted });
        const message = await subscriber.receiveMessage();
        t.isMessage(message, t.topic(), 'kept', Math.min(qos, granted));
        t.ok(message.retain && !message.dup, 'RETAIN is 0 or DUP is 1');
        await subscriber.isQuiet();
      });
    }

    test(`an empty retained message of QoS ${qos} removes one of another QoS, and subscribers see it`, {
      4: [],
      5: [],
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 2 - qos, retain: true });
      await publisher.isQuiet();
      const present = await t.connected({}, 'present');
      await present.subscribe(t.topic());
      t.isMessage(await present.receiveMessage(), t.topic(), 'kept', 2 - qos);
      await publisher.publish({ topic: t.topic(), qos, retain: true });
      const removal = await present.receiveMessage();
      t.isMessage(removal, t.topic(), '', qos);
      t.ok(!removal.retain, 'The message that removes has RETAIN 1');
      const later = await t.connected({}, 'later');
      await later.subscribe(t.topic());
      await later.isQuiet();
    });
  }

  test('with Retain As Published, the removal of a retained message has RETAIN 1', { 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1, retainAsPublished: true });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1, retain: true });
    const removal = await subscriber.receiveMessage();
    t.isMessage(removal, t.topic(), '', 1);
    t.ok(removal.retain, 'RETAIN is 0');
  });

  test('an empty message with RETAIN 0 is passed on', { 4: [], 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [0, 1, 2]) {
      await publisher.publish({ topic: t.topic(), qos });
      t.isMessage(await subscriber.receiveMessage(), t.topic(), '', qos);
    }
  });

  test('a topic that was cleared can have a retained message again', { 4: [], 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['first', '', 'second']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1, retain: true });
    }
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'second', 1);
    await subscriber.isQuiet();
  });

  test('clearing a topic leaves those above and below it as they are', { 4: [], 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a', 'a/b', 'a/b/c']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
    }
    await publisher.publish({ topic: t.topic('a/b'), qos: 1, retain: true });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('a/#'));
    const found = [await subscriber.receiveMessage(), await subscriber.receiveMessage()];
    t.equal(found.map(({ payload }) => payload.toString()).sort(), ['a', 'a/b/c'], 'The retained messages');
    await subscriber.isQuiet();
  });

  test('a retained message without a subscriber is acknowledged like any other', { 4: [], 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: 'kept', qos, retain: true });
    await publisher.isQuiet();
  });

  test('retained messages in greater number than can be under way all come', { 4: [], 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const names = Array.from({ length: 60 }, (_, index) => `${index}`);
    for (const name of names) await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
    const subscriber = await t.connected({ properties: { receiveMaximum: 3 } }, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('+'), qos: 1 });
    const found = new Set<string>();
    for (const _ of names) {
      const message = await subscriber.receiveMessage();
      t.ok(message.retain, 'RETAIN is 0');
      found.add(message.payload.toString());
    }
    t.equal(found.size, names.length, 'The number of topics');
    await subscriber.isQuiet();
  });
});
