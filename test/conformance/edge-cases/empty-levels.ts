import { serverSection } from '../suite/section.js';

/** Topics with levels of no characters, all different, behind the beginning that they have in common. */
const TOPICS = ['/', '//', '///', 'a/', 'a//', 'a//b', '/a', '//a', 'a/b', 'a/b/', 'a', '/a/'];

/** The topics that each filter matches. */
const FILTERS: readonly (readonly [filter: string, matching: readonly string[]])[] = [
  ['/', ['/']],
  ['//', ['//']],
  ['a//b', ['a//b']],
  ['/a', ['/a']],
  ['a/', ['a/']],
  ['+', ['a']],
  ['+/', ['/', 'a/']],
  ['/+', ['/', '/a']],
  ['+/+', ['/', 'a/', '/a', 'a/b']],
  ['a/+', ['a/', 'a/b']],
  ['a/+/b', ['a//b']],
  ['+//+', ['//', 'a//', 'a//b', '//a']],
  ['+/+/', ['//', 'a//', 'a/b/', '/a/']],
  ['/#', ['/', '//', '///', '/a', '//a', '/a/']],
  ['//#', ['//', '///', '//a', '/']],
  ['a//#', ['a//', 'a//b', 'a/']],
  ['a/#', ['a/', 'a//', 'a//b', 'a/b', 'a/b/', 'a']],
  ['+/+/#', ['/', '//', '///', 'a/', 'a//', 'a//b', '/a', '//a', 'a/b', 'a/b/', '/a/']],
];

export const emptyLevels = serverSection('Empty topic levels', (test) => {
  for (const [filter, matching] of FILTERS) {
    test(`${filter} matches ${matching.length} of ${TOPICS.length} topics with and without empty levels`, {
      4: [],
      5: [],
    }, async (t) => {
      const present = await t.connected({}, 'present');
      await present.subscribe({ filter: t.topic(filter), qos: 0 });
      const publisher = await t.connected({}, 'publisher');
      for (const name of TOPICS) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
      }
      const later = await t.connected({}, 'later');
      await later.subscribe({ filter: t.topic(filter), qos: 0 });
      const wanted = matching.map((name) => t.topic(name)).sort();
      for (const client of [present, later]) {
        const found: string[] = [];
        for (const _ of matching) found.push((await client.receive('PUBLISH')).topic);
        t.equal(found.sort(), wanted, 'The topics');
        await client.isQuiet();
      }
    });
  }

  for (const topic of ['/', '//', '/a', 'a//b']) {
    test(`${topic} and its neighbours are different topics to a retained message`, { 4: [], 5: [] }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      for (const name of TOPICS) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
      }
      await publisher.publish({ topic: t.topic(topic), qos: 1, retain: true });
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe({ filter: t.topic('#'), qos: 0 });
      const found: string[] = [];
      for (let count = 1; count < TOPICS.length; count++) found.push((await subscriber.receive('PUBLISH')).topic);
      const wanted = TOPICS.filter((name) => name !== topic).map((name) => t.topic(name));
      t.equal(found.sort(), wanted.sort(), 'The topics that still have one');
      await subscriber.isQuiet();
    });
  }

  test('a topic may begin with a slash, and be nothing but slashes', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    const own = t.topic();
    // Others may write to these topics, too: the payload tells which message is ours.
    for (const topic of ['/', '//', `/${own}`]) {
      await client.subscribe({ filter: topic, qos: 0 });
      await client.publish({ topic, payload: own, qos: 1 });
      const message = await client.take('PUBLISH', (packet) => packet.payload.toString() === own);
      t.equal(message.topic, topic, 'The topic');
      await client.unsubscribe(topic);
    }
  });
});
