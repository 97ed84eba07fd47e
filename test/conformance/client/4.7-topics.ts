import { publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

/** 65,535 bytes of UTF-8 in 21,845 characters. */
const LONGEST = '€'.repeat(21_845);

export const topics = clientSection('4.7 Topic names and topic filters', (test) => {
  test('a filter whose # does not stand alone in the last level is not sent', {
    4: 'MQTT-4.7.1-2',
    5: 'MQTT-4.7.1-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const filter of ['a#', '#a', 'a/#b', 'a/b#', '#/a', 'a/#/b', '##', 'a/##', '#/']) {
      await t.refuses(server, client.subscribe(filter), `SUBSCRIBE to ${filter}`);
      await t.refuses(server, client.unsubscribe(filter), `UNSUBSCRIBE from ${filter}`);
    }
    const subscribing = client.subscribe(['#', 'a/#', '/#']);
    t.equal((await server.acceptSubscribe()).subscriptions.length, 3, 'The filters that are allowed');
    await subscribing;
  });

  test('a filter whose + does not have a level for itself is not sent', {
    4: 'MQTT-4.7.1-3',
    5: 'MQTT-4.7.1-2',
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const filter of ['a+', '+a', 'a/b+/c', 'a/+b', '++', '+#', '/a+']) {
      await t.refuses(server, client.subscribe(filter), `SUBSCRIBE to ${filter}`);
      await t.refuses(server, client.unsubscribe(filter), `UNSUBSCRIBE from ${filter}`);
    }
    const subscribing = client.subscribe(['+', '+/a', 'a/+', 'a/+/b', '/+', '+/+', '+/#']);
    t.equal((await server.acceptSubscribe()).subscriptions.length, 7, 'The filters that are allowed');
    await subscribing;
  });

  test('wildcards in a filter give the program the messages that they match, and no others', {
    4: ['MQTT-4.7.1-2', 'MQTT-4.7.1-3'],
    5: ['MQTT-4.7.1-1', 'MQTT-4.7.1-2'],
  }, async (t) => {
    for (const [filter, matching, other] of [
      ['a/#', ['a', 'a/b', 'a/b/c', 'a/'], ['b', 'ab', '/a']],
      ['+/b', ['a/b', '/b', 'é/b'], ['b', 'a/c/b', 'a/b/']],
      ['a/+', ['a/', 'a/b'], ['a', 'a/b/c']],
      ['#', ['a', '/', 'a/b'], ['$SYS/a']],
    ] as const) {
      const { client, server, inbox } = await t.connected();
      const handled: string[] = [];
      const subscribing = client.subscribe(filter, {}, ({ topic }) => {
        handled.push(topic);
      });
      await server.acceptSubscribe();
      await subscribing;
      server.send(...[...matching, ...other].map((topic) => publishPacket(t.level, { topic })));
      for (const topic of other) t.isMessage(await inbox.next(), topic, '');
      t.equal(handled, [...matching], `What the handler of ${filter} was given`);
      t.equal(inbox.unread, [], 'What else was delivered');
    }
  });

  test('an empty topic name or filter is not sent', { 4: 'MQTT-4.7.3-1', 5: 'MQTT-4.7.3-1' }, async (t) => {
    const { client, server } = await t.connected();
    await t.refuses(server, client.publish('', 'x'), 'PUBLISH');
    await t.refuses(server, client.subscribe(''), 'SUBSCRIBE');
    await t.refuses(server, client.subscribe(['a', '']), 'SUBSCRIBE to two');
    await t.refuses(server, client.unsubscribe(''), 'UNSUBSCRIBE');
    await t.refusesToConnect({ will: { topic: '' } }, 'A will');
  });

  test('an empty topic name from the server ends the connection', {
    4: 'MQTT-4.7.3-1',
    5: 'MQTT-4.7.3-1',
  }, async (t) => {
    const { server, inbox } = await t.connected();
    server.send(publishPacket(t.level, { topic: '' }));
    await server.isRefused([0x82, 0x81, 0x90]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('a topic name or filter with the null character is neither sent nor accepted', {
    4: 'MQTT-4.7.3-2',
    5: 'MQTT-4.7.3-2',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    for (const text of ['\u0000', 'a/\u0000/b', 'a\u0000']) {
      await t.refuses(server, client.publish(text, 'x'), 'PUBLISH');
      await t.refuses(server, client.subscribe(text), 'SUBSCRIBE');
      await t.refuses(server, client.unsubscribe(text), 'UNSUBSCRIBE');
    }
    server.send(publishPacket(t.level, { topic: 'a\u0000' }));
    await server.isRefused([0x81, 0x82, 0x90]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('topic names and filters of 65,535 bytes are sent and received, longer ones are not sent', {
    4: 'MQTT-4.7.3-3',
    5: 'MQTT-4.7.3-3',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    await client.publish(LONGEST, 'x');
    t.equal((await server.receive('PUBLISH')).topic, LONGEST, 'The topic name that was sent');
    server.send(publishPacket(t.level, { topic: LONGEST }));
    t.equal((await inbox.next()).topic, LONGEST, 'The topic name that was received');
    const subscribing = client.subscribe(LONGEST);
    t.equal((await server.acceptSubscribe()).subscriptions[0].filter, LONGEST, 'The filter');
    await subscribing;
    for (const text of [`${LONGEST}a`, 'x'.repeat(65_536), 'x'.repeat(200_000)]) {
      await t.refuses(server, client.publish(text, 'x'), 'PUBLISH');
      await t.refuses(server, client.subscribe(text), 'SUBSCRIBE');
      await t.refuses(server, client.unsubscribe(text), 'UNSUBSCRIBE');
    }
  });
});
