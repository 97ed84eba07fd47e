import { ConnectionRefused } from '@cauldron/client';
import type { ReceivedWill } from '../raw/client-packet-reader.js';
import { hex, properties, text } from '../raw/packet-writer.js';
import { connackPacket, pingrespPacket } from '../raw/server-packet-writer.js';
import { clientSection } from '../suite/section.js';

const WILL_FLAG = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD_FLAG = 0x40;
const USERNAME_FLAG = 0x80;
/** The two bits of the QoS, and the retain flag, of a will. */
const WILL_DETAILS = 0x38;

export const connect = clientSection('3.1 CONNECT', (test) => {
  test('the first packet is CONNECT, and no other comes before CONNACK', {
    4: 'MQTT-3.1.0-1',
    5: 'MQTT-3.1.0-1',
  }, async (t) => {
    const { connecting, server } = await t.dial({ will: { topic: 'w' } });
    await server.receive('CONNECT');
    server.send(connackPacket(t.level));
    const client = await connecting;
    await client.publish('a', 'after CONNACK');
    await server.receive('PUBLISH');
    await server.isQuiet();
  });

  test('CONNECT names the protocol MQTT and its level', {
    4: 'MQTT-3.1.3-3',
    5: ['MQTT-3.1.2-1', 'MQTT-3.1.3-3'],
  }, async (t) => {
    const { bytes } = await t.connectPacket({ clientId: 'the client' });
    t.equal(bytes.subarray(2, 8), hex('0004 4d515454'), 'The protocol name');
    t.equal(bytes[8], t.level, 'The protocol level');
    t.equal(bytes.subarray(t.level === 5 ? 13 : 12), text('the client'), 'The first field of the payload');
  });

  test('a server that refuses the version ends the connection', { 5: 'MQTT-3.1.2-1' }, async (t) => {
    const { connecting, server } = await t.dial();
    await server.receive('CONNECT');
    server.send(connackPacket(5, { reasonCode: 0x84 }));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting', ConnectionRefused);
  });

  test('the client id is there even if it is empty, and is the first field of the payload', {
    4: ['MQTT-3.1.3-3', 'MQTT-3.1.3-4'],
    5: ['MQTT-3.1.3-3', 'MQTT-3.1.3-4'],
  }, async (t) => {
    const start = t.level === 5 ? 13 : 12;
    for (const clientId of ['', 'plain', 'Zürich \u{1f9ea}', 'x'.repeat(65_535)]) {
      const { bytes } = await t.connectPacket({ clientId, username: 'somebody' });
      const header = clientId.length > 1_000 ? 2 : 0;
      const payload = bytes.subarray(start + header);
      t.equal(payload.subarray(0, text(clientId).length), text(clientId), 'The first field');
    }
  });

  test('an empty client id comes with a clean session only', { 4: 'MQTT-3.1.3-7' }, async (t) => {
    const { clean, clientId } = await t.connectPacket({});
    t.equal([clean, clientId], [true, ''], 'Clean session and client id');
    await t.refusesToConnect({ clean: false }, 'Connecting without a client id to a session that is kept');
    await t.refusesToConnect({ clean: false, clientId: '' }, 'Connecting with an empty client id');
  });

  test('a will has its flag, its topic and its payload, also an empty one', {
    4: 'MQTT-3.1.2-9',
    5: 'MQTT-3.1.2-9',
  }, async (t) => {
    for (const payload of ['gone', '']) {
      const { flags, will, bytes } = await t.connectPacket({ clientId: 'c', will: { topic: 'w', payload } });
      t.equal(flags & WILL_FLAG, WILL_FLAG, 'The will flag');
      const wanted: ReceivedWill = {
        topic: 'w',
        payload: Buffer.from(payload),
        qos: 0,
        retain: false,
        properties: {},
      };
      t.equal(will, wanted, 'The will');
      const list = t.level === 5 ? properties() : Buffer.alloc(0);
      const fields = Buffer.concat([text('c'), list, text('w'), text(payload)]);
      t.equal(bytes.subarray(-fields.length), fields, 'The payload of CONNECT');
    }
  });

  test('a will has the properties that it was given', { 5: 'MQTT-3.1.2-9' }, async (t) => {
    const { will } = await t.connectPacket({
      will: {
        topic: 'w',
        properties: {
          willDelayInterval: 5,
          payloadFormatIndicator: 1,
          messageExpiryInterval: 6,
          contentType: 'text',
          responseTopic: 'r',
          correlationData: Buffer.from('c'),
          userProperties: [['a', 'b']],
        },
      },
    });
    t.equal(
      will?.properties,
      {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 6,
        contentType: 'text',
        responseTopic: 'r',
        correlationData: Buffer.from('c'),
        willDelayInterval: 5,
        userProperty: [['a', 'b']],
      },
      'The properties of the will',
    );
  });

  test('without a will its flags are 0, and the payload has nothing of it', {
    4: ['MQTT-3.1.2-11', 'MQTT-3.1.2-13', 'MQTT-3.1.2-15'],
    5: ['MQTT-3.1.2-11', 'MQTT-3.1.2-13'],
  }, async (t) => {
    const { flags, bytes } = await t.connectPacket({ clientId: 'c', username: 'u' });
    t.equal(flags & (WILL_FLAG | WILL_DETAILS), 0, 'The flags of the will');
    const fields = Buffer.concat([text('c'), text('u')]);
    t.equal(bytes.subarray(-fields.length), fields, 'The end of the packet');
    t.equal(bytes.length, 12 + (t.level === 5 ? 1 : 0) + fields.length, 'The length of the packet');
  });

  test('the QoS of a will is 0, 1 or 2; with 3 the client does not connect', {
    4: 'MQTT-3.1.2-14',
    5: 'MQTT-3.1.2-12',
  }, async (t) => {
    for (const qos of [0, 1, 2] as const) {
      for (const retain of [false, true]) {
        const { flags } = await t.connectPacket({ will: { topic: 'w', qos, retain } });
        t.equal(flags & WILL_DETAILS, (qos << 3) | (retain ? WILL_RETAIN : 0), 'QoS and retain in the flags');
      }
    }
    await t.refusesToConnect({ will: { topic: 'w', qos: 3 as 2 } }, 'Connecting with a will of QoS 3');
  });

  test('user name and password are in the payload exactly if their flags are set', {
    4: ['MQTT-3.1.2-18', 'MQTT-3.1.2-19', 'MQTT-3.1.2-20', 'MQTT-3.1.2-21'],
    5: ['MQTT-3.1.2-16', 'MQTT-3.1.2-17', 'MQTT-3.1.2-18', 'MQTT-3.1.2-19'],
  }, async (t) => {
    const cases = [
      { given: {}, wanted: 0, fields: [] },
      { given: { username: 'u' }, wanted: USERNAME_FLAG, fields: [text('u')] },
      { given: { username: '' }, wanted: USERNAME_FLAG, fields: [text('')] },
      {
        given: { username: 'u', password: 'p' },
        wanted: USERNAME_FLAG | PASSWORD_FLAG,
        fields: [text('u'), text('p')],
      },
      { given: { username: 'u', password: '' }, wanted: USERNAME_FLAG | PASSWORD_FLAG, fields: [text('u'), text('')] },
    ];
    for (const { given, wanted, fields } of cases) {
      const { flags, bytes } = await t.connectPacket({ clientId: 'c', ...given });
      t.equal(flags & (USERNAME_FLAG | PASSWORD_FLAG), wanted, 'The flags');
      const payload = Buffer.concat([text('c'), ...fields]);
      t.equal(bytes.subarray(t.level === 5 ? 13 : 12), payload, 'The payload');
    }
  });

  test('a password without a user name is not sent', { 4: 'MQTT-3.1.2-22' }, async (t) => {
    await t.refusesToConnect({ password: 'p' }, 'Connecting with a password alone');
  });

  test('a password may come without a user name', { 5: ['MQTT-3.1.2-16', 'MQTT-3.1.2-19'] }, async (t) => {
    const { flags, bytes } = await t.connectPacket({ clientId: 'c', password: 'p' });
    t.equal(flags & (USERNAME_FLAG | PASSWORD_FLAG), PASSWORD_FLAG, 'The flags');
    t.equal(bytes.subarray(13), Buffer.concat([text('c'), text('p')]), 'The payload');
  });

  test('the fields of the payload have the order of the standard', {
    4: ['MQTT-3.1.3-1', 'MQTT-3.1.3-4', 'MQTT-3.1.3-10', 'MQTT-3.1.3-11'],
    5: ['MQTT-3.1.3-1', 'MQTT-3.1.3-4', 'MQTT-3.1.3-11', 'MQTT-3.1.3-12'],
  }, async (t) => {
    // Not ASCII, so that the strings prove to be UTF-8.
    const { bytes } = await t.connectPacket({
      clientId: 'ключ',
      will: { topic: 'тема/é', payload: Uint8Array.of(0xff, 0x00), properties: { contentType: 'x' } },
      username: '名前',
      password: Uint8Array.of(0xc3, 0x28),
    });
    const wanted = Buffer.concat([
      text('ключ'),
      t.level === 5 ? properties({ contentType: 'x' }) : Buffer.alloc(0),
      text('тема/é'),
      text(Uint8Array.of(0xff, 0x00)),
      text('名前'),
      text(Uint8Array.of(0xc3, 0x28)),
    ]);
    t.equal(bytes.subarray(t.level === 5 ? 13 : 12), wanted, 'The payload');
  });

  test('an idle client sends PINGREQ within the keep-alive interval, again and again', {
    4: 'MQTT-3.1.2-23',
    5: 'MQTT-3.1.2-20',
  }, async (t) => {
    const { server, connect: packet } = await t.connected({ keepAliveSeconds: 2 });
    t.equal(packet.keepAlive, 2, 'The keep alive of CONNECT');
    for (let count = 0; count < 2; count++) {
      const start = performance.now();
      await server.receive('PINGREQ');
      server.send(pingrespPacket());
      // A server ends the connection after one and a half times the interval; less than that is lost on a busy machine.
      t.ok(performance.now() - start < 3_000, 'The client was silent for one and a half intervals');
    }
  });

  test('a client that only receives sends PINGREQ, too', { 4: 'MQTT-3.1.2-23', 5: 'MQTT-3.1.2-20' }, async (t) => {
    const { server } = await t.connected({ keepAliveSeconds: 1 });
    const sending = setInterval(() => void server.publish({ topic: 'a' }), 100);
    try {
      await server.receive('PINGREQ');
    } finally {
      clearInterval(sending);
    }
  });

  test('a keep alive of 0 turns PINGREQ off', { 4: 'MQTT-3.1.2-23', 5: 'MQTT-3.1.2-20' }, async (t) => {
    const { server, connect: packet } = await t.connected({ keepAliveSeconds: 0 });
    t.equal(packet.keepAlive, 0, 'The keep alive of CONNECT');
    await t.pass(1_200);
    await server.isQuiet();
  });
});
