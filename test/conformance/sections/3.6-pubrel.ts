import { acknowledgementPacket, frame, two } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import { fitsMaximum } from './maximum-packet-size.js';

export const pubrel = serverSection('3.6 PUBREL', (test) => {
  test('PUBREL goes out with the flags 0010 and the packet id of its message', {
    4: 'MQTT-3.6.1-1',
    5: ['MQTT-3.6.1-1', 'MQTT-3.6.2-1'],
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), qos: 2 });
    const { packetId = 0 } = await subscriber.receive('PUBLISH');
    subscriber.send(acknowledgementPacket('PUBREC', packetId));
    const { firstByte, packetId: released, reasonCode } = await subscriber.receive('PUBREL');
    t.equal(firstByte, 0x62, 'The first byte');
    t.equal(released, packetId, 'The packet id');
    t.equal(reasonCode, 0x00, 'The reason code');
  });

  for (const flags of [0b0000, 0b0001, 0b0011, 0b0110, 0b1010]) {
    test(`PUBREL with the flags ${flags.toString(2).padStart(4, '0')} ends the connection`, {
      4: 'MQTT-3.6.1-1',
      5: 'MQTT-3.6.1-1',
    }, async (t) => {
      const client = await t.connected();
      client.send(frame(0x60 | flags, two(1)));
      await client.isRefused([0x81]);
    });
  }

  test('PUBREC for an unknown packet id is answered by PUBREL with 0x00 or 0x92', { 5: 'MQTT-3.6.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(acknowledgementPacket('PUBREC', 77));
    const { packetId, reasonCode } = await client.receive('PUBREL');
    t.equal(packetId, 77, 'The packet id');
    t.ok([0x00, 0x92].includes(reasonCode), `The reason code is ${reasonCode}`);
  });

  test('PUBREL keeps within the maximum packet size of the client, if need be without reason string and user properties', {
    5: ['MQTT-3.6.2-2', 'MQTT-3.6.2-3'],
  }, async (t) => {
    await fitsMaximum(t, 'PUBREL', acknowledgementPacket('PUBREC', 77));
  });
});
