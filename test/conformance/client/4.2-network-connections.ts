import { publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const networkConnections = clientSection('4.2 Network connections', (test) => {
  test('over TCP every byte arrives, in order, in both directions', {
    4: 'MQTT-7.1.2-1',
    5: 'MQTT-4.2.0-1',
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    const payloads = Array.from({ length: 300 }, (_, index) =>
      Buffer.alloc((index * 331) % 20_000, `message ${index} `),
    );
    const published = payloads.map((payload) => client.publish('sent', payload));
    for (const payload of payloads) {
      const message = await server.receive('PUBLISH');
      t.ok(message.payload.equals(payload), 'A message arrived in another order, or changed');
    }
    await Promise.all(published);
    // All at once in pieces that do not end where packets do.
    const stream = Buffer.concat(payloads.map((payload) => publishPacket(t.level, { topic: 'received', payload })));
    for (let at = 0; at < stream.length; at += 40_001) server.sendPiece(stream.subarray(at, at + 40_001));
    for (const payload of payloads) {
      const message = await inbox.next();
      t.ok(Buffer.from(message.payload).equals(payload), 'A message was delivered in another order, or changed');
    }
  });

  test('packets are found wherever the stream is cut', { 4: 'MQTT-7.1.2-1', 5: 'MQTT-4.2.0-1' }, async (t) => {
    const { server, inbox } = await t.connected();
    const packet = publishPacket(t.level, { topic: 'a', payload: 'x'.repeat(130), qos: 1, packetId: 1 });
    for (let at = 1; at < packet.length; at += 7) {
      server.sendPiece(packet.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      server.sendPiece(packet.subarray(at));
      t.isMessage(await inbox.next(), 'a', 'x'.repeat(130));
      await server.receive('PUBACK');
    }
  });
});
