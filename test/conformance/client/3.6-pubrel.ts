import { acknowledgementPacket, frame, hex, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const pubrel = clientSection('3.6 PUBREL', (test) => {
  test('the flags of PUBREL are 0010', { 4: 'MQTT-3.6.1-1', 5: 'MQTT-3.6.1-1' }, async (t) => {
    const { client, server } = await t.connected();
    t.begun(client.publish('a', '', { qos: 2 }));
    const { packetId = 0 } = await server.receive('PUBLISH');
    server.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await server.receive('PUBREL')).firstByte, 0x62, 'The first byte');
  });

  test('a PUBREL with other flags ends the connection', { 4: 'MQTT-3.6.1-1', 5: 'MQTT-3.6.1-1' }, async (t) => {
    for (const firstByte of [0x60, 0x61, 0x63, 0x66, 0x6a, 0x6f]) {
      const { server } = await t.connected();
      server.send(publishPacket(t.level, { topic: 'a', qos: 2, packetId: 1 }));
      await server.receive('PUBREC');
      server.send(frame(firstByte, hex('00 01')));
      await server.isRefused([0x81]);
    }
  });

  test('a PUBREC is answered by PUBREL with reason code 0x00, one for an unknown message with 0x92 or 0x00', {
    5: 'MQTT-3.6.2-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    t.begun(client.publish('a', '', { qos: 2 }));
    const { packetId = 0 } = await server.receive('PUBLISH');
    server.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await server.receive('PUBREL')).reasonCode, 0, 'The reason code');
    server.send(acknowledgementPacket('PUBREC', 1_234));
    const unknown = await server.receive('PUBREL');
    t.equal(unknown.packetId, 1_234, 'The packet id');
    t.ok([0x92, 0].includes(unknown.reasonCode), `The reason code is ${unknown.reasonCode}`);
  });

  test('neither a reason string nor user properties make PUBREL larger than the server takes', {
    5: ['MQTT-3.6.2-2', 'MQTT-3.6.2-3'],
  }, async (t) => {
    const { client, server } = await t.connected({}, { properties: { maximumPacketSize: 6 } });
    server.send(acknowledgementPacket('PUBREC', 1_234, 0, { userProperty: [['name', 'value']] }));
    const unknown = await server.receive('PUBREL');
    t.ok(unknown.bytes.length <= 6, `PUBREL has ${unknown.bytes.length} bytes`);
    t.begun(client.publish('a', '', { qos: 2 }).catch(() => {}));
    await server.isQuiet(); // the message itself is too large
    const other = await t.connected({}, { properties: { maximumPacketSize: 8 } });
    t.begun(other.client.publish('a', '', { qos: 2 }));
    const { packetId = 0 } = await other.server.receive('PUBLISH');
    other.server.send(acknowledgementPacket('PUBREC', packetId, 0, { reasonString: 'a reason' }));
    const { bytes } = await other.server.receive('PUBREL');
    t.ok(bytes.length <= 8, `PUBREL has ${bytes.length} bytes`);
  });
});
