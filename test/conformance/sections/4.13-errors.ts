import { disconnectPacket, frame, hex, publishPacket, subscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

const UNSPECIFIED_ERROR = 0x80;
const MALFORMED_PACKET = 0x81;
const PROTOCOL_ERROR = 0x82;
const IMPLEMENTATION_SPECIFIC_ERROR = 0x83;
const TOPIC_FILTER_INVALID = 0x8f;
const TOPIC_NAME_INVALID = 0x90;
const TOPIC_ALIAS_INVALID = 0x94;

/** What a client may get wrong, and the reason codes that fit. */
const FAULTS: readonly [what: string, bytes: (topic: string) => Buffer, reasonCodes: readonly number[]][] = [
  ['a packet of type 0', () => hex('00 00'), [MALFORMED_PACKET, PROTOCOL_ERROR]],
  ['a PUBLISH that ends in its topic', () => hex('30 03 00 05 61'), [MALFORMED_PACKET]],
  ['a PUBLISH with QoS 3', (topic) => publishPacket(5, { topic, qos: 3, packetId: 1 }), [MALFORMED_PACKET]],
  [
    'a PUBLISH to a topic with a wildcard',
    (topic) => publishPacket(5, { topic: `${topic}/+` }),
    [TOPIC_NAME_INVALID, MALFORMED_PACKET, PROTOCOL_ERROR],
  ],
  [
    'a PUBLISH with topic alias 0',
    (topic) => publishPacket(5, { topic, properties: { topicAlias: 0 } }),
    [TOPIC_ALIAS_INVALID, PROTOCOL_ERROR, MALFORMED_PACKET],
  ],
  ['a SUBSCRIBE without filters', () => subscribePacket(5, 1, []), [PROTOCOL_ERROR, MALFORMED_PACKET]],
  [
    'a SUBSCRIBE with the subscription identifier 0',
    (filter) => subscribePacket(5, 1, [{ filter }], { subscriptionIdentifier: [0] }),
    [PROTOCOL_ERROR, MALFORMED_PACKET],
  ],
  [
    'a SUBSCRIBE with reserved option bits',
    (filter) => subscribePacket(5, 1, [{ filter, options: 0x40 }]),
    [MALFORMED_PACKET, PROTOCOL_ERROR, TOPIC_FILTER_INVALID],
  ],
  ['a PINGREQ with a body', () => frame(0xc0, hex('00')), [MALFORMED_PACKET, PROTOCOL_ERROR]],
  ['a PINGRESP, which is for servers to send', () => frame(0xd0), [PROTOCOL_ERROR, MALFORMED_PACKET]],
  ['a SUBACK, which is for servers to send', () => hex('90 04 00 01 00 00'), [PROTOCOL_ERROR, MALFORMED_PACKET]],
  ['a PUBACK with an unknown reason code', () => hex('40 03 00 01 42'), [MALFORMED_PACKET, PROTOCOL_ERROR]],
  ['a DISCONNECT with an unknown reason code', () => disconnectPacket(0x42), [MALFORMED_PACKET, PROTOCOL_ERROR]],
];

export const errors = serverSection('4.13 Handling errors (4.8 in 3.1.1)', (test) => {
  for (const [what, bytes, reasonCodes] of FAULTS) {
    test(`${what} ends the connection`, { 5: 'MQTT-4.13.1-1' }, async (t) => {
      const client = await t.connected();
      client.send(bytes(t.topic()));
      await client.isRefused(reasonCodes);
    });
  }

  test('a fault of one client is nothing to the others', { 5: 'MQTT-4.13.1-1' }, async (t) => {
    const bystander = await t.connected({}, 'bystander');
    const client = await t.connected();
    client.send(hex('00 00'));
    await client.ended();
    await bystander.isQuiet();
  });

  test(
    'an error of the server itself while it handles a packet ends the connection, and no other',
    { 4: 'MQTT-4.8.0-2', 5: [] },
    async (t) => {
      const bystander = await t.connected({}, 'bystander');
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: t.topic('fault'), qos: 1, packetId: 1 }));
      await client.isRefused([UNSPECIFIED_ERROR, IMPLEMENTATION_SPECIFIC_ERROR]);
      await bystander.isQuiet();
    },
    'fault',
  );

  test('after a CONNACK with an error the connection is closed', { 5: 'MQTT-4.13.2-1' }, async (t) => {
    const client = await t.open();
    // Reserved connect flag.
    client.send(hex('10 10 00 04 4d 51 54 54 05 03 00 00 00 00 03 62 61 64'));
    await client.isRefused([MALFORMED_PACKET, PROTOCOL_ERROR]);
  });

  test('after a DISCONNECT with an error the connection is closed', { 5: 'MQTT-4.13.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(5, { topic: '', properties: { topicAlias: 1 } }));
    await client.isRefused([PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, MALFORMED_PACKET, TOPIC_NAME_INVALID]);
  });

  test('after a DISCONNECT of the client with an error the connection is closed', { 5: 'MQTT-4.13.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(disconnectPacket(0x82));
    t.equal(await client.ended(), [], 'What came before the end');
  });
});
