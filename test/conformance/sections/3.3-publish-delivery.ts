import type { ServerPacketOf } from '../raw/packet-reader.js';
import { acknowledgementPacket, pingreqPacket, publishPacket, subscribePacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

type Message = ServerPacketOf<'PUBLISH'>;

/** The copies of one message that come before a PINGRESP. They are not acknowledged. */
async function copies(client: RawClient): Promise<Message[]> {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  const found: Message[] = [];
  while (client.unread.length > 0) found.push(await client.receive('PUBLISH'));
  return found;
}

/** Publishes to `a/b`, which a client subscribed to as `#`, `a/+` and `a/b`, with identifiers for the latter two. */
async function overlap(t: ServerTest): Promise<Message[]> {
  const subscriber = await t.connected({}, 'subscriber');
  await subscriber.subscribe({ filter: t.topic('#'), qos: 0 });
  await subscriber.subscribe({ filter: t.topic('a/+'), qos: 1 }, { subscriptionIdentifier: [1] });
  await subscriber.subscribe({ filter: t.topic('a/b'), qos: 2 }, { subscriptionIdentifier: [268_435_455] });
  const publisher = await t.connected({}, 'publisher');
  await publisher.publish({ topic: t.topic('a/b'), payload: 'once or more', qos: 2 });
  const found = await copies(subscriber);
  for (const message of found) t.isMessage(message, t.topic('a/b'), 'once or more');
  return found;
}

function identifiersOf(messages: readonly Message[]): number[] {
  return messages.flatMap(({ properties }) => properties.subscriptionIdentifier ?? []).sort((a, b) => a - b);
}

/** A client with this receive maximum, and so many messages for it on their way. */
async function flooded(t: ServerTest, receiveMaximum: number, qosOfEach: readonly number[]): Promise<RawClient> {
  const subscriber = await t.connected({ properties: { receiveMaximum } }, 'subscriber');
  await subscriber.subscribe(t.topic());
  const publisher = await t.connected({}, 'publisher');
  for (const [index, qos] of qosOfEach.entries()) {
    await publisher.publish({ topic: t.topic(), payload: `${index + 1}`, qos });
  }
  return subscriber;
}

export const publishDelivery = serverSection('3.3 PUBLISH, delivery', (test) => {
  for (const [how, arrangement] of [
    ['', 'plain'],
    [', also where duplicates are switched off', 'no-duplicates'],
  ] as const) {
    test(
      `with overlapping subscriptions a message comes with the highest of their QoS, and at most once for each${how}`,
      { 4: 'MQTT-3.3.5-1', 5: 'MQTT-3.3.4-2' },
      async (t) => {
        const qosOfCopies = (await overlap(t)).map(({ qos }) => qos).sort();
        t.ok(
          [[2], [0, 2], [1, 2], [0, 1, 2]].some((allowed) => `${allowed}` === `${qosOfCopies}`),
          `Copies came with QoS ${qosOfCopies}`,
        );
      },
      arrangement,
    );
  }

  for (const qos of [0, 1, 2]) {
    test(`with overlapping subscriptions a message of QoS ${qos} comes with no more than that`, {
      4: 'MQTT-3.3.5-1',
      5: 'MQTT-3.3.4-2',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe([
        { filter: t.topic('#'), qos: 2 },
        { filter: t.topic('a'), qos: 0 },
      ]);
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('a'), qos });
      await publisher.isQuiet();
      const found = (await copies(subscriber)).map((message) => message.qos);
      t.equal(Math.max(...found), qos, 'The highest QoS');
      t.ok(found.length <= 2, `${found.length} copies came for two subscriptions`);
    });
  }

  test('a message names the identifiers of the subscriptions that it is sent for', { 5: 'MQTT-3.3.4-3' }, async (t) => {
    t.equal(identifiersOf(await overlap(t)), [1, 268_435_455], 'The subscription identifiers of all copies');
  });

  test(
    'a message that is sent once names the identifiers of all matching subscriptions',
    { 5: ['MQTT-3.3.4-3', 'MQTT-3.3.4-4'] },
    async (t) => {
      const found = await overlap(t);
      if (found.length > 1) t.skip('the broker sends a copy for each of overlapping subscriptions');
      t.equal(identifiersOf(found), [1, 268_435_455], 'The subscription identifiers');
    },
    'no-duplicates',
  );

  test('of a message that is sent for each subscription, each copy names the identifier of its own', {
    5: ['MQTT-3.3.4-3', 'MQTT-3.3.4-5'],
  }, async (t) => {
    const found = await overlap(t);
    if (found.length === 1) t.skip('the broker sends one copy for all overlapping subscriptions');
    const expected = [[], [1], [268_435_455]];
    for (const { qos, properties } of found) {
      t.equal(properties.subscriptionIdentifier ?? [], expected[qos], `The identifiers of the copy with QoS ${qos}`);
    }
  });

  test('a message for a subscription without an identifier names none', { 5: 'MQTT-3.3.4-3' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('with'), qos: 1 }, { subscriptionIdentifier: [7] });
    await subscriber.subscribe({ filter: t.topic('without'), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('without'), qos: 1 });
    t.equal(identifiersOf([await subscriber.receiveMessage()]), [], 'The subscription identifiers');
    await publisher.publish({ topic: t.topic('with'), qos: 1 });
    t.equal(identifiersOf([await subscriber.receiveMessage()]), [7], 'The subscription identifiers');
  });

  test('a retained message names the identifier of the new subscription', { 5: 'MQTT-3.3.4-3' }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 1, retain: true, payload: 'kept' });
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 }, { subscriptionIdentifier: [7] });
    t.equal(identifiersOf([await subscriber.receiveMessage()]), [7], 'The subscription identifiers');
  });

  test('no more messages of QoS 1 are under way than the receive maximum', { 5: 'MQTT-3.3.4-9' }, async (t) => {
    const subscriber = await flooded(t, 2, [1, 1, 1, 1]);
    const first = await subscriber.receive('PUBLISH');
    t.isMessage(first, t.topic(), '1');
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), '2');
    await subscriber.isQuiet();
    subscriber.send(acknowledgementPacket('PUBACK', first.packetId ?? 0));
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), '3');
    await subscriber.isQuiet();
  });

  test('a message of QoS 2 is under way until PUBCOMP, which counts towards the receive maximum', {
    5: 'MQTT-3.3.4-9',
  }, async (t) => {
    const subscriber = await flooded(t, 2, [2, 1, 2, 1]);
    const { packetId = 0 } = await subscriber.receive('PUBLISH');
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), '2', 1);
    subscriber.send(acknowledgementPacket('PUBREC', packetId));
    await subscriber.receive('PUBREL');
    await subscriber.isQuiet();
    subscriber.send(acknowledgementPacket('PUBCOMP', packetId));
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), '3', 2);
    await subscriber.isQuiet();
  });

  test('a PUBREC with an error makes room for the next message', { 5: 'MQTT-3.3.4-9' }, async (t) => {
    const subscriber = await flooded(t, 1, [2, 2]);
    const { packetId = 0 } = await subscriber.receive('PUBLISH');
    await subscriber.isQuiet();
    subscriber.send(acknowledgementPacket('PUBREC', packetId, 0x80));
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), '2', 2);
    await subscriber.isQuiet();
  });

  test('messages of QoS 0 do not count towards the receive maximum', { 5: 'MQTT-3.3.4-9' }, async (t) => {
    const subscriber = await flooded(t, 1, [0, 0, 1]);
    for (const [payload, qos] of [
      ['1', 0],
      ['2', 0],
      ['3', 1],
    ] as const) {
      t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), payload, qos);
    }
  });

  test('the receive maximum holds for what waited for the client, too', { 5: 'MQTT-3.3.4-9' }, async (t) => {
    const clientId = t.clientId();
    const properties = { receiveMaximum: 3, sessionExpiryInterval: 60 };
    const before = await t.connected({ clientId, clean: false, properties }, 'before');
    await before.subscribe(t.topic());
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['1', '2', '3', '4']) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
    const after = await t.connected({ clientId, clean: false, properties }, 'after');
    for (const payload of ['1', '2', '3']) t.isMessage(await after.receive('PUBLISH'), t.topic(), payload);
    await after.isQuiet();
  });

  test('what is not a PUBLISH comes at once, even if the receive maximum is reached', {
    5: 'MQTT-3.3.4-10',
  }, async (t) => {
    const subscriber = await flooded(t, 1, [2, 2]);
    const { packetId = 0 } = await subscriber.receive('PUBLISH');
    subscriber.send(pingreqPacket());
    await subscriber.receive('PINGRESP');
    subscriber.send(subscribePacket(t.level, 11, [{ filter: t.topic('other') }]));
    await subscriber.receive('SUBACK');
    await subscriber.unsubscribe(t.topic('other'));
    subscriber.send(publishPacket(t.level, { topic: t.topic('away'), qos: 1, packetId: 12 }));
    await subscriber.receive('PUBACK');
    subscriber.send(publishPacket(t.level, { topic: t.topic('away'), qos: 2, packetId: 13 }));
    await subscriber.receive('PUBREC');
    subscriber.send(acknowledgementPacket('PUBREL', 13));
    await subscriber.receive('PUBCOMP');
    subscriber.send(acknowledgementPacket('PUBREC', packetId));
    await subscriber.receive('PUBREL');
    await subscriber.isQuiet();
  });
});
