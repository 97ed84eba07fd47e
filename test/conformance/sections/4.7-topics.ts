import { pingreqPacket, publishPacket, subscribePacket, unsubscribePacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** 0x8f and 0x90 say which field is not valid; the other two, that the packet is not. */
const INVALID_FILTER = [0x8f, 0x82, 0x81];
const INVALID_NAME = [0x90, 0x82, 0x81];

/** Filters, topics that they match, and topics that they do not. */
const MATCHES: readonly (readonly [filter: string, matching: readonly string[], others: readonly string[]])[] = [
  ['sport/#', ['sport', 'sport/', 'sport/a', 'sport/a/b', 'sport//'], ['sports', 'Sport/a', 'x/sport/a']],
  ['sport/+/player1', ['sport/tennis/player1', 'sport//player1'], ['sport/player1', 'sport/a/b/player1', 'sport/a']],
  ['sport/+', ['sport/a', 'sport/'], ['sport', 'sport/a/', 'sport/a/b']],
  ['+/+', ['a/b', '/b', 'a/', '/'], ['a', 'a/b/c']],
  ['+', ['a', ' '], ['a/', '/a']],
  ['+/tennis/#', ['a/tennis', 'a/tennis/x/y', '/tennis'], ['tennis', 'a/b/tennis']],
  ['/+', ['/a', '/'], ['a', '//a', '/a/b']],
  ['a/+/+/d/#', ['a/b/c/d', 'a///d/e'], ['a/b/d', 'a/b/c/e']],
  ['a/$b/#', ['a/$b', 'a/$b/$c'], ['a/b']],
  ['a/+', ['a/$b', 'a/é', 'a/🜁'], ['a/$b/c']],
];

const INVALID_MULTI_LEVEL = ['a#', 'a/b#', '#/', '#/a', 'a/#/b', 'a/##', 'a/#b', 'a/+#', 'a/#+'];
const INVALID_SINGLE_LEVEL = ['a+', '+a', 'a/b+', 'a/+b', 'a/+b/c', 'a/b+c/d', '++', 'a/++/b', 'a+/+'];

/** Two texts that look or mean alike, but are not the same. */
const ALIKE: readonly (readonly [what: string, one: string, other: string])[] = [
  ['upper and lower case', 'ACCOUNTS', 'Accounts'],
  ['composed and decomposed letters', 'caf\u00e9', 'cafe\u0301'],
  ['a ligature and its letters', '\ufb03', 'ffi'],
  ['a sign and its compatible letter', '\u2126', '\u03a9'],
  ['one slash and two', 'a/b', 'a//b'],
  ['a slash at the end and none', 'a/b/', 'a/b'],
  ['a space at the end and none', 'a ', 'a'],
  ['dots as in paths', 'a/../b', 'b'],
  ['a backslash and a slash', 'a\\b', 'a/b'],
  ['percent signs as in addresses', 'a%2fb', 'a/b'],
  ['a zero width no-break space', '\ufeffa', 'a'],
  ['the replacement character and an unassigned one', '\ufffd', '\u0378'],
];

/** Demands that a SUBSCRIBE to this filter ends the connection, and that an UNSUBSCRIBE does. */
async function isInvalid(t: ServerTest, filter: string | Uint8Array): Promise<void> {
  for (const packet of [subscribePacket(t.level, 1, [{ filter, qos: 1 }]), unsubscribePacket(t.level, 2, [filter])]) {
    const client = await t.connected({}, `${filter}`);
    client.send(packet);
    await client.isRefused(INVALID_FILTER);
  }
}

/** What came for a client that others may write to meanwhile: the topics, up to a PINGRESP. */
async function topicsSoFar(client: RawClient): Promise<string[]> {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  return client.unread.map((packet) => (packet.name === 'PUBLISH' ? packet.topic : packet.name));
}

export const topics = serverSection('4.7 Topic names and topic filters', (test) => {
  for (const wildcard of ['+', '#']) {
    test(`a topic name with ${wildcard} ends the connection, wherever it stands`, {
      4: 'MQTT-4.7.1-1',
      5: 'MQTT-4.7.0-1',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic('#'));
      for (const name of [wildcard, `a/${wildcard}`, `a${wildcard}b`, `${wildcard}/b`]) {
        const client = await t.connected({}, name);
        client.send(publishPacket(t.level, { topic: t.topic(name), qos: 1, packetId: 1 }));
        await client.isRefused(INVALID_NAME);
      }
      await subscriber.isQuiet();
    });
  }

  for (const [filter, matching, others] of MATCHES) {
    test(`the filter ${filter} gets messages of the topics that it matches, and no others`, {
      4: filter.includes('+') ? 'MQTT-4.7.1-3' : 'MQTT-4.7.1-2',
      5: filter.includes('+') ? 'MQTT-4.7.1-2' : 'MQTT-4.7.1-1',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      const client = await t.connected({}, 'subscriber');
      await client.subscribe({ filter: t.topic(filter), qos: 1 });
      for (const name of [...others, ...matching]) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
      }
      for (const name of matching) t.isMessage(await client.receiveMessage(), t.topic(name), name);
      await client.isQuiet();
    });

    test(`the filter ${filter} finds the retained messages of the topics that it matches, and no others`, {
      4: filter.includes('+') ? 'MQTT-4.7.1-3' : 'MQTT-4.7.1-2',
      5: filter.includes('+') ? 'MQTT-4.7.1-2' : 'MQTT-4.7.1-1',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      for (const name of [...others, ...matching]) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1, retain: true });
      }
      const client = await t.connected({}, 'subscriber');
      await client.subscribe({ filter: t.topic(filter), qos: 1 });
      const found: string[] = [];
      for (const _ of matching) found.push((await client.receiveMessage()).topic);
      t.equal(found.sort(), matching.map((name) => t.topic(name)).sort(), 'The topics');
      await client.isQuiet();
    });
  }

  test('a filter with # elsewhere than alone in the last level ends the connection', {
    4: 'MQTT-4.7.1-2',
    5: 'MQTT-4.7.1-1',
  }, async (t) => {
    for (const filter of INVALID_MULTI_LEVEL) await isInvalid(t, t.topic(filter));
    for (const filter of INVALID_MULTI_LEVEL) await isInvalid(t, filter);
  });

  test('a filter with + beside another character in its level ends the connection', {
    4: 'MQTT-4.7.1-3',
    5: 'MQTT-4.7.1-2',
  }, async (t) => {
    for (const filter of INVALID_SINGLE_LEVEL) await isInvalid(t, t.topic(filter));
    for (const filter of INVALID_SINGLE_LEVEL) await isInvalid(t, filter);
  });

  test('of several filters in a packet one that is invalid ends the connection', {
    4: ['MQTT-4.7.1-2', 'MQTT-4.7.1-3'],
    5: ['MQTT-4.7.1-1', 'MQTT-4.7.1-2'],
  }, async (t) => {
    for (const name of ['a/#/b', 'a+']) {
      const client = await t.connected();
      client.send(subscribePacket(t.level, 1, [{ filter: t.topic('valid') }, { filter: t.topic(name) }]));
      await client.isRefused(INVALID_FILTER);
    }
  });

  test('a filter that begins with a wildcard does not match topics that begin with $', {
    4: 'MQTT-4.7.2-1',
    5: 'MQTT-4.7.2-1',
  }, async (t) => {
    const topic = `$${t.topic()}`;
    const [, unique] = topic.split('/');
    const control = await t.connected({}, 'control');
    await control.subscribe({ filter: topic, qos: 1 });
    const filters = ['#', '+/#', `+/${unique}/#`, `+/${unique}/+`, `+/${unique}/topic`];
    const clients: RawClient[] = [];
    for (const filter of filters) {
      const client = await t.connected({}, filter);
      await client.subscribe({ filter, qos: 0 });
      clients.push(client);
    }
    const publisher = await t.connected({}, 'publisher');
    publisher.send(publishPacket(t.level, { topic, payload: 'hidden', qos: 1, packetId: 1 }));
    await publisher.receive('PUBACK').catch(() => t.skip('the broker takes no messages for topics that begin with $'));
    const isTaken = (await topicsSoFar(control)).length > 0;
    if (!isTaken) t.skip('the broker passes on no messages for topics that begin with $');
    for (const [index, client] of clients.entries()) {
      const found = (await topicsSoFar(client)).filter((name) => name.startsWith('$'));
      t.equal(found, [], `The topics with $ that ${filters[index]} gets`);
    }
  });

  test('a filter that begins with a wildcard finds no retained messages of topics that begin with $', {
    4: 'MQTT-4.7.2-1',
    5: 'MQTT-4.7.2-1',
  }, async (t) => {
    // What a broker says of itself is retained as a rule.
    const topic = `$${t.topic()}`;
    const [, unique] = topic.split('/');
    const publisher = await t.connected({}, 'publisher');
    publisher.send(publishPacket(t.level, { topic, payload: 'hidden', qos: 1, packetId: 1, retain: true }));
    await publisher.receive('PUBACK').catch(() => {}); // some take none; then only their own topics begin with $
    for (const filter of ['#', '+/#', `+/${unique}/topic`, '+/broker/#', '+/+/version']) {
      const client = await t.connected({}, filter);
      await client.subscribe({ filter, qos: 0 });
      const found = (await topicsSoFar(client)).filter((name) => name.startsWith('$'));
      t.equal(found, [], `The topics with $ that ${filter} gets`);
      client.drop();
    }
    const after = await t.connected({}, 'after');
    await after.publish({ topic, qos: 0, retain: true });
  });

  test('a topic name and a topic filter without a character end the connection', {
    4: 'MQTT-4.7.3-1',
    5: 'MQTT-4.7.3-1',
  }, async (t) => {
    await isInvalid(t, '');
    for (const qos of [0, 1]) {
      const client = await t.connected({}, `QoS ${qos}`);
      client.send(publishPacket(t.level, { topic: '', qos, ...(qos === 0 ? {} : { packetId: 1 }) }));
      await client.isRefused([0x82, 0x90, 0x81]);
    }
  });

  test('a topic name and a topic filter of one character are valid', {
    4: 'MQTT-4.7.3-1',
    5: 'MQTT-4.7.3-1',
  }, async (t) => {
    const client = await t.connected();
    // Others may use such short topics, too: the payload tells which message is ours.
    for (const topic of ['/', ' ', '\u{1d11e}']) {
      await client.subscribe({ filter: topic, qos: 0 });
      const payload = t.topic();
      await client.publish({ topic, payload, qos: 1 });
      t.isMessage(await client.take('PUBLISH', (packet) => packet.payload.toString() === payload), topic, payload);
      await client.unsubscribe(topic);
    }
  });

  test('U+0000 in a topic name or topic filter ends the connection', {
    4: 'MQTT-4.7.3-2',
    5: 'MQTT-4.7.3-2',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('#'));
    for (const name of ['a\0', '\0', 'a/\0/b']) {
      await isInvalid(t, t.topic(name));
      const client = await t.connected({}, 'publisher');
      client.send(publishPacket(t.level, { topic: t.topic(name) }));
      await client.isRefused(INVALID_NAME);
    }
    await subscriber.isQuiet();
  });

  for (const letter of ['x', 'é', '語']) {
    test(`a topic of 65,535 bytes of ${letter} is one like any other`, {
      4: 'MQTT-4.7.3-3',
      5: 'MQTT-4.7.3-3',
    }, async (t) => {
      const start = t.topic('');
      const room = 65_535 - start.length;
      const size = Buffer.byteLength(letter);
      const topic = start + letter.repeat(Math.floor(room / size)) + 'y'.repeat(room % size);
      t.equal(Buffer.byteLength(topic), 65_535, 'The size of the topic of this test');
      const client = await t.connected();
      await client.subscribe({ filter: topic, qos: 1 });
      await client.publish({ topic, payload: 'long', qos: 1 });
      const message = await client.take('PUBLISH');
      t.ok(message.topic === topic, `The topic that came has ${Buffer.byteLength(message.topic)} bytes, or others`);
    });
  }

  for (const [what, one, other] of ALIKE) {
    test(`topics that differ in nothing but this are not the same: ${what}`, {
      4: 'MQTT-4.7.3-4',
      5: 'MQTT-4.7.3-4',
    }, async (t) => {
      const publisher = await t.connected({}, 'publisher');
      for (const [filter, elsewhere] of [
        [one, other],
        [other, one],
      ]) {
        const client = await t.connected({}, filter);
        await client.subscribe({ filter: t.topic(filter), qos: 1 });
        await publisher.publish({ topic: t.topic(elsewhere), payload: 'elsewhere', qos: 1 });
        await publisher.publish({ topic: t.topic(filter), payload: 'here', qos: 1, retain: true });
        t.isMessage(await client.receiveMessage(), t.topic(filter), 'here');
        const later = await t.connected({}, 'later');
        await later.subscribe({ filter: t.topic(elsewhere), qos: 1 });
        await later.isQuiet();
        await publisher.publish({ topic: t.topic(filter), qos: 1, retain: true });
      }
    });
  }

  test('characters that nobody knows come as they were published', {
    4: 'MQTT-4.7.3-4',
    5: 'MQTT-4.7.3-4',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('#'), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    for (const [, one, other] of ALIKE) {
      for (const name of [one, other]) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
        const { topic } = await client.receiveMessage();
        t.equal(Buffer.from(topic).toString('hex'), Buffer.from(t.topic(name)).toString('hex'), 'The topic');
      }
    }
  });
});
