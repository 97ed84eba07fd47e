import { ConnectionRefused, ProtocolViolation, ServerDisconnected } from '@cauldron/client';
import { disconnectPacket, hex, publishPacket } from '../raw/packet-writer.js';
import { connackPacket } from '../raw/server-packet-writer.js';
import { clientSection } from '../suite/section.js';

export const errorHandling = clientSection('4.13 Handling errors', (test) => {
  test('a CONNACK with a reason code from 0x80 on ends the connection', { 5: 'MQTT-4.13.2-1' }, async (t) => {
    for (const reasonCode of [0x80, 0x86, 0x87, 0x88, 0x9c]) {
      const { connecting, server } = await t.dial();
      await server.receive('CONNECT');
      server.send(connackPacket(5, { reasonCode }));
      await server.isClosed();
      const error = await t.rejects(connecting, 'Connecting', ConnectionRefused);
      t.equal((error as ConnectionRefused).reasonCode, reasonCode, 'The reason code that the program is told');
    }
  });

  test('a DISCONNECT of the server with a reason code from 0x80 on ends the connection', {
    5: 'MQTT-4.13.2-1',
  }, async (t) => {
    for (const reasonCode of [0x80, 0x8b, 0x8e, 0x98]) {
      const { client, server } = await t.connected();
      server.send(disconnectPacket(reasonCode));
      await server.isClosed();
      const error = await client.closed;
      t.ok(error instanceof ServerDisconnected && error.reasonCode === reasonCode, `The program is told ${error}`);
    }
  });

  test('after its own DISCONNECT with a reason code from 0x80 on the client ends the connection', {
    5: 'MQTT-4.13.2-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    server.send(publishPacket(5, { topic: 'a', qos: 3, packetId: 1 }), hex('d0 00'));
    const { reasonCode } = await server.receive('DISCONNECT');
    t.ok(reasonCode >= 0x80, `The reason code is ${reasonCode}`);
    await server.isClosed();
    t.ok((await client.closed) instanceof ProtocolViolation, 'The program is not told');
    const leaving = await t.connected();
    const left = leaving.client.disconnect({ reasonCode: 0x98 });
    t.equal((await leaving.server.receive('DISCONNECT')).reasonCode, 0x98, 'The reason code');
    await leaving.server.isClosed();
    await left;
  });
});
