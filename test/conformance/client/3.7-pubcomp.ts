import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const pubcomp = clientSection('3.7 PUBCOMP', (test) => {
  test('a PUBREL is answered by PUBCOMP with reason code 0x00, one for an unknown message with 0x92 or 0x00', {
    5: 'MQTT-3.7.2-1',
  }, async (t) => {
    const { server } = await t.connected();
    server.send(publishPacket(5, { topic: 'a', qos: 2, packetId: 1 }));
    await server.receive('PUBREC');
    server.send(acknowledgementPacket('PUBREL', 1));
    t.equal((await server.receive('PUBCOMP')).reasonCode, 0, 'The reason code');
    server.send(acknowledgementPacket('PUBREL', 1));
    const unknown = await server.receive('PUBCOMP');
    t.equal(unknown.packetId, 1, 'The packet id');
    t.ok([0x92, 0].includes(unknown.reasonCode), `The reason code is ${unknown.reasonCode}`);
  });

  test('neither a reason string nor user properties make PUBCOMP larger than the server takes', {
    5: ['MQTT-3.7.2-2', 'MQTT-3.7.2-3'],
  }, async (t) => {
    const { server } = await t.connected({}, { properties: { maximumPacketSize: 5 } });
    server.send(publishPacket(5, { topic: 'a', qos: 2, packetId: 1, properties: { userProperty: [['a', 'b']] } }));
    await server.receive('PUBREC');
    // The second one is for a message that is unknown by then.
    for (let count = 0; count < 2; count++) {
      server.send(acknowledgementPacket('PUBREL', 1, 0, { reasonString: 'a reason', userProperty: [['a', 'b']] }));
      const { bytes } = await server.receive('PUBCOMP');
      t.ok(bytes.length <= 5, `PUBCOMP has ${bytes.length} bytes`);
    }
  });
});
