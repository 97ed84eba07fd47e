import { pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** Publishes to a topic that begins with $, and demands that a subscriber of just that gets it; skips where none does. */
async function publishDollar(t: ServerTest, topic: string, retain = false): Promise<void> {
  const control = await t.connected({}, 'control');
  await control.subscribe({ filter: topic, qos: 0 });
  const publisher = await t.connected({}, 'publisher');
  publisher.send(publishPacket(t.level, { topic, payload: 'with $', qos: 1, packetId: 1, retain }));
  await publisher.receive('PUBACK').catch(() => t.skip('the broker takes no messages for topics that begin with $'));
  control.send(pingreqPacket());
  await control.take('PINGRESP');
  if (control.unread.length === 0) t.skip('the broker passes on no messages for topics that begin with $');
}

/** The topics with $ among what came up to a PINGRESP, for a filter that others may write to. */
async function topicsWithDollar(client: RawClient): Promise<string[]> {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  return client.unread
    .map((packet) => (packet.name === 'PUBLISH' ? packet.topic : packet.name))
    .filter((topic) => topic.startsWith('$'));
}

export const dollarTopics = serverSection('Topics that begin with $', (test) => {
  for (const retain of [false, true]) {
    const what = retain ? 'a retained message' : 'a message';
    test(`wildcards behind the first level find ${what} of a topic that begins with $`, {
      4: [],
      5: [],
    }, async (t) => {
      const topic = `$${t.topic('a/b')}`;
      const start = topic.slice(0, -'a/b'.length);
      const filters = [`${start}+/b`, `${start}a/+`, `${start}#`, `${start}a/b/#`, `${start}+/+`];
      const present: RawClient[] = [];
      for (const filter of filters) {
        const client = await t.connected({}, filter);
        await client.subscribe({ filter, qos: 0 });
        present.push(client);
      }
      await publishDollar(t, topic, retain);
      for (const client of present) t.isMessage(await client.receive('PUBLISH'), topic, 'with $');
      if (!retain) return;
      for (const filter of filters) {
        const later = await t.connected({}, `later ${filter}`);
        await later.subscribe({ filter, qos: 0 });
        t.isMessage(await later.receive('PUBLISH'), topic, 'with $');
      }
      const after = await t.connected({}, 'after');
      await after.publish({ topic, qos: 1, retain: true });
    });

    test(`wildcards in the first level do not find ${what} of a topic that begins with $`, {
      4: [],
      5: [],
    }, async (t) => {
      const topic = `$${t.topic('a/b')}`;
      const [, unique] = topic.split('/');
      const filters = ['#', `+/${unique}/a/b`, `+/${unique}/#`, '+/+/a/b', '+/#'];
      const present: RawClient[] = [];
      for (const filter of filters) {
        const client = await t.connected({}, filter);
        await client.subscribe({ filter, qos: 0 });
        present.push(client);
      }
      await publishDollar(t, topic, retain);
      for (const filter of retain ? filters : []) {
        const later = await t.connected({}, `later ${filter}`);
        await later.subscribe({ filter, qos: 0 });
        present.push(later);
      }
      for (const client of present) t.equal(await topicsWithDollar(client), [], 'The topics with $');
      const after = await t.connected({}, 'after');
      if (retain) await after.publish({ topic, qos: 1, retain: true });
    });
  }

  test('a $ elsewhere than at the beginning is a character like any other', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('+/#'), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['$', '$SYS/x', 'a/$SYS', 'a$', '$share/group/a']) {
      await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
      t.isMessage(await client.receive('PUBLISH'), t.topic(name), name);
    }
  });

  test('a shared subscription to # or + does not match topics that begin with $', { 5: [] }, async (t) => {
    const { sharedSubscriptionAvailable = 1 } = await t.announced();
    if (sharedSubscriptionAvailable === 0) t.skip('the broker has no shared subscriptions');
    const topic = `$${t.topic('a')}`;
    const [, unique] = topic.split('/');
    const clients: RawClient[] = [];
    for (const filter of [`+/${unique}/a`, '#']) {
      const client = await t.connected({}, filter);
      await client.subscribe({ filter: `$share/${t.clientId()}/${filter}`, qos: 0 });
      clients.push(client);
    }
    await publishDollar(t, topic);
    for (const client of clients) t.equal(await topicsWithDollar(client), [], 'The topics with $');
  });

  test('a client cannot make others believe that it is the broker: what it publishes to $SYS is not passed on', {
    4: [],
    5: [],
  }, async (t) => {
    const name = `$SYS/broker/${t.topic()}`;
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: '$SYS/broker/#', qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    publisher.send(publishPacket(t.level, { topic: name, payload: 'forged', qos: 1, packetId: 1, retain: true }));
    await publisher.receive('PUBACK').catch(() => publisher.ended());
    const later = await t.connected({}, 'later');
    await later.subscribe({ filter: name, qos: 0 });
    await later.isQuiet();
    t.ok(!(await topicsWithDollar(subscriber)).includes(name), 'The message was passed on');
  });
});
