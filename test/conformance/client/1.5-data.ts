import { ProtocolViolation } from '@cauldron/client';
import { frame, hex, propertyBytes, publishPacket, text, two } from '../raw/packet-writer.js';
import { connackPacket, subackPacket } from '../raw/server-packet-writer.js';
import { clientSection } from '../suite/section.js';

/** What a string must not be made of, as a program has it. */
const BAD_TEXTS = { 'half of a surrogate pair': 'a\ud800b', 'the null character': 'a\u0000b' } as const;

/** Ill-formed UTF-8: a byte that begins nothing, a cut character, an overlong form, an encoded surrogate, too high. */
const ILL_FORMED = ['61 ff', 'e2 82', 'c0 80', 'ed a0 80', 'f4 90 80 80'] as const;

export const data = clientSection('1.5 Data representation', (test) => {
  for (const [what, bad] of Object.entries(BAD_TEXTS)) {
    const isNull = bad.includes('\u0000');
    const proves = isNull
      ? ({ 4: 'MQTT-1.5.3-2', 5: 'MQTT-1.5.4-2' } as const)
      : ({ 4: 'MQTT-1.5.3-1', 5: 'MQTT-1.5.4-1' } as const);

    test(`no CONNECT is sent with ${what} in a string`, proves, async (t) => {
      await t.refusesToConnect({ clientId: bad }, 'A client id');
      await t.refusesToConnect({ username: bad }, 'A user name');
      await t.refusesToConnect({ will: { topic: bad } }, 'The topic of a will');
      if (t.level === 5) {
        await t.refusesToConnect({ will: { topic: 'a', properties: { contentType: bad } } }, 'A content type');
        await t.refusesToConnect({ userProperties: [['a', bad]] }, 'A user property');
      }
    });

    test(`no other packet is sent with ${what} in a string`, proves, async (t) => {
      const { client, server } = await t.connected();
      await t.refuses(server, client.publish(bad, ''), 'A topic');
      await t.refuses(server, client.subscribe(['good', bad]), 'A filter to subscribe to');
      await t.refuses(server, client.unsubscribe(bad), 'A filter to unsubscribe from');
      if (t.level === 5) {
        for (const properties of [{ contentType: bad }, { responseTopic: bad }]) {
          for (const qos of [0, 1] as const) {
            await t.refuses(server, client.publish('a', '', { qos, properties }), Object.keys(properties)[0]);
          }
        }
      }
    });
  }

  for (const bytes of [...ILL_FORMED, '61 00 62']) {
    const proves =
      bytes === '61 00 62'
        ? ({ 4: 'MQTT-1.5.3-2', 5: 'MQTT-1.5.4-2' } as const)
        : ({ 4: 'MQTT-1.5.3-1', 5: 'MQTT-1.5.4-1' } as const);
    test(`a PUBLISH whose topic name is the bytes ${bytes} ends the connection`, proves, async (t) => {
      const { client, server, inbox } = await t.connected();
      server.send(publishPacket(t.level, { topic: hex(bytes), qos: 1, packetId: 1 }));
      await server.isRefused([0x81]);
      t.ok((await client.closed) instanceof ProtocolViolation, 'The program is not told of the violation');
      t.equal(inbox.unread, [], 'What was delivered');
    });
  }

  test('an ill-formed string in a property ends the connection', { 5: 'MQTT-1.5.4-1' }, async (t) => {
    const contentType = Buffer.concat([hex('03'), text(hex('c3 28'))]);
    const { server } = await t.connected();
    server.send(publishPacket(t.level, { topic: 'a', properties: contentType }));
    await server.isRefused([0x81]);
    const other = await t.connected();
    const subscribing = t.begun(other.client.subscribe('a'));
    const { packetId } = await other.server.receive('SUBSCRIBE');
    other.server.send(subackPacket(5, packetId, [0], Buffer.concat([hex('1f'), text(hex('c3 28'))])));
    await other.server.isRefused([0x81]);
    await t.rejects(subscribing, 'SUBSCRIBE');
  });

  test('a CONNACK with an ill-formed string is not accepted', { 5: 'MQTT-1.5.4-1' }, async (t) => {
    const { connecting, server } = await t.dial();
    await server.receive('CONNECT');
    server.send(connackPacket(5, { properties: Buffer.concat([hex('12'), text(hex('ff'))]) }));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting', ProtocolViolation);
  });

  test('U+FEFF is part of a string wherever it stands, and is neither stripped nor taken for a mark', {
    4: 'MQTT-1.5.3-3',
    5: 'MQTT-1.5.4-3',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const topic = '\ufefftopic\ufeff';
    server.send(publishPacket(t.level, { topic, payload: 'received' }));
    t.isMessage(await inbox.next(), topic, 'received');
    await client.publish(topic, 'sent');
    const sent = await server.receive('PUBLISH');
    t.equal(
      sent.bytes.subarray(4, 4 + 11).toString('hex'),
      Buffer.concat([hex('ef bb bf'), Buffer.from('topic'), hex('ef bb bf')]).toString('hex'),
      'The bytes of the topic name',
    );
    const subscribing = client.subscribe(topic, {}, (message) => inbox.add(message));
    const { subscriptions } = await server.acceptSubscribe();
    await subscribing;
    t.equal(subscriptions[0].filter, topic, 'The filter');
    server.send(publishPacket(t.level, { topic: 'topic', payload: 'another' }));
    t.isMessage(await inbox.next(), 'topic', 'another');
    server.send(publishPacket(t.level, { topic, payload: 'again' }));
    t.isMessage(await inbox.next(), topic, 'again');
  });

  test('every variable byte integer is sent in its shortest form', { 5: 'MQTT-1.5.5-1' }, async (t) => {
    const { client, server } = await t.connected();
    // Around each number of bytes that a remaining length can take; the reader of the suite refuses a longer form.
    for (const size of [1, 122, 123, 124, 16_376, 16_377, 16_378, 2_097_145, 2_097_146]) {
      await client.publish('a', Buffer.alloc(size));
      const { payload, bytes } = await server.receive('PUBLISH');
      t.equal(payload.length, size, 'The length of the payload');
      const header = bytes.length - (2 + 1 + 1 + size);
      const body = bytes.length - header;
      t.equal(header, 1 + (body < 128 ? 1 : body < 16_384 ? 2 : body < 2_097_152 ? 3 : 4), 'The bytes of the header');
    }
    for (const length of [10, 123, 124, 125, 16_379, 16_380, 16_381]) {
      await client.publish('a', '', { properties: { contentType: 'x'.repeat(length) } });
      const { bytes } = await server.receive('PUBLISH');
      const list = length + 3;
      const header = list + 4 < 128 ? 2 : list + 5 < 16_384 ? 3 : 4;
      t.equal(bytes.length - header - 3 - list, list < 128 ? 1 : list < 16_384 ? 2 : 3, 'The bytes of the length');
    }
    for (const id of [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]) {
      const subscribing = client.subscribe('a', { subscriptionIdentifier: id });
      const { properties, bytes } = await server.acceptSubscribe();
      await subscribing;
      t.equal(properties.subscriptionIdentifier, id, 'The subscription identifier');
      const wanted = id < 128 ? 1 : id < 16_384 ? 2 : id < 2_097_152 ? 3 : 4;
      t.equal(bytes.length - (2 + 2 + 1 + 1) - (2 + 1 + 1), wanted, 'The bytes of the identifier');
    }
  });

  test('a variable byte integer that takes more bytes than it needs ends the connection', {
    5: 'MQTT-1.5.5-1',
  }, async (t) => {
    const overlong = {
      'the remaining length': hex('30 84 00 00 01 61 00'),
      'the property length': frame(0x30, text('a'), hex('80 00')),
      'a subscription identifier': frame(0x30, text('a'), hex('03 0b 81 00')),
    };
    for (const [what, packet] of Object.entries(overlong)) {
      const { server, inbox } = await t.connected();
      server.send(packet);
      await server.isRefused([0x81]);
      t.equal(inbox.unread, [], `What was delivered in spite of ${what}`);
    }
  });

  test('no user property is sent of which a half is not a valid string', { 5: 'MQTT-1.5.7-1' }, async (t) => {
    const { client, server } = await t.connected();
    for (const bad of Object.values(BAD_TEXTS)) {
      for (const pair of [
        [bad, 'value'],
        ['name', bad],
      ] as const) {
        const properties = { userProperties: [pair] };
        await t.refuses(server, client.publish('a', '', { properties }), 'PUBLISH');
        await t.refuses(server, client.subscribe('a', properties), 'SUBSCRIBE');
        await t.refuses(server, client.unsubscribe('a', properties), 'UNSUBSCRIBE');
        await t.refusesToConnect(properties, 'CONNECT');
        await t.refusesToConnect({ will: { topic: 'a', properties } }, 'A will');
      }
    }
  });

  test('a user property of which a half is ill-formed ends the connection', { 5: 'MQTT-1.5.7-1' }, async (t) => {
    const bad = hex('c3 28');
    for (const pair of [Buffer.concat([text(bad), text('value')]), Buffer.concat([text('name'), text(bad)])]) {
      const { server } = await t.connected();
      server.send(publishPacket(5, { topic: 'a', properties: Buffer.concat([hex('26'), pair]) }));
      await server.isRefused([0x81]);
    }
  });

  test('user properties are sent and received as they are, in their order', { 5: 'MQTT-1.5.7-1' }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const pairs: [string, string][] = [
      ['a', '1'],
      ['\ufeff', '\u{1f9ea}'],
      ['a', ''],
    ];
    await client.publish('a', '', { properties: { userProperties: pairs } });
    t.equal((await server.receive('PUBLISH')).properties.userProperty, pairs, 'What was sent');
    server.send(publishPacket(5, { topic: 'a', properties: { userProperty: pairs } }));
    t.equal((await inbox.next()).properties?.userProperties, pairs, 'What was received');
  });

  test('a string that is longer than its packet ends the connection', { 4: [], 5: [] }, async (t) => {
    const { server } = await t.connected();
    server.send(frame(0x30, two(9), Buffer.from('short'), t.level === 5 ? propertyBytes({}) : Buffer.alloc(0)));
    await server.isRefused([0x81]);
  });
});
