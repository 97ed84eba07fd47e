import { acknowledgementPacket, pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** A subscriber with this receive maximum, for whom more messages than that wait. */
async function flooded(t: ServerTest, receiveMaximum: number, qosOf = (number: number) => 1 + (number % 2)) {
  const subscriber = await t.connected({ properties: { receiveMaximum } }, 'subscriber');
  await subscriber.subscribe(t.topic());
  const publisher = await t.connected({}, 'publisher');
  for (let number = 0; number < receiveMaximum + 5; number++) {
    await publisher.publish({ topic: t.topic(), payload: `${number}`, qos: qosOf(number) });
  }
  return { subscriber, publisher };
}

/** The messages that come before a PINGRESP. */
async function received(client: RawClient) {
  client.send(pingreqPacket());
  await client.take('PINGRESP');
  const messages = [];
  while (client.unread.length > 0) messages.push(await client.receive('PUBLISH'));
  return messages;
}

export const flowControl = serverSection('4.9 Flow control', (test) => {
  for (const receiveMaximum of [1, 2, 7, 20]) {
    test(`at a receive maximum of ${receiveMaximum} at least one message comes at first, and no more than that`, {
      5: ['MQTT-4.9.0-1', 'MQTT-4.9.0-2'],
    }, async (t) => {
      const { subscriber } = await flooded(t, receiveMaximum);
      const { length } = await received(subscriber);
      t.ok(length >= 1 && length <= receiveMaximum, `${length} messages came`);
      await subscriber.isQuiet();
    });
  }

  test('without a receive maximum, more messages than one come at first', { 5: 'MQTT-4.9.0-1' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'there', qos: 2 });
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), 'there', 2);
  });

  test('each acknowledgement makes room for as many messages as it acknowledges', {
    5: 'MQTT-4.9.0-2',
  }, async (t) => {
    const { subscriber } = await flooded(t, 3, () => 1);
    let next = 0;
    let underWay = await received(subscriber);
    while (underWay.length > 0) {
      t.ok(underWay.length <= 3, `${underWay.length} messages are under way`);
      for (const { payload } of underWay) t.equal(payload.toString(), `${next++}`, 'The number of the message');
      for (const { packetId = 0 } of underWay) subscriber.send(acknowledgementPacket('PUBACK', packetId));
      underWay = await received(subscriber);
    }
    t.equal(next, 8, 'The messages that came');
  });

  test('PUBACK, PUBCOMP and a PUBREC with an error make room, a PUBREC without one does not', {
    5: 'MQTT-4.9.0-2',
  }, async (t) => {
    const { subscriber } = await flooded(t, 1, (number) => [1, 2, 2, 1][number % 4]);
    const next = async (payload: string, qos: number): Promise<number> => {
      const message = await subscriber.receive('PUBLISH');
      t.isMessage(message, t.topic(), payload, qos);
      await subscriber.isQuiet();
      return message.packetId ?? 0;
    };
    subscriber.send(acknowledgementPacket('PUBACK', await next('0', 1)));
    const second = await next('1', 2);
    subscriber.send(acknowledgementPacket('PUBREC', second));
    await subscriber.receive('PUBREL');
    await subscriber.isQuiet();
    subscriber.send(acknowledgementPacket('PUBCOMP', second));
    subscriber.send(acknowledgementPacket('PUBREC', await next('2', 2), 0x97));
    await next('3', 1);
  });

  test('acknowledgements that belong to no message make no room', { 5: 'MQTT-4.9.0-2' }, async (t) => {
    const { subscriber } = await flooded(t, 2, () => 1);
    const messages = await received(subscriber);
    const ids = messages.map(({ packetId }) => packetId);
    const unknown = [1000, 1001, 1002].filter((id) => !ids.includes(id));
    // A broker may end the connection for them. What it may not is to send more.
    subscriber.send(...unknown.map((id) => acknowledgementPacket('PUBACK', id)), pingreqPacket());
    const packet = await subscriber.receive('PINGRESP').catch(() => null);
    if (packet === null) await subscriber.ended();
    else t.equal(subscriber.unread.length, 0, 'The messages that came beyond the receive maximum');
  });

  test('at no room for messages, messages of QoS 0 come and all other packets are answered', {
    5: 'MQTT-4.9.0-3',
  }, async (t) => {
    const { subscriber, publisher } = await flooded(t, 1);
    await received(subscriber);
    const before = await subscriber.subscribe({ filter: t.topic('more'), qos: 2 });
    t.equal(before.reasonCodes.length, 1, 'The number of codes of SUBACK');
    await publisher.publish({ topic: t.topic('more'), payload: 'QoS 0' });
    t.isMessage(await subscriber.receive('PUBLISH'), t.topic('more'), 'QoS 0', 0);
    await subscriber.unsubscribe(t.topic('more'));
    subscriber.send(publishPacket(t.level, { topic: t.topic('away'), qos: 1, packetId: 901 }));
    t.equal((await subscriber.receive('PUBACK')).packetId, 901, 'The packet id of PUBACK');
    subscriber.send(publishPacket(t.level, { topic: t.topic('away'), qos: 2, packetId: 902 }));
    t.equal((await subscriber.receive('PUBREC')).packetId, 902, 'The packet id of PUBREC');
    subscriber.send(acknowledgementPacket('PUBREL', 902));
    t.equal((await subscriber.receive('PUBCOMP')).packetId, 902, 'The packet id of PUBCOMP');
    await subscriber.isQuiet();
    await subscriber.disconnect();
  });
});
