import type { ServerPacketOf } from '../raw/packet-reader.js';
import { publishPacket, text } from '../raw/packet-writer.js';
import type { Properties } from '../raw/property-table.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

type Message = ServerPacketOf<'PUBLISH'>;

/** A message as it comes to a subscriber that is present, to one that was away, and to one that subscribes later. */
async function passOn(t: ServerTest, properties: Properties): Promise<readonly Message[]> {
  const present = await t.connected({}, 'present');
  await present.subscribe(t.topic());
  const clientId = t.clientId();
  const away = await t.connected(t.lasting(clientId), 'away');
  await away.subscribe(t.topic());
  await away.disconnect();
  const publisher = await t.connected({}, 'publisher');
  await publisher.publish({ topic: t.topic(), payload: 'x', qos: 1, retain: true, properties });
  const back = await t.connected(t.lasting(clientId), 'back');
  const later = await t.connected({}, 'later');
  await later.subscribe(t.topic());
  return [await present.receiveMessage(), await back.receiveMessage(), await later.receiveMessage()];
}

export const publishProperties = serverSection('3.3 PUBLISH, properties', (test) => {
  for (const indicator of [0, 1, undefined]) {
    test(`the payload format indicator ${indicator ?? '(none)'} is passed on unaltered`, {
      5: 'MQTT-3.3.2-4',
    }, async (t) => {
      const properties = indicator === undefined ? {} : { payloadFormatIndicator: indicator };
      for (const message of await passOn(t, properties)) {
        // Without the property the payload is of unspecified bytes, as with 0.
        t.equal(message.properties.payloadFormatIndicator ?? 0, indicator ?? 0, 'The payload format indicator');
      }
    });
  }

  for (const qos of [1, 2]) {
    test(`a message of QoS ${qos} that waits for a client longer than its expiry interval is deleted`, {
      5: 'MQTT-3.3.2-5',
    }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(t.lasting(clientId), 'before');
      await before.subscribe(t.topic());
      await before.disconnect();
      const publisher = await t.connected({}, 'publisher');
      const properties = { messageExpiryInterval: 1 };
      await publisher.publish({ topic: t.topic(), payload: 'short-lived', qos, properties });
      await publisher.publish({ topic: t.topic(), payload: 'lasting', qos });
      await t.pass(2200);
      const after = await t.connected(t.lasting(clientId), 'after');
      t.isMessage(await after.receiveMessage(), t.topic(), 'lasting');
      await after.isQuiet();
    });
  }

  test('a retained message is not sent when its expiry interval has passed', { 5: 'MQTT-3.3.2-5' }, async (t) => {
    const publisher = await t.connected({}, 'publisher');
    const properties = { messageExpiryInterval: 1 };
    await publisher.publish({ topic: t.topic(), payload: 'short-lived', qos: 1, retain: true, properties });
    await t.pass(2200);
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    await subscriber.isQuiet();
  });

  test('the expiry interval of a message is what was received, less the time that it waited', {
    5: 'MQTT-3.3.2-6',
  }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    const present = await t.connected({}, 'present');
    await present.subscribe(t.topic());
    const start = performance.now();
    const properties = { messageExpiryInterval: 1000 };
    await publisher.publish({ topic: t.topic(), payload: 'x', qos: 1, retain: true, properties });
    isReduced(await present.receiveMessage(), start, 0);
    await t.pass(2100);
    const after = await t.connected(t.lasting(clientId), 'after');
    isReduced(await after.receiveMessage(), start, 2);
    const later = await t.connected({}, 'later');
    await later.subscribe(t.topic());
    isReduced(await later.receiveMessage(), start, 2);

    function isReduced({ properties: { messageExpiryInterval = 0 } }: Message, startMs: number, waitedS: number): void {
      const elapsedS = (performance.now() - startMs) / 1000;
      t.ok(
        messageExpiryInterval <= 1000 - waitedS && messageExpiryInterval >= 1000 - Math.ceil(elapsedS) - 1,
        `The expiry interval is ${messageExpiryInterval} after ${elapsedS.toFixed(1)} s of 1000`,
      );
    }
  });

  test('the response topic is passed on unaltered', { 5: 'MQTT-3.3.2-15' }, async (t) => {
    const responseTopic = t.topic('réponse/to');
    for (const { properties } of await passOn(t, { responseTopic })) {
      t.equal(properties.responseTopic, responseTopic, 'The response topic');
    }
  });

  test('correlation data is passed on unaltered, whatever its bytes', { 5: 'MQTT-3.3.2-16' }, async (t) => {
    const correlationData = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    for (const { properties } of await passOn(t, { correlationData })) {
      t.equal(
        Buffer.from(properties.correlationData ?? []).toString('hex'),
        correlationData.toString('hex'),
        'The data',
      );
    }
  });

  test('user properties are passed on unaltered and in their order, also equal ones', {
    5: ['MQTT-3.3.2-17', 'MQTT-3.3.2-18'],
  }, async (t) => {
    const userProperty: [string, string][] = [
      ['z', '1'],
      ['a', '2'],
      ['z', '3'],
      ['', ''],
      ['z', '1'],
      ['é', '🜁'],
    ];
    for (const { properties } of await passOn(t, { userProperty })) {
      t.equal(properties.userProperty, userProperty, 'The user properties');
    }
  });

  test('the content type is passed on unaltered', { 5: 'MQTT-3.3.2-20' }, async (t) => {
    const contentType = 'text/plain; charset="UTF-8"';
    for (const { properties } of await passOn(t, { contentType })) {
      t.equal(properties.contentType, contentType, 'The content type');
    }
  });

  for (const [name, id, statement] of [
    ['response topic', 0x08, 'MQTT-3.3.2-13'],
    ['content type', 0x03, 'MQTT-3.3.2-19'],
  ] as const) {
    test(`a ${name} of ill-formed UTF-8 ends the connection`, { 5: statement }, async (t) => {
      for (const bytes of [
        [0xc3, 0x28],
        [0xed, 0xa0, 0x80],
        [0x61, 0x00],
      ]) {
        const subscriber = await t.connected({}, 'subscriber');
        await subscriber.subscribe(t.topic());
        const client = await t.connected();
        const properties = Buffer.concat([Buffer.from([id]), text(Buffer.from(bytes))]);
        client.send(publishPacket(t.level, { topic: t.topic(), properties }));
        await client.isRefused([0x81, 0x82]);
        await subscriber.isQuiet();
      }
    });
  }

  for (const wildcard of ['+', '#']) {
    test(`a response topic with ${wildcard} ends the connection`, { 5: 'MQTT-3.3.2-14' }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const client = await t.connected();
      const properties = { responseTopic: t.topic(`answer/${wildcard}`) };
      client.send(publishPacket(t.level, { topic: t.topic(), properties }));
      await client.isRefused([0x82, 0x81, 0x90]);
      await subscriber.isQuiet();
    });
  }
});
