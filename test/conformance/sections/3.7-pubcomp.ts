import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import { fitsMaximum } from './maximum-packet-size.js';

export const pubcomp = serverSection('3.7 PUBCOMP', (test) => {
  test('PUBREL of a message is answered with reason code 0x00', { 5: 'MQTT-3.7.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 9 }));
    await client.receive('PUBREC');
    client.send(acknowledgementPacket('PUBREL', 9));
    const { packetId, reasonCode } = await client.receive('PUBCOMP');
    t.equal([packetId, reasonCode], [9, 0x00], 'Packet id and reason code');
  });

  test('PUBREL for an unknown packet id is answered by PUBCOMP with 0x92', { 5: 'MQTT-3.7.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(acknowledgementPacket('PUBREL', 77));
    const { packetId, reasonCode } = await client.receive('PUBCOMP');
    t.equal(packetId, 77, 'The packet id');
    t.ok([0x92, 0x00].includes(reasonCode), `The reason code is ${reasonCode}`);
  });

  test('PUBCOMP keeps within the maximum packet size of the client, if need be without reason string and user properties', {
    5: ['MQTT-3.7.2-2', 'MQTT-3.7.2-3'],
  }, async (t) => {
    await fitsMaximum(t, 'PUBCOMP', acknowledgementPacket('PUBREL', 77));
  });
});
