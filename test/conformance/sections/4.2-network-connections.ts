import { pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const networkConnections = serverSection('4.2 Network connections', (test) => {
  test('a stream of bytes is read in its order, wherever it is cut', { 4: [], 5: 'MQTT-4.2.0-1' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const packet = publishPacket(t.level, { topic: t.topic(), payload: 'cut', qos: 1, packetId: 1 });
    for (const byte of packet) publisher.send(Buffer.from([byte]));
    await publisher.receive('PUBACK');
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'cut', 1);
  });

  test('packets that come in one piece are read one after the other', { 4: [], 5: 'MQTT-4.2.0-1' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const packets = ['1', '2', '3'].map((payload, index) =>
      publishPacket(t.level, { topic: t.topic(), payload, qos: 1, packetId: index + 1 }),
    );
    publisher.send(...packets, pingreqPacket());
    for (const packetId of [1, 2, 3]) t.equal((await publisher.receive('PUBACK')).packetId, packetId, 'The packet id');
    await publisher.receive('PINGRESP');
    for (const payload of ['1', '2', '3']) t.isMessage(await subscriber.receiveMessage(), t.topic(), payload, 1);
  });

  for (const qos of [0, 1, 2]) {
    test(`a message of QoS ${qos} and 300,000 bytes arrives without loss`, { 4: [], 5: 'MQTT-4.2.0-1' }, async (t) => {
      const payload = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic(), payload, qos });
      const message = await subscriber.receiveMessage();
      t.ok(message.payload.equals(payload), 'The payload is another one');
    });
  }
});
