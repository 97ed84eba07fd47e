import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

const MESSAGES = 100;
/** So many are published in one piece: any receive maximum that a broker is likely to have allows them. */
const BURST = 20;

/** Publishes numbered messages as fast as may be, many in one piece, and completes their exchanges. */
async function publishMany(t: ServerTest, publisher: RawClient, qos: number, prefix = ''): Promise<void> {
  for (let first = 1; first <= MESSAGES; first += BURST) {
    const ids = Array.from({ length: BURST }, (_, index) => first + index);
    publisher.send(
      ...ids.map((packetId) => {
        const message = { topic: t.topic(), payload: `${prefix}${packetId}`, qos };
        return publishPacket(t.level, qos === 0 ? message : { ...message, packetId });
      }),
    );
    if (qos === 1) for (const _ of ids) await publisher.receive('PUBACK');
    if (qos < 2) continue;
    for (const _ of ids) await publisher.receive('PUBREC');
    publisher.send(...ids.map((packetId) => acknowledgementPacket('PUBREL', packetId)));
    for (const _ of ids) await publisher.receive('PUBCOMP');
  }
  await publisher.isQuiet();
}

/** Demands that the numbered messages come in their order; each is acknowledged at once. */
async function receiveMany(t: ServerTest, subscriber: RawClient, qos: number): Promise<void> {
  for (let number = 1; number <= MESSAGES; number++) {
    const message = await subscriber.take('PUBLISH'); // PUBRELs come between
    t.isMessage(message, t.topic(), `${number}`, qos);
    const { packetId } = message;
    if (packetId === undefined) continue;
    subscriber.send(acknowledgementPacket(qos === 1 ? 'PUBACK' : 'PUBREC', packetId));
    if (qos < 2) continue;
    const pubrel = await subscriber.take('PUBREL');
    t.equal(pubrel.packetId, packetId, 'The packet id of PUBREL');
    subscriber.send(acknowledgementPacket('PUBCOMP', packetId));
  }
  await subscriber.isQuiet();
}

export const ordering = serverSection('4.6 Message ordering', (test) => {
  for (const qos of [0, 1, 2]) {
    test(`messages of QoS ${qos} to one topic reach each subscriber in the order of publishing`, {
      4: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'],
      5: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'],
    }, async (t) => {
      const subscribers = [await t.connected({}, 'one'), await t.connected({}, 'other')];
      await subscribers[0].subscribe({ filter: t.topic(), qos });
      await subscribers[1].subscribe({ filter: t.topic('+'), qos });
      const publisher = await t.connected({}, 'publisher');
      await publishMany(t, publisher, qos);
      for (const subscriber of subscribers) await receiveMany(t, subscriber, qos);
    });

    test(`messages of QoS ${qos} keep the order of each of two publishers`, {
      4: 'MQTT-4.6.0-6',
      5: 'MQTT-4.6.0-5',
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe({ filter: t.topic(), qos: 0 });
      const a = await t.connected({}, 'a');
      const b = await t.connected({}, 'b');
      await Promise.all([publishMany(t, a, qos, 'a'), publishMany(t, b, qos, 'b')]);
      const numbers = { a: 0, b: 0 };
      for (let count = 0; count < 2 * MESSAGES; count++) {
        const payload = (await subscriber.receive('PUBLISH')).payload.toString();
        const who = payload.startsWith('a') ? 'a' : 'b';
        t.equal(payload, `${who}${++numbers[who]}`, 'The message');
      }
    });
  }

  for (const qos of [1, 2]) {
    test(`messages of QoS ${qos} that waited for a client reach it in the order of publishing`, {
      4: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'],
      5: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'],
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe({ filter: t.topic(), qos });
      await before.disconnect();
      const publisher = await t.connected({}, 'publisher');
      await publishMany(t, publisher, qos);
      const after = await t.connected(t.lasting(clientId), 'after');
      await receiveMany(t, after, qos);
    });

    test(`messages of QoS ${qos} are sent again in their order, before those that wait`, {
      4: 'MQTT-4.6.0-6',
      5: 'MQTT-4.6.0-5',
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe({ filter: t.topic(), qos });
      const publisher = await t.connected({}, 'publisher');
      await publishMany(t, publisher, qos);
      await before.receive('PUBLISH');
      before.drop();
      const after = await t.connected(t.lasting(clientId), 'after');
      await receiveMany(t, after, qos);
    });
  }

  test('a message that was acknowledged out of order does not change the order of those sent again', {
    4: 'MQTT-4.6.0-6',
    5: 'MQTT-4.6.0-5',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const ids: number[] = [];
    for (const payload of ['1', '2', '3', '4', '5']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1 });
      ids.push((await before.receive('PUBLISH')).packetId ?? 0);
    }
    for (const index of [3, 1]) before.send(acknowledgementPacket('PUBACK', ids[index]));
    await before.isQuiet();
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    for (const payload of ['1', '3', '5']) t.isMessage(await after.receive('PUBLISH'), t.topic(), payload, 1);
    await after.isQuiet();
  });

  test('PUBRELs come in the order of the PUBRECs', { 4: 'MQTT-4.6.0-6', 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    const ids: number[] = [];
    for (const payload of ['1', '2', '3', '4']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 2 });
      ids.push((await subscriber.receive('PUBLISH')).packetId ?? 0);
    }
    const order = [ids[2], ids[0], ids[3], ids[1]];
    subscriber.send(...order.map((packetId) => acknowledgementPacket('PUBREC', packetId)));
    for (const packetId of order) t.equal((await subscriber.receive('PUBREL')).packetId, packetId, 'The packet id');
  });
});
