import { text } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const unsubscribe = clientSection('3.10 UNSUBSCRIBE', (test) => {
  test('the flags of UNSUBSCRIBE are 0010', { 4: 'MQTT-3.10.1-1', 5: 'MQTT-3.10.1-1' }, async (t) => {
    const { client, server } = await t.connected();
    for (const filters of ['a', ['a', 'b']]) {
      const unsubscribing = client.unsubscribe(filters);
      t.equal((await server.acceptUnsubscribe()).firstByte, 0xa2, 'The first byte');
      await unsubscribing;
    }
  });

  test('the topic filters are UTF-8 strings, one after the other', {
    4: ['MQTT-3.10.3-1', 'MQTT-3.10.3-2'],
    5: ['MQTT-3.10.3-1', 'MQTT-3.10.3-2'],
  }, async (t) => {
    const { client, server } = await t.connected();
    const unsubscribing = client.unsubscribe(['тема/+', '\u{1f9ea}/#', 'a']);
    const { bytes } = await server.acceptUnsubscribe();
    await unsubscribing;
    const payload = Buffer.concat([text('тема/+'), text('\u{1f9ea}/#'), text('a')]);
    t.equal(bytes.subarray(t.level === 5 ? 5 : 4), payload, 'The payload');
  });

  test('an UNSUBSCRIBE without a topic filter is not sent', { 4: 'MQTT-3.10.3-2', 5: 'MQTT-3.10.3-2' }, async (t) => {
    const { client, server } = await t.connected();
    await t.refuses(server, client.unsubscribe([]), 'UNSUBSCRIBE');
  });

  test('an ill-formed topic filter is not sent in UNSUBSCRIBE', {
    4: 'MQTT-3.10.3-1',
    5: 'MQTT-3.10.3-1',
  }, async (t) => {
    const { client, server } = await t.connected();
    for (const filter of ['a/\ud800', '\udc00', 'a\u0000']) {
      await t.refuses(server, client.unsubscribe(['a', filter]), 'UNSUBSCRIBE');
    }
  });
});
