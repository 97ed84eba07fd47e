import { pingreqPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const pingreq = serverSection('3.12 PINGREQ', (test) => {
  test('each PINGREQ is answered by a PINGRESP', { 4: 'MQTT-3.12.4-1', 5: 'MQTT-3.12.4-1' }, async (t) => {
    const client = await t.connected();
    client.send(pingreqPacket(), pingreqPacket(), pingreqPacket());
    for (let count = 0; count < 3; count++) await client.receive('PINGRESP');
    await client.isQuiet();
  });
});
