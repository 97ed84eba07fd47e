import { publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import { fitsMaximum } from './maximum-packet-size.js';

export const puback = serverSection('3.4 PUBACK', (test) => {
  test('a message for a subscriber is answered with reason code 0x00', { 5: 'MQTT-3.4.2-1' }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 1, packetId: 9 }));
    const { reasonCode } = await client.take('PUBACK');
    t.equal(reasonCode, 0x00, 'The reason code');
  });

  test('a message for nobody is answered with reason code 0x00 or 0x10', { 5: 'MQTT-3.4.2-1' }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 1, packetId: 9 }));
    const { reasonCode } = await client.receive('PUBACK');
    t.ok([0x00, 0x10].includes(reasonCode), `The reason code is ${reasonCode}`);
  });

  test(
    'a message that is not allowed is answered with reason code 0x87, or ends the connection',
    { 5: 'MQTT-3.4.2-1' },
    async (t) => {
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: t.topic('denied'), qos: 1, packetId: 9 }));
      const answer = await client.receive('PUBACK').catch(() => null);
      if (answer === null) await client.isRefused([0x87]);
      else t.equal([answer.packetId, answer.reasonCode], [9, 0x87], 'Packet id and reason code');
    },
    'access',
  );

  test(
    'PUBACK keeps within the maximum packet size of the client, if need be without reason string and user properties',
    { 5: ['MQTT-3.4.2-2', 'MQTT-3.4.2-3'] },
    async (t) => {
      await fitsMaximum(t, 'PUBACK', publishPacket(t.level, { topic: t.topic('denied'), qos: 1, packetId: 9 }));
    },
    'access',
  );
});
