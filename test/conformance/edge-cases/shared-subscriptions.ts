import { acknowledgementPacket, pingreqPacket, subscribePacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

async function needsSharedSubscriptions(t: ServerTest): Promise<void> {
  const { sharedSubscriptionAvailable = 1 } = await t.announced();
  if (sharedSubscriptionAvailable === 0) t.skip('the broker has no shared subscriptions');
}

function shared(t: ServerTest, filter = 'topic'): string {
  return `$share/group/${t.topic(filter)}`;
}

async function member(t: ServerTest, label: string, qos = 1): Promise<RawClient> {
  const client = await t.connected({}, label);
  await client.subscribe({ filter: shared(t), qos });
  return client;
}

async function publishAll(t: ServerTest, payloads: readonly string[], qos = 1): Promise<void> {
  const publisher = await t.connected({}, 'publisher');
  for (const payload of payloads) await publisher.publish({ topic: t.topic(), payload, qos });
}

/** What has come for a client, acknowledged. */
async function received(client: RawClient): Promise<string[]> {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  const found: string[] = [];
  while (client.unread.length > 0) found.push((await client.receiveMessage()).payload.toString());
  return found;
}

export const sharedSubscriptions = serverSection('Shared subscriptions', (test) => {
  test('no-local is a protocol error in whatever place of the packet it stands', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const client = await t.connected();
    const list = [
      { filter: t.topic(), qos: 1 },
      { filter: shared(t), qos: 1, noLocal: true },
    ];
    client.send(subscribePacket(t.level, 1, list));
    await client.isRefused([0x82]);
  });

  for (const retainHandling of [0, 1, 2]) {
    test(`retained messages do not come for one with Retain Handling ${retainHandling}`, { 5: [] }, async (t) => {
      await needsSharedSubscriptions(t);
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
      const client = await t.connected();
      for (let time = 1; time <= 2; time++) {
        await client.subscribe({ filter: shared(t), qos: 1, retainHandling });
        await client.isQuiet();
      }
      await publisher.publish({ topic: t.topic(), payload: 'new', qos: 1, retain: true });
      t.isMessage(await client.receiveMessage(), t.topic(), 'new', 1);
    });
  }

  test('an ordinary subscription beside one gets the messages as well, and the retained ones', {
    5: [],
  }, async (t) => {
    await needsSharedSubscriptions(t);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1, retain: true });
    const other = await member(t, 'member');
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 1 });
    t.isMessage(await client.receiveMessage(), t.topic(), 'kept', 1);
    await publisher.publish({ topic: t.topic(), payload: 'new', qos: 1 });
    for (const one of [client, other]) t.isMessage(await one.receiveMessage(), t.topic(), 'new', 1);
    for (const one of [client, other]) await one.isQuiet();
  });

  test('a client that is in two groups gets a message for each', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const client = await t.connected();
    await client.subscribe({ filter: `$share/one/${t.topic()}`, qos: 1 }, { subscriptionIdentifier: [1] });
    await client.subscribe({ filter: `$share/two/${t.topic()}`, qos: 1 }, { subscriptionIdentifier: [2] });
    await publishAll(t, ['there']);
    const identifiers: number[] = [];
    client.send(pingreqPacket());
    await client.take('PINGRESP');
    while (client.unread.length > 0) {
      const { properties } = await client.receiveMessage();
      identifiers.push(...(properties.subscriptionIdentifier ?? []));
    }
    t.equal(identifiers.sort(), [1, 2], 'The subscription identifiers');
  });

  test('members of a group whose filters differ are two groups', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const clients = [await t.connected({}, 'topic'), await t.connected({}, '+')];
    await clients[0].subscribe({ filter: shared(t, 'topic'), qos: 1 });
    await clients[1].subscribe({ filter: shared(t, '+'), qos: 1 });
    await publishAll(t, ['there']);
    for (const client of clients) t.isMessage(await client.receiveMessage(), t.topic(), 'there', 1);
  });

  test('a member that subscribes again is in its group once', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const client = await member(t, 'client');
    await client.subscribe({ filter: shared(t), qos: 0 });
    await publishAll(t, ['1', '2']);
    for (const payload of ['1', '2']) t.isMessage(await client.receiveMessage(), t.topic(), payload, 0);
    await client.isQuiet();
    await client.unsubscribe(shared(t));
    await publishAll(t, ['3']);
    await client.isQuiet();
  });

  test('the messages of a group go to its other members when one unsubscribes', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const leaving = await member(t, 'leaving');
    const staying = await member(t, 'staying');
    await leaving.unsubscribe(shared(t));
    const payloads = ['1', '2', '3', '4', '5'];
    await publishAll(t, payloads);
    t.equal(await received(staying), payloads, 'What the other member got');
    await leaving.isQuiet();
  });

  test('the messages of a group go to its other members when the session of one has ended', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const leaving = await member(t, 'leaving');
    const staying = await member(t, 'staying');
    await leaving.disconnect();
    const payloads = ['1', '2', '3', '4', '5'];
    await publishAll(t, payloads);
    t.equal(await received(staying), payloads, 'What the other member got');
  });

  test('no member gets a message that another has acknowledged, whoever leaves then', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const first = await member(t, 'first');
    const payloads = ['1', '2', '3', '4'];
    await publishAll(t, payloads);
    t.equal(await received(first), payloads, 'What the first member got');
    await first.isQuiet(); // so its acknowledgements were read
    const second = await member(t, 'second');
    await first.disconnect();
    await publishAll(t, ['5']);
    t.equal(await received(second), ['5'], 'What the second member got');
  });

  test('of the messages of QoS 1 in flight to a member that leaves, none goes to two others, and new ones keep coming', {
    5: [],
  }, async (t) => {
    await needsSharedSubscriptions(t);
    const leaving = await member(t, 'leaving');
    await publishAll(t, ['1', '2', '3']);
    for (const payload of ['1', '2', '3']) t.isMessage(await leaving.receive('PUBLISH'), t.topic(), payload, 1);
    const others = [await member(t, 'a'), await member(t, 'b')];
    leaving.drop();
    await leaving.ended();
    await publishAll(t, ['4', '5']);
    // A server may send them to others (4.8.2), or let them end with the session: but each once, and the new ones come.
    const found: string[] = [];
    for (const client of others) found.push(...(await received(client)));
    t.equal(new Set(found).size, found.length, 'As many messages as different ones');
    t.ok(found.includes('4') && found.includes('5'), `What the others got is ${found}`);
  });

  test('a member that is away keeps its messages in flight, and those who are there get the new ones', {
    5: [],
  }, async (t) => {
    await needsSharedSubscriptions(t);
    const clientId = t.clientId();
    const away = await t.connected(t.lasting(clientId), 'away');
    await away.subscribe({ filter: shared(t), qos: 2 });
    await publishAll(t, ['in flight'], 2);
    const { packetId } = await away.receive('PUBLISH');
    const present = await member(t, 'present', 2);
    away.drop();
    const back = await t.connected(t.lasting(clientId), 'back');
    const message = await back.receive('PUBLISH');
    t.isMessage(message, t.topic(), 'in flight', 2);
    t.equal(message.packetId, packetId, 'The packet id');
    back.send(acknowledgementPacket('PUBREC', packetId ?? 0));
    await back.receive('PUBREL');
    await present.isQuiet();
  });

  test('a member that unsubscribes with a message of QoS 2 in flight completes it', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const leaving = await member(t, 'leaving', 2);
    await publishAll(t, ['in flight'], 2);
    const { packetId = 0 } = await leaving.receive('PUBLISH');
    const other = await member(t, 'other', 2);
    await leaving.unsubscribe(shared(t));
    leaving.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await leaving.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
    leaving.send(acknowledgementPacket('PUBCOMP', packetId));
    await leaving.isQuiet();
    await other.isQuiet();
  });
});
