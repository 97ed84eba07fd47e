import { acknowledgementPacket, frame, hex, publishPacket, two } from '../raw/packet-writer.js';
import type { RawServer } from '../raw/raw-server.js';
import { subackPacket } from '../raw/server-packet-writer.js';
import type { ClientTest } from '../suite/client-test.js';
import { clientSection } from '../suite/section.js';

/** Packets of a server as they should be, but for their flags. The CONNACK is another test. */
const WRONG_FLAGS: Readonly<Record<string, readonly [flags: number, body: string]>> = {
  PUBACK: [0x41, '00 01'],
  PUBREC: [0x52, '00 01'],
  'PUBREL without its flag': [0x60, '00 01'],
  'PUBREL with one too many': [0x66, '00 01'],
  PUBCOMP: [0x78, '00 01'],
  PINGRESP: [0xd1, ''],
};

export const packetFormat = clientSection('2 MQTT Control Packet format', (test) => {
  test('the reserved flags of every packet that the client sends have the values of the standard', {
    4: 'MQTT-2.2.2-1',
    5: 'MQTT-2.1.3-1',
  }, async (t) => {
    const { client, server, connect } = await t.connected();
    t.equal(connect.firstByte, 0x10, 'CONNECT');
    const subscribing = client.subscribe('a');
    t.equal((await server.acceptSubscribe()).firstByte, 0x82, 'SUBSCRIBE');
    await subscribing;
    const unsubscribing = client.unsubscribe('a');
    t.equal((await server.acceptUnsubscribe()).firstByte, 0xa2, 'UNSUBSCRIBE');
    await unsubscribing;
    server.send(publishPacket(t.level, { topic: 'a', qos: 1, packetId: 1 }));
    t.equal((await server.receive('PUBACK')).firstByte, 0x40, 'PUBACK');
    server.send(publishPacket(t.level, { topic: 'a', qos: 2, packetId: 2 }));
    t.equal((await server.receive('PUBREC')).firstByte, 0x50, 'PUBREC');
    server.send(acknowledgementPacket('PUBREL', 2));
    t.equal((await server.receive('PUBCOMP')).firstByte, 0x70, 'PUBCOMP');
    const publishing = client.publish('a', '', { qos: 2 });
    const { packetId = 0 } = await server.receive('PUBLISH');
    server.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await server.receive('PUBREL')).firstByte, 0x62, 'PUBREL');
    server.send(acknowledgementPacket('PUBCOMP', packetId));
    await publishing;
    const leaving = client.disconnect();
    t.equal((await server.receive('DISCONNECT')).firstByte, 0xe0, 'DISCONNECT');
    await leaving;
    const idle = await t.connected({ keepAliveSeconds: 1 });
    t.equal((await idle.server.receive('PINGREQ')).firstByte, 0xc0, 'PINGREQ');
  });

  for (const [what, [firstByte, body]] of Object.entries(WRONG_FLAGS)) {
    test(`wrong flags of a packet end the connection: ${what}`, { 4: 'MQTT-2.2.2-2', 5: 'MQTT-2.1.3-1' }, async (t) => {
      const { server } = await t.connected();
      server.send(frame(firstByte, hex(body)));
      await server.isRefused([0x81]);
    });
  }

  test('wrong flags of an answer to a request end the connection, and the request fails', {
    4: 'MQTT-2.2.2-2',
    5: 'MQTT-2.1.3-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    const subscribing = t.begun(client.subscribe('a'));
    const { packetId } = await server.receive('SUBSCRIBE');
    const suback = subackPacket(t.level, packetId, [0]);
    suback[0] = 0x92;
    server.send(suback);
    await server.isRefused([0x81]);
    await t.rejects(subscribing, 'SUBSCRIBE');
  });

  test('wrong flags of CONNACK end the connection', { 4: 'MQTT-2.2.2-2', 5: 'MQTT-2.1.3-1' }, async (t) => {
    const { connecting, server } = await t.dial();
    await server.receive('CONNECT');
    server.send(frame(0x21, t.level === 5 ? hex('00 00 00') : hex('00 00')));
    await server.isClosed();
    await t.rejects(connecting, 'Connecting');
  });

  test('PUBLISH at QoS 1 and 2, SUBSCRIBE and UNSUBSCRIBE have a packet id that is not 0 and not in use', {
    4: ['MQTT-2.3.1-1', 'MQTT-2.3.1-2'],
    5: 'MQTT-2.2.1-3',
  }, async (t) => {
    const { client, server } = await t.connected({ maximumInflight: 1_000 });
    const used = await sendMany(t, server, client, 100);
    t.equal(used.size, 400, 'The number of ids in use');
    t.ok(!used.has(0), 'An id is 0');
    // Those that are acknowledged are free, the others are not.
    const freed = [...used].filter((_, index) => index % 2 === 0);
    for (const packetId of freed) {
      used.delete(packetId);
      server.send(acknowledgementPacket('PUBACK', packetId));
    }
    const more = await sendMany(t, server, client, 50);
    for (const packetId of more) t.ok(!used.has(packetId), `The id ${packetId} is used twice`);
  });

  test('a packet id of 0 from the server ends the connection', { 4: 'MQTT-2.3.1-1' }, async (t) => {
    for (const packet of [publishPacket(4, { topic: 'a', qos: 1, packetId: 0 }), acknowledgementPacket('PUBREL', 0)]) {
      const { server } = await t.connected();
      server.send(packet);
      await server.isClosed();
    }
  });

  test('a packet that is sent again keeps its packet id, which is not free before the message is acknowledged', {
    4: 'MQTT-2.3.1-3',
  }, async (t) => {
    const first = await t.lasting();
    const lost = first.client.publish('a', 'lost', { qos: 2 });
    lost.catch(() => {});
    const { packetId = 0 } = await first.server.receive('PUBLISH');
    await t.lose(first);

    const { client, server } = await t.lasting(first.client.session);
    t.equal((await server.receive('PUBLISH')).packetId, packetId, 'The id of the message that was sent again');
    server.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await server.receive('PUBREL')).packetId, packetId, 'The id of PUBREL');
    for (let count = 0; count < 20; count++) {
      const publishing = client.publish('a', 'other', { qos: 1 });
      const other = await server.receiveMessage();
      await publishing;
      t.ok(other.packetId !== packetId, 'The id was used before PUBCOMP');
    }
    server.send(acknowledgementPacket('PUBCOMP', packetId));
    await server.isQuiet();
  });

  test('a PUBLISH at QoS 0 has no packet id', { 4: 'MQTT-2.3.1-5', 5: 'MQTT-2.2.1-2' }, async (t) => {
    const { client, server, inbox } = await t.connected();
    await client.publish('abc', 'payload');
    const properties = t.level === 5 ? hex('00') : Buffer.alloc(0);
    const { bytes } = await server.receive('PUBLISH');
    const wanted = frame(0x30, two(3), Buffer.from('abc'), properties, Buffer.from('payload'));
    t.equal(bytes, wanted, 'The packet');
    // And none is looked for in what comes: these two bytes are the payload.
    server.send(frame(0x30, two(3), Buffer.from('abc'), properties, two(7)));
    t.equal([...(await inbox.next()).payload], [0, 7], 'The payload');
  });

  test('an acknowledgement has the packet id of the message', { 4: 'MQTT-2.3.1-6', 5: 'MQTT-2.2.1-5' }, async (t) => {
    const { client, server } = await t.connected();
    for (const packetId of [65_535, 1, 256, 513, 32_768]) {
      server.send(publishPacket(t.level, { topic: 'a', qos: 1, packetId }));
      t.equal((await server.receive('PUBACK')).packetId, packetId, 'PUBACK');
      server.send(publishPacket(t.level, { topic: 'a', qos: 2, packetId }));
      t.equal((await server.receive('PUBREC')).packetId, packetId, 'PUBREC');
      server.send(acknowledgementPacket('PUBREL', packetId));
      t.equal((await server.receive('PUBCOMP')).packetId, packetId, 'PUBCOMP');
    }
    // Two of its own at once, so that it cannot just count.
    const publishing = [client.publish('a', '', { qos: 2 }), client.publish('a', '', { qos: 2 })];
    const first = (await server.receive('PUBLISH')).packetId ?? 0;
    const second = (await server.receive('PUBLISH')).packetId ?? 0;
    for (const packetId of [second, first]) {
      server.send(acknowledgementPacket('PUBREC', packetId));
      t.equal((await server.receive('PUBREL')).packetId, packetId, 'PUBREL');
      server.send(acknowledgementPacket('PUBCOMP', packetId));
    }
    await Promise.all(publishing);
  });

  test('where there are no properties, the property length is 0', { 5: 'MQTT-2.2.2-1' }, async (t) => {
    const { client, server, connect } = await t.connected({ clientId: 'c', will: { topic: 'w' } });
    t.equal(connect.bytes, hex('10 14 0004 4d515454 05 06 003c 00 0001 63 00 0001 77 0000'), 'CONNECT with a will');
    await client.publish('a', 'x', { properties: {} });
    t.equal((await server.receive('PUBLISH')).bytes, hex('30 05 0001 61 00 78'), 'PUBLISH');
    const subscribing = client.subscribe('a');
    const subscribe = await server.acceptSubscribe();
    await subscribing;
    t.equal(subscribe.bytes.subarray(4), hex('00 0001 61 00'), 'SUBSCRIBE');
    const unsubscribing = client.unsubscribe('a');
    const unsubscribe = await server.acceptUnsubscribe();
    await unsubscribing;
    t.equal(unsubscribe.bytes.subarray(4), hex('00 0001 61'), 'UNSUBSCRIBE');
  });

  test('a packet without its property length ends the connection', { 5: 'MQTT-2.2.2-1' }, async (t) => {
    const { server } = await t.connected();
    server.send(hex('30 03 0001 61'));
    await server.isRefused([0x81]);
    const { connecting, server: other } = await t.dial();
    await other.receive('CONNECT');
    other.send(hex('20 02 00 00'));
    await other.isClosed();
    await t.rejects(connecting, 'Connecting');
  });
});

/** Sends `count` of each packet that takes an id, and answers none. @returns the ids that they used */
async function sendMany(
  t: ClientTest,
  server: RawServer,
  client: Awaited<ReturnType<ClientTest['connected']>>['client'],
  count: number,
): Promise<Set<number>> {
  for (let index = 0; index < count; index++) {
    const requests: Promise<unknown>[] = [
      client.publish('a', '', { qos: 1 }),
      client.subscribe('a'),
      client.publish('a', '', { qos: 2 }),
      client.unsubscribe('a'),
    ];
    for (const request of requests) t.begun(request); // they end with the connection
  }
  const ids = new Set<number>();
  for (let index = 0; index < count; index++) {
    for (const name of ['PUBLISH', 'SUBSCRIBE', 'PUBLISH', 'UNSUBSCRIBE'] as const) {
      const { packetId } = await server.receive(name);
      t.ok(packetId !== undefined && !ids.has(packetId), `The id ${packetId} is used twice`);
      ids.add(packetId ?? 0);
    }
  }
  return ids;
}
