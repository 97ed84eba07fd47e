import { authPacket, frame, hex, properties } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const auth = clientSection('3.15 AUTH', (test) => {
  test('an AUTH with reserved flags ends the connection', { 5: 'MQTT-3.15.1-1' }, async (t) => {
    for (const firstByte of [0xf1, 0xf2, 0xf8, 0xff]) {
      const { server } = await t.connected();
      server.send(frame(firstByte, hex('18'), properties({ authenticationMethod: 'm' })));
      await server.isRefused([0x81]);
    }
  });

  test('an AUTH that nobody asked for is not answered by one', { 5: 'MQTT-4.12.0-7' }, async (t) => {
    for (const packet of [authPacket(0x18, { authenticationMethod: 'm' }), authPacket()]) {
      const { server } = await t.connected();
      server.send(packet);
      await server.isRefused([0x82]);
    }
  });
});
