import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

const COUNT = 40;

export const ordering = clientSection('4.6 Message ordering', (test) => {
  test('messages are sent again in the order in which they were sent first', {
    4: 'MQTT-4.6.0-1',
    5: 'MQTT-4.6.0-1',
  }, async (t) => {
    const first = await t.lasting();
    for (let index = 0; index < COUNT; index++) {
      t.begun(first.client.publish('a', String(index), { qos: index % 3 === 0 ? 2 : 1 }));
    }
    const acknowledged: number[] = [];
    for (let index = 0; index < COUNT; index++) {
      const { packetId = 0, qos } = await first.server.receive('PUBLISH');
      if (index % 4 !== 1) continue;
      // Some in between are done, so that ids and order differ.
      acknowledged.push(index);
      first.server.send(acknowledgementPacket(qos === 1 ? 'PUBACK' : 'PUBREC', packetId));
    }
    await first.server.take('PUBREL');
    t.begun(first.client.publish('a', String(COUNT), { qos: 1 }));
    await first.server.take('PUBLISH');
    await t.lose(first);
    const wanted = Array.from({ length: COUNT + 1 }, (_, index) => index).filter((one) => !acknowledged.includes(one));
    for (let round = 0; round < 2; round++) {
      const again = await t.lasting(first.client.session);
      for (const index of wanted) t.isMessage(await again.server.take('PUBLISH'), 'a', String(index));
      await t.lose(again);
    }
  });

  for (const [name, qos, statement] of [
    ['PUBACK', 1, 'MQTT-4.6.0-2'],
    ['PUBREC', 2, 'MQTT-4.6.0-3'],
  ] as const) {
    test(`${name} packets are sent in the order of their messages`, { 4: statement, 5: statement }, async (t) => {
      const { server } = await t.connected();
      const ids = Array.from({ length: COUNT }, (_, index) => ((index * 17) % COUNT) + 1);
      server.send(
        ...ids.flatMap((packetId) => [
          publishPacket(t.level, { topic: 'a', qos, packetId }),
          // Of another QoS in between: they have an order of their own.
          publishPacket(t.level, { topic: 'a', qos: 3 - qos, packetId: packetId + 1_000 }),
        ]),
      );
      for (const packetId of ids) {
        const answer = await server.take(name, (one) => one.packetId <= COUNT);
        t.equal(answer.packetId, packetId, 'The packet id');
      }
    });
  }

  test('PUBREL packets are sent in the order of the PUBREC packets', {
    4: 'MQTT-4.6.0-4',
    5: 'MQTT-4.6.0-4',
  }, async (t) => {
    const first = await t.lasting();
    const ids: number[] = [];
    for (let index = 0; index < COUNT; index++) {
      t.begun(first.client.publish('a', String(index), { qos: 2 }));
      ids.push((await first.server.receive('PUBLISH')).packetId ?? 0);
    }
    const order = ids.map((_, index) => ids[(index * 17) % COUNT]);
    first.server.send(...order.map((packetId) => acknowledgementPacket('PUBREC', packetId)));
    for (const packetId of order) t.equal((await first.server.receive('PUBREL')).packetId, packetId, 'The packet id');
    await t.lose(first);
    // And in the same order after a reconnect.
    const { server } = await t.lasting(first.client.session);
    for (const packetId of order) t.equal((await server.receive('PUBREL')).packetId, packetId, 'The id, once more');
  });
});
