import { hex, text } from '../raw/packet-writer.js';
import { clientSection } from '../suite/section.js';

export const subscribe = clientSection('3.8 SUBSCRIBE', (test) => {
  test('the flags of SUBSCRIBE are 0010', { 4: 'MQTT-3.8.1-1', 5: 'MQTT-3.8.1-1' }, async (t) => {
    const { client, server } = await t.connected();
    for (const qos of [0, 1, 2] as const) {
      const subscribing = client.subscribe(['a', 'b'], { qos });
      t.equal((await server.acceptSubscribe()).firstByte, 0x82, 'The first byte');
      await subscribing;
    }
  });

  test('the topic filters are UTF-8 strings, each with its options, in the order of the call', {
    4: ['MQTT-3.8.3-1', 'MQTT-3.8.3-3'],
    5: ['MQTT-3.8.3-1', 'MQTT-3.8.3-2'],
  }, async (t) => {
    const { client, server } = await t.connected();
    const subscribing = client.subscribe(['тема/+', '\u{1f9ea}/#', 'a'], { qos: 1 });
    const { bytes } = await server.acceptSubscribe();
    await subscribing;
    const options = hex('01');
    const payload = [text('тема/+'), options, text('\u{1f9ea}/#'), options, text('a'), options];
    t.equal(bytes.subarray(t.level === 5 ? 5 : 4), Buffer.concat(payload), 'The payload');
  });

  test('the options of a subscription are those that were asked for', { 5: 'MQTT-3.8.3-2' }, async (t) => {
    const { client, server } = await t.connected();
    for (const [options, wanted] of [
      [{}, 0x00],
      [{ qos: 2 }, 0x02],
      [{ noLocal: true }, 0x04],
      [{ retainAsPublished: true }, 0x08],
      [{ retainHandling: 1 }, 0x10],
      [{ qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }, 0x2d],
    ] as const) {
      const subscribing = client.subscribe('a', options);
      const { subscriptions } = await server.acceptSubscribe();
      await subscribing;
      t.equal(subscriptions, [{ filter: 'a', options: wanted }], 'The subscription');
    }
  });

  test('a SUBSCRIBE without a topic filter is not sent', { 4: 'MQTT-3.8.3-3', 5: 'MQTT-3.8.3-2' }, async (t) => {
    const { client, server } = await t.connected();
    await t.refuses(server, client.subscribe([]), 'SUBSCRIBE');
  });

  test('an ill-formed topic filter is not sent', { 4: 'MQTT-3.8.3-1', 5: 'MQTT-3.8.3-1' }, async (t) => {
    const { client, server } = await t.connected();
    for (const filter of ['a/\ud800', '\udc00', 'a\u0000']) {
      await t.refuses(server, client.subscribe(['a', filter]), 'SUBSCRIBE');
    }
  });

  test('No Local is not asked for with a shared subscription', { 5: 'MQTT-3.8.3-4' }, async (t) => {
    const { client, server } = await t.connected();
    await t.refuses(server, client.subscribe('$share/group/a', { noLocal: true }), 'SUBSCRIBE');
    await t.refuses(server, client.subscribe(['a', '$share/group/a'], { noLocal: true }), 'SUBSCRIBE');
    const subscribing = client.subscribe('$share/group/a');
    t.equal((await server.acceptSubscribe()).subscriptions, [{ filter: '$share/group/a', options: 0 }], 'Without it');
    await subscribing;
  });
});
