import { publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const messageReceipt = clientSection('4.5 Message receipt', (test) => {
  test('a message is acknowledged even if nobody in the program takes it', {
    4: 'MQTT-4.5.0-2',
    5: 'MQTT-4.5.0-2',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const subscribing = client.subscribe('handled', {}, (message) => inbox.add(message));
    await server.acceptSubscribe();
    await subscribing;
    const ignoring = await t.connected({ onMessage: null });
    for (const one of [server, ignoring.server]) {
      one.send(publishPacket(t.level, { topic: 'unexpected', qos: 1, packetId: 1 }));
      t.equal((await one.receive('PUBACK')).packetId, 1, 'The packet id of PUBACK');
      one.send(publishPacket(t.level, { topic: 'unexpected', qos: 2, packetId: 2 }));
      t.equal((await one.receive('PUBREC')).packetId, 2, 'The packet id of PUBREC');
    }
  });
});
