import { acknowledgementPacket, pingreqPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** A session with a subscription of QoS 2, and one message under way to it. */
async function underWay(
  t: ServerTest,
  messageExpiryInterval?: number,
): Promise<{ client: RawClient; clientId: string; packetId: number }> {
  const clientId = t.clientId();
  const client = await t.connected(t.lasting(clientId), 'first');
  await client.subscribe(t.topic());
  const publisher = await t.connected({}, 'publisher');
  const properties = messageExpiryInterval === undefined ? {} : { messageExpiryInterval };
  await publisher.publish({ topic: t.topic(), payload: 'exactly once', qos: 2, properties });
  const message = await client.receive('PUBLISH');
  t.isMessage(message, t.topic(), 'exactly once');
  t.equal(message.firstByte, 0x34, 'The first byte of the message');
  return { client, clientId, packetId: message.packetId ?? 0 };
}

/** Answers a message with PUBREC, and demands the PUBREL for it. */
async function receivePubrel(t: ServerTest, client: RawClient, packetId: number): Promise<void> {
  client.send(acknowledgementPacket('PUBREC', packetId));
  const pubrel = await client.receive('PUBREL');
  t.equal([pubrel.packetId, pubrel.reasonCode], [packetId, 0], 'Packet id and reason code of PUBREL');
}

/** Sends PUBLISH of QoS 2 and demands the PUBREC for it. */
async function receivePubrec(
  t: ServerTest,
  client: RawClient,
  packetId: number,
  payload: string,
  dup = false,
): Promise<void> {
  client.send(publishPacket(t.level, { topic: t.topic(), payload, qos: 2, packetId, dup }));
  const pubrec = await client.receive('PUBREC');
  t.equal([pubrec.packetId, pubrec.reasonCode], [packetId, 0], 'Packet id and reason code of PUBREC');
}

/** Sends PUBREL and demands the PUBCOMP for it. */
async function receivePubcomp(t: ServerTest, client: RawClient, packetId: number): Promise<void> {
  client.send(acknowledgementPacket('PUBREL', packetId));
  const pubcomp = await client.receive('PUBCOMP');
  t.equal([pubcomp.packetId, pubcomp.reasonCode], [packetId, 0], 'Packet id and reason code of PUBCOMP');
}

async function subscriberOf(t: ServerTest): Promise<RawClient> {
  const subscriber = await t.connected({}, 'subscriber');
  await subscriber.subscribe(t.topic());
  return subscriber;
}

export const qualityOfService2 = serverSection('4.3 Quality of service 2', (test) => {
  test('a message is sent with QoS 2 and DUP 0, PUBREC is answered by PUBREL with its packet id, and that is all', {
    4: 'MQTT-4.3.3-1',
    5: ['MQTT-4.3.3-2', 'MQTT-4.3.3-4'],
  }, async (t) => {
    const { client, packetId } = await underWay(t);
    await receivePubrel(t, client, packetId);
    client.send(acknowledgementPacket('PUBCOMP', packetId));
    await client.isQuiet();
  });

  test('a message is unacknowledged until PUBREC: it is sent again on the next connections', {
    4: 'MQTT-4.3.3-1',
    5: 'MQTT-4.3.3-3',
  }, async (t) => {
    const { client, clientId, packetId } = await underWay(t);
    client.drop();
    for (const label of ['second', 'third']) {
      const next = await t.connected(t.lasting(clientId), label);
      const again = await next.receive('PUBLISH');
      t.isMessage(again, t.topic(), 'exactly once');
      t.equal([again.firstByte, again.packetId], [0x3c, packetId], 'First byte and packet id of the repetition');
      await next.isQuiet();
      next.drop();
    }
  });

  test('PUBREL is unacknowledged until PUBCOMP: it is sent again on the next connections, and not the message', {
    4: 'MQTT-4.3.3-1',
    5: ['MQTT-4.3.3-5', 'MQTT-4.3.3-6'],
  }, async (t) => {
    const { client, clientId, packetId } = await underWay(t);
    await receivePubrel(t, client, packetId);
    client.drop();
    for (const label of ['second', 'third']) {
      const next = await t.connected(t.lasting(clientId), label);
      t.equal((await next.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
      await next.isQuiet();
      next.drop();
    }
    const last = await t.connected(t.lasting(clientId), 'fourth');
    await last.receive('PUBREL');
    last.send(acknowledgementPacket('PUBCOMP', packetId));
    await last.isQuiet();
    last.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    await after.isQuiet();
  });

  test('a second PUBREC is answered by PUBREL, not by the message', {
    4: 'MQTT-4.3.3-1',
    5: 'MQTT-4.3.3-6',
  }, async (t) => {
    const { client, packetId } = await underWay(t);
    await receivePubrel(t, client, packetId);
    await receivePubrel(t, client, packetId);
    client.send(acknowledgementPacket('PUBCOMP', packetId));
    await client.isQuiet();
  });

  test('a PUBREC with an error is not answered by PUBREL', { 5: 'MQTT-4.3.3-4' }, async (t) => {
    const { client, packetId } = await underWay(t);
    client.send(acknowledgementPacket('PUBREC', packetId, 0x97));
    await client.isQuiet();
  });

  test('a PUBREC with reason code 0x10 is answered by PUBREL', { 5: 'MQTT-4.3.3-4' }, async (t) => {
    const { client, packetId } = await underWay(t);
    client.send(acknowledgementPacket('PUBREC', packetId, 0x10));
    t.equal((await client.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
  });

  test('a message that was sent does not expire any more', { 5: 'MQTT-4.3.3-7' }, async (t) => {
    const { client, clientId, packetId } = await underWay(t, 1);
    client.drop();
    await client.ended();
    await t.pass(2200);
    const after = await t.connected(t.lasting(clientId), 'after');
    const again = await after.receive('PUBLISH');
    t.isMessage(again, t.topic(), 'exactly once', 2);
    t.equal(again.packetId, packetId, 'The packet id');
    await receivePubrel(t, after, packetId);
  });

  test('PUBREC comes with the packet id of the PUBLISH, and the message is passed on', {
    4: 'MQTT-4.3.3-2',
    5: ['MQTT-4.3.3-8', 'MQTT-4.3.3-11'],
  }, async (t) => {
    const subscriber = await subscriberOf(t);
    const publisher = await t.connected({}, 'publisher');
    for (const packetId of [1, 0x0100, 0xffff]) {
      await receivePubrec(t, publisher, packetId, `${packetId}`);
      await receivePubcomp(t, publisher, packetId);
      t.isMessage(await subscriber.receiveMessage(), t.topic(), `${packetId}`, 2);
    }
  });

  for (const dup of [true, false]) {
    test(`until PUBREL a PUBLISH with the same packet id and DUP ${Number(dup)} is answered by PUBREC, and not passed on again`, {
      4: 'MQTT-4.3.3-2',
      5: 'MQTT-4.3.3-10',
    }, async (t) => {
      const subscriber = await subscriberOf(t);
      const publisher = await t.connected({}, 'publisher');
      await receivePubrec(t, publisher, 7, 'once');
      await receivePubrec(t, publisher, 7, 'once', dup);
      await receivePubrec(t, publisher, 7, 'once', dup);
      await receivePubcomp(t, publisher, 7);
      t.isMessage(await subscriber.receiveMessage(), t.topic(), 'once', 2);
      await subscriber.isQuiet();
    });
  }

  test('a message that is sent again on the next connection is not passed on again', {
    4: 'MQTT-4.3.3-2',
    5: 'MQTT-4.3.3-10',
  }, async (t) => {
    const subscriber = await subscriberOf(t);
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await receivePubrec(t, before, 7, 'once');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    await receivePubrec(t, after, 7, 'once', true);
    await receivePubcomp(t, after, 7);
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'once', 2);
    await subscriber.isQuiet();
  });

  test('PUBREL on the next connection is answered by PUBCOMP', { 4: 'MQTT-4.3.3-2', 5: 'MQTT-4.3.3-11' }, async (t) => {
    const subscriber = await subscriberOf(t);
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await receivePubrec(t, before, 7, 'once');
    before.drop();
    const after = await t.connected(t.lasting(clientId), 'after');
    await receivePubcomp(t, after, 7);
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'once', 2);
  });

  for (const dup of [false, true]) {
    test(`after PUBCOMP a PUBLISH with the same packet id and DUP ${Number(dup)} is a new message`, {
      4: 'MQTT-4.3.3-2',
      5: 'MQTT-4.3.3-12',
    }, async (t) => {
      const subscriber = await subscriberOf(t);
      const publisher = await t.connected({}, 'publisher');
      for (const isAgain of [false, true]) {
        await receivePubrec(t, publisher, 7, 'same', isAgain && dup);
        await receivePubcomp(t, publisher, 7);
      }
      for (let count = 0; count < 2; count++) t.isMessage(await subscriber.receiveMessage(), t.topic(), 'same', 2);
      await subscriber.isQuiet();
    });
  }

  test(
    'after PUBREC with an error a PUBLISH with the same packet id is a new message',
    { 5: 'MQTT-4.3.3-9' },
    async (t) => {
      const subscriber = await subscriberOf(t);
      const publisher = await t.connected({}, 'publisher');
      publisher.send(publishPacket(t.level, { topic: t.topic('denied'), qos: 2, packetId: 7 }));
      const pubrec = await publisher.receive('PUBREC').catch(() => null);
      if (publisher.isEnded) t.skip('the broker ends the connection instead of sending PUBREC with an error');
      t.equal(pubrec?.reasonCode, 0x87, 'The reason code');
      await receivePubrec(t, publisher, 7, 'new');
      await receivePubcomp(t, publisher, 7);
      t.isMessage(await subscriber.receiveMessage(), t.topic(), 'new', 2);
      await subscriber.isQuiet();
    },
    'access',
  );

  for (const [how, properties] of [
    ['', {}],
    [' with properties', { contentType: 'text/plain' }],
  ] as const) {
    test(
      `after PUBREC because of full queues a PUBLISH${how} with the same packet id is a new message`,
      { 5: 'MQTT-4.3.3-9' },
      async (t) => {
        const clientId = t.clientId();
        const before = await t.connected(t.lasting(clientId), 'before');
        await before.subscribe(t.topic());
        await before.disconnect();
        const publisher = await t.connected({}, 'publisher');
        const fill = { topic: t.topic(), qos: 1, payload: 'fills' };
        for (let count = 0; count < 20; count++) await publisher.publish(fill);
        const refused = { topic: t.topic(), qos: 2, packetId: 7, payload: 'refused', properties };
        publisher.send(publishPacket(t.level, refused));
        const pubrec = await publisher.receive('PUBREC');
        if (pubrec.reasonCode < 0x80) t.skip('the broker refuses no message when its queues are full');
        const after = await t.connected(t.lasting(clientId), 'after');
        do {
          t.isMessage(await after.receiveMessage(), t.topic(), 'fills', 1);
          after.send(pingreqPacket());
          await after.take('PINGRESP');
        } while (after.unread.length > 0);
        publisher.send(publishPacket(t.level, { ...refused, payload: 'new' }));
        t.equal((await publisher.receive('PUBREC')).reasonCode, 0, 'The reason code');
        await receivePubcomp(t, publisher, 7);
        t.isMessage(await after.receiveMessage(), t.topic(), 'new', 2);
        await after.isQuiet();
      },
      'short-queues',
    );
  }

  test('the exchange goes on even if the message has expired', { 5: 'MQTT-4.3.3-13' }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 1 };
    publisher.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 7, properties }));
    await publisher.receive('PUBREC');
    await t.pass(2200);
    await receivePubcomp(t, publisher, 7);
  });
});
