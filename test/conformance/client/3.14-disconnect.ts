import { ConnectionClosed, ServerDisconnected } from '@cauldron/client';
import { acknowledgementPacket, disconnectPacket, frame, hex, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

/** What a client may say with DISCONNECT. */
const REASON_CODES = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99] as const;
/** What only a server may say with it, and codes of other packets. */
const OTHER_REASON_CODES = [0x01, 0x10, 0x18, 0x84, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x92, 0x9c, 0xa2] as const;

export const disconnect = clientSection('3.14 DISCONNECT', (test) => {
  test('after DISCONNECT the client sends nothing more and closes the connection', {
    4: ['MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
    5: ['MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const leaving = client.disconnect();
    // Whatever is asked of the client meanwhile, and whatever the server still sends.
    t.begun(client.publish('a', 'too late', { qos: 1 }));
    t.begun(client.publish('a', 'too late'));
    t.begun(client.subscribe('a'));
    server.send(publishPacket(t.level, { topic: 'a', qos: 1, packetId: 1 }), hex('d0 00'));
    const { bytes } = await server.receive('DISCONNECT');
    t.equal(bytes, hex('e0 00'), 'DISCONNECT');
    await server.isClosed();
    await leaving;
    await t.rejects(client.publish('a', 'much too late'), 'PUBLISH', ConnectionClosed);
    await t.rejects(client.subscribe('a'), 'SUBSCRIBE', ConnectionClosed);
    await t.rejects(client.unsubscribe('a'), 'UNSUBSCRIBE', ConnectionClosed);
    t.ok(inbox.unread.length <= 1, 'A message was delivered twice');
  });

  test('what was on its way is brought to its end before DISCONNECT, which is the last packet', {
    4: ['MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
    5: ['MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
  }, async (t) => {
    const { client, server } = await t.connected();
    const publishing = client.publish('a', '', { qos: 2 });
    const leaving = client.disconnect();
    await server.receiveMessage();
    await publishing;
    await server.receive('DISCONNECT');
    await server.isClosed();
    await leaving;
  });

  test('a DISCONNECT of the server with reserved flags is answered by one with 0x81', {
    5: 'MQTT-3.14.1-1',
  }, async (t) => {
    for (const firstByte of [0xe1, 0xe2, 0xe4, 0xe8, 0xef]) {
      const { client, server } = await t.connected();
      let isTold = false;
      client.events.on('serverDisconnect', () => {
        isTold = true;
      });
      server.send(frame(firstByte, hex('8b 00')));
      await server.isRefused([0x81]);
      t.ok(!isTold, 'The program was told that the server has disconnected');
    }
  });

  test('DISCONNECT has a reason code that a client may send', { 5: 'MQTT-3.14.2-1' }, async (t) => {
    for (const reasonCode of REASON_CODES) {
      const { client, server } = await t.connected();
      const leaving = client.disconnect({ reasonCode });
      t.equal((await server.receive('DISCONNECT')).reasonCode, reasonCode, 'The reason code');
      await server.isClosed();
      await leaving;
    }
    const { client, server } = await t.connected();
    for (const reasonCode of OTHER_REASON_CODES) {
      await t.refuses(server, client.disconnect({ reasonCode }), 'DISCONNECT');
    }
    await client.publish('a', 'still connected');
    t.isMessage(await server.receive('PUBLISH'), 'a', 'still connected');
  });

  test('whatever the server breaks, the reason code of DISCONNECT is one that a client may send', {
    5: 'MQTT-3.14.2-1',
  }, async (t) => {
    for (const packet of [
      hex('10 0d 0004 4d515454 09 02 0000 00 0000'), // a CONNECT of an unknown version
      hex('10 0c 0004 4d515454 04 02 0000 0000'),
      hex('82 08 0001 00 0002 2b2b 00'), // a SUBSCRIBE with an invalid filter
      hex('a2 07 0001 00 0002 2b2b'),
      hex('c0 00'),
      hex('f0 00'),
      hex('00 00'),
      hex('20 03 00 00 00'),
      frame(0xe0, hex('04')),
    ]) {
      const { server } = await t.connected();
      server.send(packet);
      // The reader of the suite refuses all others.
      const [last] = await server.ended();
      t.ok(last === undefined || last.name === 'DISCONNECT', `${last?.name} came`);
      if (last?.name === 'DISCONNECT') t.ok(last.reasonCode >= 0x80, 'The reason code means success');
    }
  });

  test('a reason string or user properties that make DISCONNECT too large for the server are left out', {
    5: ['MQTT-3.14.2-3', 'MQTT-3.14.2-4'],
  }, async (t) => {
    const properties = { reasonString: 'good bye', userProperties: [['a', 'b']] as [string, string][] };
    const size = 2 + 1 + 1 + (3 + 8) + (5 + 2);
    for (const [maximumPacketSize, wanted] of [
      [size, { reasonString: 'good bye', userProperty: [['a', 'b']] }],
      [size - 1, {}],
    ] as const) {
      const { client, server } = await t.connected({}, { properties: { maximumPacketSize } });
      const leaving = client.disconnect({ reasonCode: 0x04, properties });
      const { reasonCode, properties: found } = await server.receive('DISCONNECT');
      t.equal([reasonCode, found], [0x04, wanted], 'Reason code and properties');
      await server.isClosed();
      await leaving;
    }
    // The one with which the client answers a violation.
    const { server } = await t.connected({}, { properties: { maximumPacketSize: 5 } });
    server.send(acknowledgementPacket('PUBACK', 0));
    const { bytes } = await server.receive('DISCONNECT');
    t.ok(bytes.length <= 5, `DISCONNECT has ${bytes.length} bytes`);
  });

  test('the session expiry interval stays in a DISCONNECT that is shortened', {
    5: ['MQTT-3.14.2-3', 'MQTT-3.14.2-4'],
  }, async (t) => {
    const { client, server } = await t.lasting(undefined, {}, { properties: { maximumPacketSize: 12 } });
    const properties = { reasonString: 'a long reason', sessionExpiryInterval: 7 };
    const leaving = client.disconnect({ properties });
    t.equal((await server.receive('DISCONNECT')).properties, { sessionExpiryInterval: 7 }, 'The properties');
    await leaving;
  });

  test('a DISCONNECT of the server ends the connection without an answer', { 5: 'MQTT-3.14.4-2' }, async (t) => {
    const { client, server } = await t.connected();
    server.send(disconnectPacket(0x8b, { reasonString: 'night' }));
    await server.isClosed();
    const error = await client.closed;
    t.ok(error instanceof ServerDisconnected, 'The program is not told');
  });
});
