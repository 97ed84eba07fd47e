import type { ServerPacketOf } from '../raw/packet-reader.js';
import { pingreqPacket, type SubscriptionFields } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';

type Message = ServerPacketOf<'PUBLISH'>;

/** The copies that come before a PINGRESP. */
async function copies(client: RawClient): Promise<Message[]> {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  const found: Message[] = [];
  while (client.unread.length > 0) found.push(await client.receiveMessage());
  return found;
}

function identifiersOf(messages: readonly Message[]): number[] {
  return messages.flatMap(({ properties }) => properties.subscriptionIdentifier ?? []).sort((a, b) => a - b);
}

export const overlappingSubscriptions = serverSection('Overlapping subscriptions', (test) => {
  for (const published of [0, 1, 2]) {
    test(`a message of QoS ${published} comes with the highest QoS that its subscriptions allow, and no higher`, {
      4: [],
      5: [],
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      for (const pair of [
        [0, 1],
        [1, 0],
        [0, 2],
        [2, 0],
        [1, 2],
        [2, 1],
      ]) {
        const client = await t.connected({}, `${pair}`);
        await client.subscribe([
          { filter: t.topic('+'), qos: pair[0] },
          { filter: t.topic('a'), qos: pair[1] },
        ]);
        await publisher.publish({ topic: t.topic('a'), payload: 'there', qos: published });
        await publisher.isQuiet();
        const found = (await copies(client)).map(({ qos }) => qos);
        t.equal(Math.max(...found), Math.min(published, Math.max(...pair)), `The highest QoS with ${pair}`);
        t.ok(found.length <= 2, `${found.length} copies came for two subscriptions`);
        client.drop();
      }
    });
  }

  test('when one of two subscriptions is deleted, the other goes on with its own QoS', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    await client.subscribe([
      { filter: t.topic('#'), qos: 1 },
      { filter: t.topic('a/+'), qos: 2 },
    ]);
    const publisher = await t.connected({}, 'publisher');
    await client.unsubscribe(t.topic('a/+'));
    await publisher.publish({ topic: t.topic('a/b'), payload: 'one', qos: 2 });
    t.isMessage(await client.receiveMessage(), t.topic('a/b'), 'one', 1);
    await client.isQuiet();
    await client.unsubscribe(t.topic('#'));
    await publisher.publish({ topic: t.topic('a/b'), payload: 'none', qos: 2 });
    await client.isQuiet();
  });

  test('a message comes to each of several clients once, though their filters overlap', { 4: [], 5: [] }, async (t) => {
    const filters = ['#', '+/b', 'a/+', 'a/b', 'a/b/#', 'a/#'];
    const clients: RawClient[] = [];
    for (const filter of filters) {
      const client = await t.connected({}, filter);
      await client.subscribe({ filter: t.topic(filter), qos: 1 });
      clients.push(client);
    }
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('a/b'), payload: 'once', qos: 2 });
    for (const client of clients) {
      t.isMessage(await client.receiveMessage(), t.topic('a/b'), 'once', 1);
      await client.isQuiet();
    }
  });

  test('one identifier for several filters of a packet comes with messages for each of them', { 5: [] }, async (t) => {
    const client = await t.connected();
    const list = ['a/+', 'b', 'c/#'].map((name) => ({ filter: t.topic(name), qos: 1 }));
    await client.subscribe(list, { subscriptionIdentifier: [42] });
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['a/x', 'b', 'c/y/z']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
      const message = await client.receiveMessage();
      t.isMessage(message, t.topic(name), name);
      t.equal(message.properties.subscriptionIdentifier, [42], 'The subscription identifiers');
    }
  });

  test('the same identifier of two subscriptions that match is named for each, or once', { 5: [] }, async (t) => {
    const client = await t.connected();
    for (const name of ['a/+', '+/b']) {
      await client.subscribe({ filter: t.topic(name), qos: 1 }, { subscriptionIdentifier: [7] });
    }
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic('a/b'), payload: 'there', qos: 1 });
    const found = identifiersOf(await copies(client));
    t.ok([`${[7]}`, `${[7, 7]}`].includes(`${found}`), `The identifiers are ${found}`);
  });

  test('identifiers of all sizes come as they were given', { 5: [] }, async (t) => {
    const client = await t.connected();
    const identifiers = [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455];
    for (const identifier of identifiers) {
      await client.subscribe({ filter: t.topic(`${identifier}`), qos: 0 }, { subscriptionIdentifier: [identifier] });
    }
    const publisher = await t.connected({}, 'publisher');
    for (const identifier of identifiers) {
      await publisher.publish({ topic: t.topic(`${identifier}`), qos: 1 });
      t.equal(identifiersOf([await client.receive('PUBLISH')]), [identifier], 'The subscription identifiers');
    }
  });

  test('identifiers that a session has last with it', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 }, { subscriptionIdentifier: [9] });
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'while away', qos: 1 });
    const after = await t.connected(t.lasting(clientId), 'after');
    t.equal(identifiersOf([await after.receiveMessage()]), [9], 'The identifiers of what waited');
    await publisher.publish({ topic: t.topic(), payload: 'now', qos: 1 });
    t.equal(identifiersOf([await after.receiveMessage()]), [9], 'The identifiers of what is new');
  });

  for (const [what, first, second, wanted] of [
    ['one of two is with Retain As Published', { retainAsPublished: true }, {}, true],
    ['neither is with Retain As Published', {}, {}, false],
  ] as const satisfies readonly [string, Partial<SubscriptionFields>, Partial<SubscriptionFields>, boolean][]) {
    test(`where ${what}, RETAIN of a retained message is ${wanted ? '1 in a copy at least' : '0 in each copy'}`, {
      5: [],
    }, async (t) => {
      const client = await t.connected();
      await client.subscribe([
        { filter: t.topic('a/+'), qos: 1, ...first },
        { filter: t.topic('+/b'), qos: 1, ...second },
      ]);
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('a/b'), payload: 'kept', qos: 1, retain: true });
      const found = await copies(client);
      t.equal(
        found.some(({ retain }) => retain),
        wanted,
        'RETAIN 1 in one of the copies',
      );
    });
  }

  test('without No Local in one of two subscriptions, a message of the client itself comes for that one', {
    5: [],
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('a/+'), qos: 0, noLocal: true }, { subscriptionIdentifier: [1] });
    await client.subscribe({ filter: t.topic('+/b'), qos: 0 }, { subscriptionIdentifier: [2] });
    await client.publish({ topic: t.topic('a/b'), payload: 'own', qos: 1 });
    t.equal(identifiersOf(await copies(client)), [2], 'The identifiers of a message of its own');
    const other = await t.connected({}, 'other');
    await other.publish({ topic: t.topic('a/b'), payload: 'of another', qos: 1 });
    t.equal(identifiersOf(await copies(client)), [1, 2], 'The identifiers of a message of another');
  });
});
