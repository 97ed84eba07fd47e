import { acknowledgementPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const messageExpiry = serverSection('Message expiry', (test) => {
  test('a message with the expiry interval 0 is not kept for a client that is away', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'gone', qos: 1, properties: { messageExpiryInterval: 0 } });
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1 });
    await t.pass(1100); // for brokers that count whole seconds
    const after = await t.connected(t.lasting(clientId), 'after');
    t.isMessage(await after.receiveMessage(), t.topic(), 'kept', 1);
    await after.isQuiet();
  });

  test('a message with the expiry interval 0 is not sent to who subscribes later', { 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 0 };
    await publisher.publish({ topic: t.topic(), payload: 'gone', qos: 1, retain: true, properties });
    await t.pass(1100); // for brokers that count whole seconds
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    await subscriber.isQuiet();
  });

  test('a message with the expiry interval 0 comes at once or never, and others after it', { 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'now', qos: 1, properties: { messageExpiryInterval: 0 } });
    await publisher.publish({ topic: t.topic(), payload: 'later', qos: 1 });
    let message = await subscriber.receiveMessage();
    if (message.payload.toString() === 'now') {
      t.equal(message.properties.messageExpiryInterval, 0, 'The expiry interval');
      message = await subscriber.receiveMessage();
    }
    t.isMessage(message, t.topic(), 'later', 1);
  });

  test('the largest expiry interval is taken as what it is', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 0xffffffff };
    await publisher.publish({ topic: t.topic(), payload: 'lasting', qos: 1, properties });
    const after = await t.connected(t.lasting(clientId), 'after');
    const message = await after.receiveMessage();
    t.isMessage(message, t.topic(), 'lasting', 1);
    const { messageExpiryInterval = 0 } = message.properties;
    t.ok(messageExpiryInterval > 0xffffffff - 60, `The expiry interval is ${messageExpiryInterval}`);
  });

  test('messages that expire behind others under way are passed over, and only they', { 5: [] }, async (t) => {
    const subscriber = await t.connected({ properties: { receiveMaximum: 1 } }, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const [payload, qos, messageExpiryInterval] of [
      ['1', 1, 1], // under way at once
      ['2', 1, 1],
      ['3', 2, 60],
      ['4', 2, 1],
      ['5', 1, undefined],
    ] as const) {
      const properties = messageExpiryInterval === undefined ? {} : { messageExpiryInterval };
      await publisher.publish({ topic: t.topic(), payload, qos, properties });
    }
    const first = await subscriber.receive('PUBLISH');
    t.isMessage(first, t.topic(), '1', 1);
    await t.pass(2200);
    await subscriber.isQuiet();
    subscriber.send(acknowledgementPacket('PUBACK', first.packetId ?? 0));
    t.isMessage(await subscriber.receiveMessage(), t.topic(), '3', 2);
    t.isMessage(await subscriber.receiveMessage(), t.topic(), '5', 1);
    await subscriber.isQuiet();
  });

  test('a retained message that has expired can be replaced', { 5: [] }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 1 };
    await publisher.publish({ topic: t.topic(), payload: 'old', qos: 1, retain: true, properties });
    await t.pass(2200);
    await publisher.publish({ topic: t.topic(), payload: 'new', qos: 1, retain: true });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const message = await subscriber.receiveMessage();
    t.isMessage(message, t.topic(), 'new', 1);
    t.equal(message.properties.messageExpiryInterval, undefined, 'The expiry interval');
    await subscriber.isQuiet();
  });

  test('a message for a client of 3.1.1 expires as for others', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected({ clientId, clean: false }, 'before', 4);
    await before.subscribe({ filter: t.topic(), qos: 1 });
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 1 };
    await publisher.publish({ topic: t.topic(), payload: 'short-lived', qos: 1, properties });
    await publisher.publish({ topic: t.topic(), payload: 'lasting', qos: 1 });
    await t.pass(2200);
    const after = await t.connected({ clientId, clean: false }, 'after', 4);
    t.isMessage(await after.receiveMessage(), t.topic(), 'lasting', 1);
    await after.isQuiet();
  });
});
