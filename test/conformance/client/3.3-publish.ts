import type { PublishProperties } from '@cauldron/client';
import { acknowledgementPacket, frame, hex, propertyBytes, publishPacket, text, two } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const publish = clientSection('3.3 PUBLISH', (test) => {
  test('a PUBLISH that is sent again has DUP', { 4: 'MQTT-3.3.1-1', 5: 'MQTT-3.3.1-1' }, async (t) => {
    const first = await t.lasting();
    for (const qos of [1, 2] as const) {
      t.begun(first.client.publish('a', `QoS ${qos}`, { qos }));
      t.equal((await first.server.receive('PUBLISH')).dup, false, 'DUP at first');
    }
    await t.lose(first);
    const second = await t.lasting(first.client.session);
    for (const qos of [1, 2] as const) {
      const again = await second.server.receive('PUBLISH');
      t.equal([again.qos, again.dup, again.firstByte & 8], [qos, true, 8], 'QoS and DUP');
    }
    await t.lose(second);
    const third = await t.lasting(first.client.session);
    for (const qos of [1, 2] as const) {
      const again = await third.server.receive('PUBLISH');
      t.equal([again.qos, again.dup], [qos, true], 'QoS and DUP, once more');
    }
  });

  test('DUP is 0 at QoS 0', { 4: 'MQTT-3.3.1-2', 5: 'MQTT-3.3.1-2' }, async (t) => {
    const { client, server } = await t.connected();
    for (let count = 0; count < 3; count++) {
      await client.publish('a', 'the same');
      t.equal((await server.receive('PUBLISH')).firstByte, 0x30, 'The first byte');
    }
  });

  test('DUP at QoS 0 ends the connection', { 5: 'MQTT-3.3.1-2' }, async (t) => {
    const { server, inbox } = await t.connected();
    server.send(publishPacket(5, { topic: 'a', dup: true }));
    await server.isRefused([0x81, 0x82]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('QoS 3 is not sent', { 4: 'MQTT-3.3.1-4', 5: 'MQTT-3.3.1-4' }, async (t) => {
    const { client, server } = await t.connected();
    await t.refuses(server, client.publish('a', '', { qos: 3 as 2 }), 'PUBLISH');
    for (const qos of [0, 1, 2] as const) {
      t.begun(client.publish('a', '', { qos }));
      t.equal((await server.receive('PUBLISH')).firstByte, 0x30 | (qos << 1), 'The first byte');
    }
  });

  test('QoS 3 from the server ends the connection', { 4: 'MQTT-3.3.1-4', 5: 'MQTT-3.3.1-4' }, async (t) => {
    const { server, inbox } = await t.connected();
    server.send(publishPacket(t.level, { topic: 'a', qos: 3, packetId: 1 }));
    await server.isRefused([0x81]);
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('the topic name is the first field of the variable header, in UTF-8', {
    4: 'MQTT-3.3.2-1',
    5: 'MQTT-3.3.2-1',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    for (const topic of ['a', 'тема/\u{1f9ea}', ' /with space', '/', 'x'.repeat(200)]) {
      for (const qos of [0, 1] as const) {
        t.begun(client.publish(topic, 'payload', { qos }));
        const { bytes } = await server.receive('PUBLISH');
        const field = text(topic);
        const header = bytes[1] < 128 ? 2 : 3;
        t.equal(bytes.subarray(header, header + field.length), field, 'The first field');
      }
      server.send(publishPacket(t.level, { topic, payload: 'back' }));
      t.isMessage(await inbox.next(), topic, 'back');
    }
  });

  test('a PUBLISH that ends within its topic name ends the connection', {
    4: 'MQTT-3.3.2-1',
    5: 'MQTT-3.3.2-1',
  }, async (t) => {
    for (const body of [hex(''), hex('00'), hex('0005 61')]) {
      const { server } = await t.connected();
      server.send(frame(0x30, body));
      await server.isRefused([0x81]);
    }
  });

  test('a topic name with a wildcard is not sent', {
    4: ['MQTT-3.3.2-2', 'MQTT-4.7.1-1'],
    5: ['MQTT-3.3.2-2', 'MQTT-4.7.0-1'],
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const topic of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#', '+/a']) {
      for (const qos of [0, 1, 2] as const) await t.refuses(server, client.publish(topic, '', { qos }), topic);
    }
    await t.refusesToConnect({ will: { topic: 'a/+' } }, 'A will to a/+');
  });

  test('a topic name with a wildcard from the server ends the connection', {
    4: ['MQTT-3.3.2-2', 'MQTT-4.7.1-1'],
    5: ['MQTT-3.3.2-2', 'MQTT-4.7.0-1'],
  }, async (t) => {
    for (const topic of ['+', 'a/#', 'a+b']) {
      const { server, inbox } = await t.connected();
      server.send(publishPacket(t.level, { topic, qos: 1, packetId: 1 }));
      await server.isRefused([0x90, 0x81, 0x82]);
      t.equal(inbox.unread, [], 'What was delivered');
    }
  });

  test('response topic and content type are sent and received as UTF-8 strings', {
    5: ['MQTT-3.3.2-13', 'MQTT-3.3.2-19'],
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const sent: PublishProperties = { responseTopic: 'ответ/é', contentType: '内容/\u{1f9ea}' };
    await client.publish('a', '', { properties: sent });
    const packet = await server.receive('PUBLISH');
    t.equal(packet.properties, sent, 'The properties');
    t.ok(packet.bytes.includes(Buffer.concat([hex('08'), text('ответ/é')])), 'The response topic is not in UTF-8');
    t.ok(packet.bytes.includes(Buffer.concat([hex('03'), text('内容/\u{1f9ea}')])), 'The content type is not');
    server.send(publishPacket(5, { topic: 'a', properties: propertyBytes(packet.properties) }));
    t.equal((await inbox.next()).properties, sent, 'The properties that came back');
  });

  for (const [name, id, statement] of [
    ['responseTopic', '08', 'MQTT-3.3.2-13'],
    ['contentType', '03', 'MQTT-3.3.2-19'],
  ] as const) {
    test(`an ill-formed ${name} is neither sent nor accepted`, { 5: statement }, async (t) => {
      const { client, server, inbox } = await t.connected();
      await t.refuses(server, client.publish('a', '', { properties: { [name]: '\udfff' } }), 'PUBLISH');
      server.send(publishPacket(5, { topic: 'a', properties: Buffer.concat([hex(id), text(hex('f5 80'))]) }));
      await server.isRefused([0x81]);
      t.equal(inbox.unread, [], 'What was delivered');
    });
  }

  test('a response topic with a wildcard is neither sent nor accepted', { 5: 'MQTT-3.3.2-14' }, async (t) => {
    for (const responseTopic of ['+', 'a/#', 'a+b']) {
      const { client, server, inbox } = await t.connected();
      await t.refuses(server, client.publish('a', '', { properties: { responseTopic } }), 'PUBLISH');
      await t.refusesToConnect({ will: { topic: 'a', properties: { responseTopic } } }, 'A will');
      server.send(publishPacket(5, { topic: 'a', properties: { responseTopic } }));
      await server.isRefused([0x82, 0x81, 0x90]);
      t.equal(inbox.unread, [], 'What was delivered');
    }
  });

  test('a message is answered as its QoS demands: not at all, with PUBACK, with PUBREC', {
    4: 'MQTT-3.3.4-1',
    5: 'MQTT-3.3.4-1',
  }, async (t) => {
    const { server, inbox } = await t.connected();
    server.send(publishPacket(t.level, { topic: 'a', payload: '0' }));
    await server.isQuiet();
    server.send(publishPacket(t.level, { topic: 'a', payload: '1', qos: 1, packetId: 10 }));
    t.equal((await server.receive('PUBACK')).packetId, 10, 'The packet id of PUBACK');
    await server.isQuiet();
    server.send(publishPacket(t.level, { topic: 'a', payload: '2', qos: 2, packetId: 11 }));
    t.equal((await server.receive('PUBREC')).packetId, 11, 'The packet id of PUBREC');
    await server.isQuiet();
    for (const payload of ['0', '1', '2']) t.isMessage(await inbox.next(), 'a', payload);
  });

  test('a subscription identifier is not sent in PUBLISH', { 5: 'MQTT-3.3.4-6' }, async (t) => {
    const { client, server, inbox } = await t.connected();
    // No option has this name; a program without types may still try.
    const properties: object = { subscriptionIdentifiers: [7] };
    for (const qos of [0, 1, 2] as const)
      await t.refuses(server, client.publish('a', '', { qos, properties }), 'PUBLISH');
    // What a server sends has one; the client may send on what it was given.
    server.send(publishPacket(5, { topic: 'a', properties: { subscriptionIdentifier: [7] } }));
    const message = await inbox.next();
    t.equal(message.properties, { subscriptionIdentifiers: [7] }, 'The properties that came');
    await t.refuses(server, client.publish('b', message.payload, { properties: message.properties ?? {} }), 'PUBLISH');
  });

  test('no more messages are on their way than the Receive Maximum of the server', { 5: 'MQTT-3.3.4-7' }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { receiveMaximum: 3 } });
    const ids: number[] = [];
    for (let index = 0; index < 6; index++)
      t.begun(client.publish('a', String(index), { qos: index % 2 === 0 ? 1 : 2 }));
    for (let index = 0; index < 3; index++) ids.push((await server.receive('PUBLISH')).packetId ?? 0);
    await server.isQuiet();

    // A PUBREC that refuses ends its message, one that accepts does not.
    server.send(acknowledgementPacket('PUBREC', ids[1], 0x97));
    t.isMessage(await server.receive('PUBLISH'), 'a', '3');
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBACK', ids[0]));
    t.isMessage(await server.receive('PUBLISH'), 'a', '4');
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBACK', ids[2]));
    const last = await server.receive('PUBLISH');
    t.isMessage(last, 'a', '5');
    server.send(acknowledgementPacket('PUBREC', last.packetId ?? 0));
    await server.receive('PUBREL');
    t.begun(client.publish('a', '6', { qos: 1 }));
    await server.isQuiet();
    server.send(acknowledgementPacket('PUBCOMP', last.packetId ?? 0));
    t.isMessage(await server.receive('PUBLISH'), 'a', '6');
  });

  test('what the session has to send again keeps to the Receive Maximum of the new connection', {
    5: 'MQTT-3.3.4-7',
  }, async (t) => {
    const first = await t.lasting();
    for (const payload of ['1', '2', '3']) {
      t.begun(first.client.publish('a', payload, { qos: 1 }));
      await first.server.receive('PUBLISH');
    }
    await t.lose(first);
    const { server } = await t.lasting(first.client.session, {}, { properties: { receiveMaximum: 1 } });
    for (const payload of ['1', '2', '3']) {
      const message = await server.receive('PUBLISH');
      t.isMessage(message, 'a', payload);
      await server.isQuiet();
      server.send(acknowledgementPacket('PUBACK', message.packetId ?? 0));
    }
  });

  test('other packets do not wait while the Receive Maximum of the server is reached', {
    5: 'MQTT-3.3.4-8',
  }, async (t) => {
    const { client, server } = await t.connected({ keepAliveSeconds: 1 }, { properties: { receiveMaximum: 1 } });
    t.begun(client.publish('a', 'first', { qos: 1 }));
    await server.receive('PUBLISH');
    t.begun(client.publish('a', 'waits', { qos: 1 }));
    const subscribing = client.subscribe('a');
    await server.acceptSubscribe();
    await subscribing;
    const unsubscribing = client.unsubscribe('a');
    await server.acceptUnsubscribe();
    await unsubscribing;
    server.send(publishPacket(5, { topic: 'a', qos: 1, packetId: 1 }));
    await server.receive('PUBACK');
    server.send(publishPacket(5, { topic: 'a', qos: 2, packetId: 2 }));
    await server.receive('PUBREC');
    server.send(acknowledgementPacket('PUBREL', 2));
    await server.receive('PUBCOMP');
    await server.receive('PINGREQ');
    const leaving = client.disconnect({ signal: AbortSignal.abort() });
    await server.receive('DISCONNECT');
    await leaving;
  });

  test('an unknown packet id in a PUBLISH of QoS 0 is not looked for', { 4: [], 5: [] }, async (t) => {
    const { server, inbox } = await t.connected();
    const list = t.level === 5 ? hex('00') : Buffer.alloc(0);
    server.send(frame(0x31, text('a'), list, two(1)));
    const { retain, payload } = await inbox.next();
    t.equal([retain, [...payload]], [true, [0, 1]], 'RETAIN and the payload');
  });
});
