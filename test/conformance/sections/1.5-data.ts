import {
  byte,
  connectPacket,
  frame,
  hex,
  propertyBytes,
  publishPacket,
  subscribePacket,
  text,
  two,
  unsubscribePacket,
} from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';
import { isMalformedConnect } from './malformed-connect.js';

/** Bytes that are no UTF-8, each after a letter. */
const ILL_FORMED = {
  'a byte that begins nothing': hex('61 80'),
  'a sequence that breaks off': hex('61 e2 82'),
  'a sequence that another letter interrupts': hex('61 c3 28'),
  'an overlong slash': hex('61 c0 af'),
  'an overlong NUL': hex('61 c0 80'),
  'an overlong sequence of three bytes': hex('61 e0 80 af'),
  'an overlong sequence of four bytes': hex('61 f0 80 80 af'),
  'the surrogate U+D800': hex('61 ed a0 80'),
  'the surrogate U+DFFF': hex('61 ed bf bf'),
  'a pair of surrogates': hex('61 ed a0 81 ed b0 80'),
  'a code point above U+10FFFF': hex('61 f4 90 80 80'),
  'the byte 0xff': hex('61 ff'),
} as const;

const NUL = hex('61 00 62');

/** Each place where a client sends a string: the packet with these bytes there, and whether it is a CONNECT. */
const PLACES: Readonly<Record<string, (t: ServerTest, bytes: Buffer) => Buffer>> = {
  'the client identifier': (t, bytes) => connectPacket(t.level, { clientId: bytes }),
  'the will topic': (t, bytes) => connectPacket(t.level, { clientId: t.clientId(), will: { topic: bytes } }),
  'the user name': (t, bytes) => connectPacket(t.level, { clientId: t.clientId(), username: bytes }),
  'a topic name': (t, bytes) => publishPacket(t.level, { topic: bytes }),
  'a topic filter': (t, bytes) => subscribePacket(t.level, 1, [{ filter: bytes }]),
  'a topic filter of UNSUBSCRIBE': (t, bytes) => unsubscribePacket(t.level, 1, [bytes]),
};

/** 0x8f and 0x90 say that a filter or a topic is not valid, which is as true; so does 0x85 of a client identifier. */
const REASON_CODES = [0x81, 0x82, 0x85, 0x8f, 0x90];

async function isRefusedIn(t: ServerTest, place: string, packet: Buffer): Promise<void> {
  if (packet[0] === 0x10) {
    await isMalformedConnect(t, packet, place, REASON_CODES);
    return;
  }
  const client = await t.connected({}, place);
  client.send(packet);
  await client.isRefused(REASON_CODES);
}

/** Strings that a broker has to take, and to pass on as they are. */
const WELL_FORMED = ['é', 'ß水', '🜁', 'A\u{2A6D4}', '\u{10FFFD}', '\uD7FF\uE000', 'a\u0301', '\uFEFF', 'x\uFEFFy'];

export const data = serverSection('1.5 Data representation', (test) => {
  for (const [place, packetWith] of Object.entries(PLACES)) {
    test(`ill-formed UTF-8 in ${place} ends the connection`, {
      4: 'MQTT-1.5.3-1',
      5: 'MQTT-1.5.4-1',
    }, async (t) => {
      for (const bytes of Object.values(ILL_FORMED)) await isRefusedIn(t, place, packetWith(t, bytes));
    });

    test(`U+0000 in ${place} ends the connection`, { 4: 'MQTT-1.5.3-2', 5: 'MQTT-1.5.4-2' }, async (t) => {
      await isRefusedIn(t, place, packetWith(t, NUL));
    });
  }

  test('a message whose topic is no string goes nowhere', { 4: 'MQTT-1.5.3-1', 5: 'MQTT-1.5.4-1' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('#'));
    for (const bytes of Object.values(ILL_FORMED)) {
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: Buffer.concat([Buffer.from(t.topic('')), bytes]) }));
      await client.isRefused(REASON_CODES);
    }
    await subscriber.isQuiet();
  });

  for (const [name, pair] of [
    ['name', (bytes: Buffer) => [bytes, Buffer.from('value')]],
    ['value', (bytes: Buffer) => [Buffer.from('name'), bytes]],
  ] as const) {
    const properties = (bytes: Buffer): Buffer => Buffer.concat([byte(0x26), ...pair(bytes).map(text)]);

    test(`the ${name} of a user property has to be a string, in CONNECT`, { 5: 'MQTT-1.5.7-1' }, async (t) => {
      for (const [what, bytes] of [...Object.entries(ILL_FORMED), ['U+0000', NUL] as const]) {
        const clientId = t.clientId();
        await isMalformedConnect(t, connectPacket(t.level, { clientId, properties: properties(bytes) }), what);
      }
    });

    test(`the ${name} of a user property has to be a string, in a will`, { 5: 'MQTT-1.5.7-1' }, async (t) => {
      for (const [what, bytes] of [...Object.entries(ILL_FORMED), ['U+0000', NUL] as const]) {
        const will = { topic: t.topic(), properties: properties(bytes) };
        await isMalformedConnect(t, connectPacket(t.level, { clientId: t.clientId(), will }), what);
      }
    });

    test(`the ${name} of a user property has to be a string, in PUBLISH`, { 5: 'MQTT-1.5.7-1' }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      for (const [what, bytes] of [...Object.entries(ILL_FORMED), ['U+0000', NUL] as const]) {
        const client = await t.connected({}, what);
        client.send(publishPacket(t.level, { topic: t.topic(), properties: properties(bytes) }));
        await client.isRefused([0x81, 0x82]);
      }
      await subscriber.isQuiet();
    });
  }

  test('topics of two, three and four byte characters are passed on as they are', {
    4: 'MQTT-1.5.3-1',
    5: 'MQTT-1.5.4-1',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('+'), qos: 0 });
    for (const name of WELL_FORMED) {
      const topic = t.topic(name);
      await client.publish({ topic, payload: name });
      const message = await client.receiveMessage();
      t.isMessage(message, topic, name);
      t.equal(message.bytes.subarray(4, 4 + Buffer.byteLength(topic)).toString('hex'), hexOf(topic), 'The topic');
    }
  });

  test('the null character is not sent to clients', { 4: 'MQTT-1.5.3-2', 5: 'MQTT-1.5.4-2' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic('#'));
    const will = { topic: Buffer.from(t.topic('will\u0000')) };
    await isMalformedConnect(t, connectPacket(t.level, { clientId: t.clientId(), will }), 'U+0000', REASON_CODES);
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic('topic\u0000'), retain: true }));
    await client.isRefused(REASON_CODES);
    await subscriber.isQuiet();
    const later = await t.connected({}, 'later');
    await later.subscribe(t.topic('#'));
    await later.isQuiet();
  });

  test('U+FEFF is part of a topic, at its beginning, too', {
    4: 'MQTT-1.5.3-3',
    5: 'MQTT-1.5.4-3',
  }, async (t) => {
    // Only a whole topic begins with it; the rest is that of this test.
    const bare = t.topic('bom');
    const marked = `\uFEFF${bare}`;
    const client = await t.connected();
    await client.subscribe({ filter: bare, qos: 0 });
    const other = await t.connected({}, 'marked');
    await other.subscribe({ filter: marked, qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: marked, payload: 'marked', qos: 1 });
    await publisher.publish({ topic: bare, payload: 'bare', qos: 1 });
    t.isMessage(await other.receiveMessage(), marked, 'marked');
    t.isMessage(await client.receiveMessage(), bare, 'bare');
    await other.isQuiet();
    await client.isQuiet();
  });

  test('U+FEFF is part of a client identifier', { 4: 'MQTT-1.5.3-3', 5: 'MQTT-1.5.4-3' }, async (t) => {
    const clientId = t.clientId();
    const bare = await t.connected({ clientId }, 'bare');
    const marked = await t.open('marked');
    const connack = await marked.tryConnect({ clientId: `\uFEFF${clientId}` });
    if (connack.reasonCode !== 0) t.skip('the broker does not take U+FEFF in a client identifier');
    await bare.isQuiet(); // it was not taken for the same client
    await marked.isQuiet();
  });

  test('U+FEFF is part of the strings in properties', { 5: 'MQTT-1.5.4-3' }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    const properties = {
      contentType: '\uFEFFtext',
      responseTopic: `\uFEFF${t.topic('response')}`,
      userProperty: [['\uFEFFname', '\uFEFFvalue\uFEFF']] as [string, string][],
    };
    await client.publish({ topic: t.topic(), properties });
    t.equal((await client.receiveMessage()).properties, properties, 'The properties');
  });

  test('the pairs of strings that a client gets are those that were published', { 5: 'MQTT-1.5.7-1' }, async (t) => {
    const userProperty = WELL_FORMED.map((value): [string, string] => [value, `${value}${value}`]);
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    await client.publish({ topic: t.topic(), properties: { userProperty } });
    t.equal((await client.receiveMessage()).properties.userProperty, userProperty, 'The user properties');
  });

  for (const [remainingLength, lengthBytes] of [
    [127, 1],
    [128, 2],
    [16_383, 2],
    [16_384, 3],
  ] as const) {
    test(`a remaining length of ${remainingLength} is read, and written in ${lengthBytes} bytes`, {
      4: [],
      5: 'MQTT-1.5.5-1',
    }, async (t) => {
      const client = await t.connected();
      await client.subscribe({ filter: t.topic(), qos: 0 });
      const payload = Buffer.alloc(remainingLength - 2 - t.topic().length - (t.level === 5 ? 1 : 0), 'x');
      await client.publish({ topic: t.topic(), payload });
      const { bytes, payload: received } = await client.receiveMessage();
      t.ok(received.equals(payload), 'The payload is another one');
      t.equal(bytes.length, 1 + lengthBytes + remainingLength, 'The length of the packet');
    });
  }

  test('a property length is written in as few bytes as it takes', { 5: 'MQTT-1.5.5-1' }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    for (const [length, encoded] of [
      [127, '7f'],
      [128, '8001'],
      [16_383, 'ff7f'],
      [16_384, '808001'],
    ] as const) {
      // The identifier, and two lengths of two bytes.
      const properties = { userProperty: [['n', 'v'.repeat(length - 6)]] as [string, string][] };
      await client.publish({ topic: t.topic(), properties });
      const { bytes } = await client.receiveMessage();
      const list = propertyBytes(properties);
      t.equal(list.length, length, 'The length of the properties of this test');
      const lengthAt = bytes.length - length - encoded.length / 2;
      t.equal(bytes.toString('hex', lengthAt, bytes.length - length), encoded, 'The property length');
    }
  });

  test('a subscription identifier is written in as few bytes as it takes', { 5: 'MQTT-1.5.5-1' }, async (t) => {
    if ((await t.announced()).subscriptionIdentifiersAvailable === 0) t.skip('the broker has no such identifiers');
    const client = await t.connected();
    for (const [index, [id, encoded]] of (
      [
        [1, '01'],
        [127, '7f'],
        [128, '8001'],
        [16_384, '808001'],
        [268_435_455, 'ffffff7f'],
      ] as const
    ).entries()) {
      const topic = t.topic(`${index}`);
      await client.subscribe({ filter: topic, qos: 0 }, { subscriptionIdentifier: [id] });
      await client.publish({ topic, payload: '' });
      const { bytes, properties } = await client.receiveMessage();
      t.equal(properties.subscriptionIdentifier, [id], 'The subscription identifier');
      t.ok(bytes.toString('hex').endsWith(`0b${encoded}`), `The subscription identifier ${id} in ${encoded}`);
    }
  });

  for (const [what, packetOf] of [
    ['remaining length', (t: ServerTest) => padded(publishPacket(t.level, { topic: t.topic() }))],
    [
      'property length',
      (t: ServerTest) => frame(0x30, text(t.topic()), hex('82 00'), propertyBytes({ payloadFormatIndicator: 0 })),
    ],
    ['subscription identifier', (t: ServerTest) => frame(0x82, two(1), hex('03 0b 81 00'), text(t.topic()), byte(0))],
    [
      'property identifier',
      (t: ServerTest) => frame(0x30, text(t.topic()), hex('03 81 00 00')), // 0x01, the payload format indicator
    ],
  ] as const) {
    test(`a ${what} in more bytes than it needs ends the connection`, { 5: 'MQTT-1.5.5-1' }, async (t) => {
      const client = await t.connected();
      client.send(packetOf(t));
      await client.isRefused([0x81, 0x82]);
    });
  }

  test('a CONNECT whose remaining length takes more bytes than it needs is refused', {
    5: 'MQTT-1.5.5-1',
  }, async (t) => {
    await isMalformedConnect(t, padded(connectPacket(t.level, { clientId: t.clientId() })), 'a padded length');
  });

  test('a remaining length of more than four bytes ends the connection', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    client.send(hex('30 80 80 80 80 01'));
    await client.isRefused([0x81, 0x82, 0x95]);
  });
});

function hexOf(value: string): string {
  return Buffer.from(value).toString('hex');
}

/** A packet of less than 128 bytes, with a remaining length of two bytes. */
function padded(packet: Buffer): Buffer {
  return Buffer.concat([packet.subarray(0, 1), byte(packet[1] | 0x80), byte(0), packet.subarray(2)]);
}
