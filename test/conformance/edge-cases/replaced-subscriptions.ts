import { serverSection } from '../suite/section.js';

export const replacedSubscriptions = serverSection('Subscriptions that are made again', (test) => {
  for (const [retainHandling, replays] of [
    [0, 'comes each time'],
    [1, 'comes the first time'],
    [2, 'never comes'],
  ] as const) {
    test(`with Retain Handling ${retainHandling} the retained message ${replays}`, { 5: [] }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('a'), payload: 'kept', qos: 1, retain: true });
      const client = await t.connected();
      for (let time = 1; time <= 3; time++) {
        await client.subscribe({ filter: t.topic('+'), qos: 1, retainHandling });
        if (retainHandling === 0 || (retainHandling === 1 && time === 1)) {
          t.isMessage(await client.receiveMessage(), t.topic('a'), 'kept', 1);
        }
        await client.isQuiet();
      }
    });
  }

  test('with Retain Handling 1 a subscription that was deleted and made anew is a new one', { 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const client = await t.connected();
    const subscription = { filter: t.topic(), qos: 1, retainHandling: 1 };
    for (let time = 1; time <= 2; time++) {
      await client.subscribe(subscription);
      t.isMessage(await client.receiveMessage(), t.topic(), 'kept', 1);
      await client.subscribe(subscription);
      await client.isQuiet();
      await client.unsubscribe(t.topic());
    }
  });

  test('with Retain Handling 1 a subscription of a session that has ended is a new one', { 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const clientId = t.clientId();
    for (let time = 1; time <= 2; time++) {
      const client = await t.connected({ ...t.lasting(clientId), clean: true }, `time ${time}`);
      await client.subscribe({ filter: t.topic(), qos: 1, retainHandling: 1 });
      t.isMessage(await client.receiveMessage(), t.topic(), 'kept', 1);
      await client.disconnect();
    }
  });

  test('a retained message that is sent again has the QoS and the identifier of the newer subscription', {
    5: [],
  }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 2, retain: true });
    const client = await t.connected();
    for (const [qos, identifier] of [
      [2, 1],
      [0, 2],
      [1, 3],
    ]) {
      await client.subscribe({ filter: t.topic(), qos }, { subscriptionIdentifier: [identifier] });
      const message = await client.receiveMessage();
      t.isMessage(message, t.topic(), 'kept', qos);
      t.equal(message.properties.subscriptionIdentifier, [identifier], 'The subscription identifiers');
    }
  });

  test('a message under way keeps its QoS when its subscription is replaced by one with another', {
    4: [],
    5: [],
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 2 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'under way', qos: 2 });
    const { packetId } = await before.receive('PUBLISH');
    await before.subscribe({ filter: t.topic(), qos: 0 });
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    const message = await after.receiveMessage();
    t.isMessage(message, t.topic(), 'under way', 2);
    t.equal(message.packetId, packetId, 'The packet id');
    await publisher.publish({ topic: t.topic(), payload: 'new', qos: 2 });
    t.isMessage(await after.receiveMessage(), t.topic(), 'new', 0);
  });

  test('a subscription that is made again by one client stays as it is for others', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    const other = await t.connected({}, 'other');
    for (const one of [client, other]) await one.subscribe({ filter: t.topic(), qos: 2 });
    await client.subscribe({ filter: t.topic(), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 2 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'there', 0);
    t.isMessage(await other.receiveMessage(), t.topic(), 'there', 2);
  });

  test('a shared subscription and one to the same filter do not replace each other', { 5: [] }, async (t) => {
    const { sharedSubscriptionAvailable = 1 } = await t.announced();
    if (sharedSubscriptionAvailable === 0) t.skip('the broker has no shared subscriptions');
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 1 });
    await client.subscribe({ filter: `$share/group/${t.topic()}`, qos: 1 });
    const { reasonCodes } = await client.unsubscribe(`$share/group/${t.topic()}`);
    t.equal(reasonCodes, [0], 'The code of UNSUBACK');
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'there', 1);
    await client.isQuiet();
  });
});
