import { acknowledgementPacket, subscribePacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

async function needsSharedSubscriptions(t: ServerTest): Promise<void> {
  const { sharedSubscriptionAvailable = 1 } = await t.announced();
  if (sharedSubscriptionAvailable === 0) t.skip('the broker has no shared subscriptions');
}

/** The filter of a group that no other test has. */
function shared(t: ServerTest, filter = 'topic'): string {
  return `$share/group/${t.topic(filter)}`;
}

/** A member of the group, with a session that lasts so long. */
async function member(t: ServerTest, clientId: string, expiryIntervalS = 60, qos = 2): Promise<RawClient> {
  const client = await t.connected(t.lasting(clientId, expiryIntervalS), clientId);
  await client.subscribe({ filter: shared(t), qos });
  return client;
}

/**
 * A message of QoS 2 is on its way to one member, who was alone then, and another has joined the group since.
 * `toPubrel`: the first has sent PUBREC and got PUBREL.
 */
async function underWay(
  t: ServerTest,
  { expiryIntervalS = 60, toPubrel = false }: { expiryIntervalS?: number; toPubrel?: boolean } = {},
): Promise<{ clientId: string; chosen: RawClient; other: RawClient; packetId: number }> {
  await needsSharedSubscriptions(t);
  const clientId = t.clientId();
  const chosen = await member(t, clientId, expiryIntervalS);
  const publisher = await t.connected({}, 'publisher');
  await publisher.publish({ topic: t.topic(), payload: 'for one', qos: 2 });
  const { packetId = 0 } = await chosen.receive('PUBLISH');
  if (toPubrel) {
    chosen.send(acknowledgementPacket('PUBREC', packetId));
    await chosen.receive('PUBREL');
  }
  return { clientId, chosen, other: await member(t, t.clientId()), packetId };
}

export const sharedSubscriptions = serverSection('4.8 Subscriptions', (test) => {
  for (const [what, filter] of [
    ['no group name', '$share//'],
    ['nothing behind $share/', '$share/'],
  ]) {
    test(`a shared subscription with ${what} ends the connection`, { 5: 'MQTT-4.8.2-1' }, async (t) => {
      await needsSharedSubscriptions(t);
      for (const whole of filter === '$share/' ? [filter] : [filter, filter + t.topic()]) {
        const client = await t.connected({}, whole);
        client.send(subscribePacket(t.level, 1, [{ filter: whole, qos: 1 }]));
        await client.isRefused([0x8f, 0x82, 0x81]);
      }
    });
  }

  for (const [what, filter] of [
    ['+ in the group name', '$share/a+/t'],
    ['+ as the group name', '$share/+/t'],
    ['# in the group name', '$share/a#/t'],
    ['# as the group name', '$share/#'],
    ['# as the group name and a filter behind it', '$share/#/t'],
    ['no slash behind the group name', '$share/group'],
    ['no filter behind the group name', '$share/group/'],
    ['an invalid filter behind the group name', '$share/group/a#'],
  ]) {
    test(`a shared subscription with ${what} ends the connection`, { 5: 'MQTT-4.8.2-2' }, async (t) => {
      await needsSharedSubscriptions(t);
      const client = await t.connected();
      client.send(subscribePacket(t.level, 1, [{ filter, qos: 1 }]));
      await client.isRefused([0x8f, 0x82, 0x81]);
    });
  }

  test('a group name is one character or more of any others, and the filter behind it is one like any other', {
    5: ['MQTT-4.8.2-1', 'MQTT-4.8.2-2'],
  }, async (t) => {
    await needsSharedSubscriptions(t);
    const publisher = await t.connected({}, 'publisher');
    for (const group of ['g', '$', ' ', '東京', '$share', 'x'.repeat(1000)]) {
      for (const filter of ['a', 'a/+', '#', '+/b/#']) {
        const client = await t.connected();
        await client.subscribe({ filter: `$share/${group}/${t.topic(filter)}`, qos: 1 });
        const name = filter.replace('+', 'x').replace('#', 'y');
        await publisher.publish({ topic: t.topic(name), payload: group, qos: 1 });
        t.isMessage(await client.receiveMessage(), t.topic(name), group, 1);
        client.drop();
        await client.ended();
      }
    }
  });

  test('$share is a topic level like any other where no slash follows, and in another case', { 5: [] }, async (t) => {
    const client = await t.connected();
    for (const filter of ['$share', `$SHARE/group/${t.topic()}`, `/$share/group/${t.topic()}`]) {
      const { reasonCodes } = await client.subscribe({ filter, qos: 1 });
      t.ok(reasonCodes[0] <= 1 || reasonCodes[0] === 0x87 || reasonCodes[0] === 0x8f, `The code is ${reasonCodes[0]}`);
    }
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'elsewhere', qos: 1 });
    await client.isQuiet();
  });

  test('one member of a group gets each message, and each group gets all', { 5: [] }, async (t) => {
    await needsSharedSubscriptions(t);
    const groups = [[await t.connected({}, 'a1'), await t.connected({}, 'a2')], [await t.connected({}, 'b1')]];
    for (const [index, clients] of groups.entries()) {
      for (const client of clients) await client.subscribe({ filter: `$share/${index}/${t.topic()}`, qos: 0 });
    }
    const publisher = await t.connected({}, 'publisher');
    for (let number = 0; number < 10; number++) {
      await publisher.publish({ topic: t.topic(), payload: `${number}`, qos: 1 });
    }
    for (const clients of groups) {
      const found: string[] = [];
      for (const client of clients) {
        while (found.length < 10) {
          client.send(Buffer.from([0xc0, 0]));
          await client.take('PINGRESP');
          if (client.unread.length === 0) break;
          while (client.unread.length > 0) found.push((await client.receive('PUBLISH')).payload.toString());
        }
      }
      t.equal(
        found.sort(),
        Array.from({ length: 10 }, (_, number) => `${number}`),
        'What the group got',
      );
      for (const client of clients) await client.isQuiet();
    }
  });

  for (const granted of [0, 1, 2]) {
    test(`a member with QoS ${granted} gets its messages with that QoS at most`, { 5: 'MQTT-4.8.2-3' }, async (t) => {
      await needsSharedSubscriptions(t);
      const client = await t.connected();
      const [code] = (await client.subscribe({ filter: shared(t), qos: granted })).reasonCodes;
      const publisher = await t.connected({}, 'publisher');
      for (const qos of [0, 1, 2]) {
        await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos });
        t.isMessage(await client.receiveMessage(), t.topic(), `${qos}`, Math.min(qos, code));
      }
    });
  }

  test('each member of a group gets its messages with the QoS of its own subscription', {
    5: 'MQTT-4.8.2-3',
  }, async (t) => {
    await needsSharedSubscriptions(t);
    const clients: RawClient[] = [];
    for (const qos of [0, 1, 2]) {
      const client = await t.connected({}, `QoS ${qos}`);
      await client.subscribe({ filter: shared(t), qos });
      clients.push(client);
    }
    const publisher = await t.connected({}, 'publisher');
    let count = 0;
    for (let number = 0; number < 30; number++) {
      await publisher.publish({ topic: t.topic(), payload: `${number}`, qos: 2 });
    }
    for (const [qos, client] of clients.entries()) {
      client.send(Buffer.from([0xc0, 0]));
      await client.take('PINGRESP');
      while (client.unread.length > 0) {
        const message = await client.receiveMessage();
        t.equal(message.qos, qos, `The QoS of a message for the member with QoS ${qos}`);
        count++;
      }
    }
    t.equal(count, 30, 'The messages that came');
  });

  test('a message of QoS 2 that was sent to a member before its connection broke is sent to it again', {
    5: 'MQTT-4.8.2-4',
  }, async (t) => {
    const { clientId, chosen, other, packetId } = await underWay(t);
    chosen.drop();
    await chosen.ended();
    const back = await t.connected(t.lasting(clientId), 'back');
    const message = await back.receiveMessage();
    t.isMessage(message, t.topic(), 'for one', 2);
    t.equal([message.packetId, message.dup], [packetId, true], 'Packet id and DUP');
    await back.isQuiet();
    await other.isQuiet();
  });

  test('a delivery of QoS 2 that had come to PUBREL before the connection broke is completed', {
    5: 'MQTT-4.8.2-4',
  }, async (t) => {
    const { clientId, chosen, other, packetId } = await underWay(t, { toPubrel: true });
    chosen.drop();
    await chosen.ended();
    const back = await t.connected(t.lasting(clientId), 'back');
    t.equal((await back.receive('PUBREL')).packetId, packetId, 'The packet id of PUBREL');
    back.send(acknowledgementPacket('PUBCOMP', packetId));
    await back.isQuiet();
    await other.isQuiet();
  });

  for (const [how, leave] of [
    ['with its connection', async (client: RawClient) => client.drop()],
    ['with DISCONNECT', async (client: RawClient) => client.disconnect(0, { sessionExpiryInterval: 0 })],
  ] as const) {
    test(`a message of QoS 2 that a member had not completed when its session ended ${how} goes to nobody else`, {
      5: 'MQTT-4.8.2-5',
    }, async (t) => {
      const { clientId, chosen, other } = await underWay(t, { expiryIntervalS: how === 'with DISCONNECT' ? 60 : 0 });
      await leave(chosen);
      await chosen.ended();
      // CONNACK tells that the old session is gone.
      const back = await t.open('back');
      t.equal((await back.connect({ clientId, clean: false })).sessionPresent, false, 'Session Present');
      await back.isQuiet();
      await other.isQuiet();
    });
  }

  test('a message of QoS 2 goes to nobody else when the session of its member is replaced by a clean one', {
    5: 'MQTT-4.8.2-5',
  }, async (t) => {
    const { clientId, other } = await underWay(t);
    const back = await t.connected({ clientId, clean: true }, 'back');
    await back.isQuiet();
    await other.isQuiet();
  });

  for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
    test(`a message that its member refuses with 0x${reasonCode.toString(16)} goes to nobody else`, {
      5: 'MQTT-4.8.2-6',
    }, async (t) => {
      await needsSharedSubscriptions(t);
      const chosen = await member(t, t.clientId());
      const publisher = await t.connected({}, 'publisher');
      const ids: number[] = [];
      for (const qos of [1, 2]) {
        await publisher.publish({ topic: t.topic(), payload: 'for one', qos });
        ids.push((await chosen.receive('PUBLISH')).packetId ?? 0);
      }
      const other = await member(t, t.clientId());
      chosen.send(
        acknowledgementPacket('PUBACK', ids[0], reasonCode),
        acknowledgementPacket('PUBREC', ids[1], reasonCode),
      );
      await chosen.isQuiet();
      await other.isQuiet();
    });
  }
});
