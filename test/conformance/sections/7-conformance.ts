import { serverSection } from '../suite/section.js';

/** Section 7 is one of 3.1.1 alone. */
export const conformance = serverSection('7 Conformance', (test) => {
  test('a client with nothing but the standard can connect, subscribe, publish, unsubscribe and leave', {
    4: ['MQTT-7.0.0-2', 'MQTT-7.1.1-1'],
    5: [],
  }, async (t) => {
    const client = await t.connected();
    for (const qos of [0, 1, 2]) {
      const topic = t.topic(`qos ${qos}`);
      await client.subscribe({ filter: topic, qos });
      await client.publish({ topic, payload: 'plain', qos });
      t.isMessage(await client.receiveMessage(), topic, 'plain', qos);
      await client.unsubscribe(topic);
    }
    await client.isQuiet();
    await client.disconnect();
  });
});
