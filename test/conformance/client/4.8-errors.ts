import { ProtocolViolation } from '@cauldron/client';
import { acknowledgementPacket, disconnectPacket, frame, hex, publishPacket } from '../raw/packet-writer.js';
import { connackPacket, subackPacket, unsubackPacket } from '../raw/server-packet-writer.js';
import { clientSection } from '../suite/section.js';

/** What a server must never send to a client that is connected. */
const VIOLATIONS: Readonly<Record<string, Buffer>> = {
  'a CONNECT': hex('10 0c 0004 4d515454 04 02 0000 0000'),
  'a second CONNACK': connackPacket(4),
  'a SUBSCRIBE': hex('82 06 0001 0001 61 00'),
  'an UNSUBSCRIBE': hex('a2 05 0001 0001 61'),
  'a PINGREQ': hex('c0 00'),
  'a DISCONNECT': disconnectPacket(),
  'a packet of type 0': hex('00 00'),
  'a packet of type 15': hex('f0 00'),
  'a PUBLISH without a packet id': frame(0x32, hex('0001 61')),
  'a PUBACK that is too long': frame(0x40, hex('0001 00')),
  'a PUBACK that is too short': frame(0x40, hex('00')),
  'a PINGRESP that is too long': frame(0xd0, hex('00')),
  'a remaining length of five bytes': hex('30 80 80 80 80 01'),
};

export const errors = clientSection('4.8 Handling errors', (test) => {
  for (const [what, packet] of Object.entries(VIOLATIONS)) {
    test(`the server breaks the protocol, and the client ends the connection: ${what}`, {
      4: 'MQTT-4.8.0-1',
    }, async (t) => {
      const { client, server } = await t.connected();
      server.send(packet);
      await server.isClosed();
      t.ok((await client.closed) instanceof ProtocolViolation, 'The program is not told');
    });
  }

  test('an acknowledgement of another kind than its packet demands ends the connection', {
    4: 'MQTT-4.8.0-1',
  }, async (t) => {
    for (const name of ['PUBREC', 'PUBCOMP'] as const) {
      const { client, server } = await t.connected();
      t.begun(client.publish('a', '', { qos: 1 }));
      const { packetId = 0 } = await server.receive('PUBLISH');
      server.send(acknowledgementPacket(name, packetId));
      await server.isClosed();
    }
    const { client, server } = await t.connected();
    t.begun(client.subscribe('a'));
    const { packetId } = await server.receive('SUBSCRIBE');
    server.send(unsubackPacket(4, packetId, []));
    await server.isClosed();
  });

  test('a SUBACK with a reserved return code, or without any, ends the connection', {
    4: 'MQTT-4.8.0-1',
  }, async (t) => {
    for (const codes of [[3], [0x81], []]) {
      const { client, server } = await t.connected();
      t.begun(client.subscribe('a'));
      const { packetId } = await server.receive('SUBSCRIBE');
      server.send(subackPacket(4, packetId, codes));
      await server.isClosed();
    }
  });

  test('another packet where CONNACK has to come ends the connection', { 4: 'MQTT-4.8.0-1' }, async (t) => {
    for (const packet of [publishPacket(4, { topic: 'a' }), hex('d0 00'), connackPacket(4, { flags: 2 })]) {
      const { connecting, server } = await t.dial();
      await server.receive('CONNECT');
      server.send(packet);
      await server.isClosed();
      await t.rejects(connecting, 'Connecting', ProtocolViolation);
    }
  });

  test('a packet that is larger than the client has room for ends the connection', {
    4: 'MQTT-4.8.0-2',
  }, async (t) => {
    const { client, server, inbox } = await t.connected({ maximumPacketSize: 100 });
    await server.publish({ topic: 'a', payload: 'x'.repeat(95), qos: 0 });
    t.equal((await inbox.next()).payload.length, 95, 'The largest payload that fits');
    // Its first bytes tell; the client does not wait for the others.
    server.send(hex('30 63 0001 61'));
    await server.isClosed();
    t.ok((await client.closed) !== null, 'The program is not told');
    t.equal(inbox.unread, [], 'What was delivered');
  });

  test('an error inside of the client while it reads a packet ends the connection', {
    4: 'MQTT-4.8.0-2',
  }, async (t) => {
    const { client, server } = await t.connected({
      trace: (direction, packet) => {
        if (direction === 'received' && packet.type === 3) throw new Error('The disk is full');
      },
    });
    server.send(publishPacket(4, { topic: 'a', qos: 1, packetId: 1 }));
    await server.isClosed();
    t.ok((await client.closed) !== null, 'The program is not told');
  });
});
