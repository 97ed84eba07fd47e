import { PublishRefused } from '@cauldron/client';
import { acknowledgementPacket } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const deliveryRetry = clientSection('4.4 Message delivery retry', (test) => {
  test('after a reconnect what was not acknowledged is sent again, PUBLISH and PUBREL, with its packet id', {
    4: 'MQTT-4.4.0-1',
    5: 'MQTT-4.4.0-1',
  }, async (t) => {
    const first = await t.lasting();
    const ids: number[] = [];
    for (const [payload, qos] of [
      ['acknowledged', 1],
      ['at least once', 1],
      ['exactly once', 2],
      ['released', 2],
      ['complete', 2],
    ] as const) {
      t.begun(first.client.publish('a', payload, { qos }));
      ids.push((await first.server.receive('PUBLISH')).packetId ?? 0);
    }
    const [acknowledged, atLeastOnce, exactlyOnce, released, complete] = ids;
    first.server.send(acknowledgementPacket('PUBACK', acknowledged));
    for (const packetId of [released, complete]) {
      first.server.send(acknowledgementPacket('PUBREC', packetId));
      await first.server.receive('PUBREL');
    }
    first.server.send(acknowledgementPacket('PUBCOMP', complete));
    await first.server.isQuiet();
    await t.lose(first);

    const { server } = await t.lasting(first.client.session);
    t.equal((await server.take('PUBREL')).packetId, released, 'The packet id of PUBREL');
    for (const [payload, packetId] of [
      ['at least once', atLeastOnce],
      ['exactly once', exactlyOnce],
    ] as const) {
      const again = await server.receive('PUBLISH');
      t.isMessage(again, 'a', payload);
      t.equal([again.packetId, again.dup], [packetId, true], 'The packet id and DUP');
    }
    await server.isQuiet();
  });

  test('nothing is sent again while the connection is open', { 5: 'MQTT-4.4.0-1' }, async (t) => {
    const { client, server } = await t.connected({ keepAliveSeconds: 0 });
    t.begun(client.publish('a', '1', { qos: 1 }));
    await server.receive('PUBLISH');
    t.begun(client.publish('a', '2', { qos: 2 }));
    await server.receive('PUBLISH');
    t.begun(client.publish('a', 'released', { qos: 2 }));
    const { packetId = 0 } = await server.receive('PUBLISH');
    server.send(acknowledgementPacket('PUBREC', packetId));
    await server.receive('PUBREL');
    await t.pass(3_000);
    await server.isQuiet();
  });

  test('a message that the server has refused is not sent again', { 5: 'MQTT-4.4.0-2' }, async (t) => {
    const first = await t.lasting();
    for (const [name, qos] of [
      ['PUBACK', 1],
      ['PUBREC', 2],
    ] as const) {
      const publishing = t.begun(first.client.publish('a', 'refused', { qos }));
      const { packetId = 0 } = await first.server.receive('PUBLISH');
      first.server.send(acknowledgementPacket(name, packetId, 0x87));
      await t.rejects(publishing, 'Publishing', PublishRefused);
    }
    await first.server.isQuiet();
    await t.lose(first);
    const { server } = await t.lasting(first.client.session);
    await server.isQuiet();
  });
});
