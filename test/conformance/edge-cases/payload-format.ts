import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

const NOT_UTF8 = Buffer.from([0x61, 0xff, 0xfe, 0x00]);

export const payloadFormat = serverSection('Payload format indicator', (test) => {
  for (const qos of [1, 2]) {
    test(`a payload of QoS ${qos} that is not the UTF-8 it claims to be is passed on unaltered, or refused with 0x99`, {
      5: [],
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      const properties = { payloadFormatIndicator: 1 };
      const fields = { topic: t.topic(), payload: NOT_UTF8, qos, packetId: 1, properties };
      publisher.send(publishPacket(t.level, fields));
      const answer = await publisher.receive(qos === 1 ? 'PUBACK' : 'PUBREC').catch(() => null);
      if (answer === null || answer.reasonCode >= 0x80) {
        if (answer === null) await publisher.isRefused([0x99]);
        else t.equal(answer.reasonCode, 0x99, 'The reason code');
        await subscriber.isQuiet();
        return;
      }
      if (qos === 2) publisher.send(acknowledgementPacket('PUBREL', 1));
      const message = await subscriber.receiveMessage();
      t.equal(message.payload.toString('hex'), NOT_UTF8.toString('hex'), 'The payload');
      t.equal(message.properties.payloadFormatIndicator, 1, 'The payload format indicator');
    });
  }

  for (const payloadFormatIndicator of [0, undefined]) {
    test(`a payload of any bytes with the indicator ${payloadFormatIndicator ?? '(none)'} is passed on unaltered`, {
      5: [],
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe({ filter: t.topic(), qos: 1 });
      const publisher = await t.connected({}, 'publisher');
      const properties = payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator };
      await publisher.publish({ topic: t.topic(), payload: NOT_UTF8, qos: 1, properties });
      const { payload } = await subscriber.receiveMessage();
      t.equal(payload.toString('hex'), NOT_UTF8.toString('hex'), 'The payload');
    });
  }

  test('UTF-8 of all lengths is passed on under the indicator 1', { 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    for (const payload of ['', 'a', 'é', '東', '🜁', '\uFEFFa', 'a\u0000b']) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1, properties: { payloadFormatIndicator: 1 } });
      t.isMessage(await subscriber.receiveMessage(), t.topic(), payload, 1);
    }
  });

  test('a client of 3.1.1 gets the message of one of 5.0 without its properties', { 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber', 4);
    await subscriber.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    for (const qos of [0, 1, 2]) {
      const properties = { payloadFormatIndicator: 1, contentType: 'text/plain', messageExpiryInterval: 60 };
      await publisher.publish({ topic: t.topic(), payload: 'plain', qos, properties });
      t.isMessage(await subscriber.receiveMessage(), t.topic(), 'plain', qos);
    }
  });
});
