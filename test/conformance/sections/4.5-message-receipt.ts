import { serverSection } from '../suite/section.js';

export const messageReceipt = serverSection('4.5 Message receipt', (test) => {
  for (const qos of [1, 2]) {
    test(`a message of QoS ${qos} reaches every session with a matching subscription, whether its client is there or away`, {
      4: 'MQTT-4.5.0-1',
      5: 'MQTT-4.5.0-1',
    }, async (t) => {
      const filters = [t.topic('a/b'), t.topic('a/+'), t.topic('#')];
      const present = await Promise.all(filters.map((_, index) => t.connected({}, `present ${index}`)));
      const ids = filters.map(() => t.clientId());
      const away = await Promise.all(ids.map((id, index) => t.connected(t.lasting(id), `away ${index}`)));
      for (const [index, filter] of filters.entries()) {
        await present[index].subscribe(filter);
        await away[index].subscribe(filter);
        await away[index].disconnect();
      }
      const stranger = await t.connected({}, 'stranger');
      await stranger.subscribe(t.topic('a/c'));
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('a/b'), payload: 'for all', qos });
      await publisher.disconnect();
      const back = await Promise.all(ids.map((id, index) => t.connected(t.lasting(id), `back ${index}`)));
      for (const client of [...present, ...back]) {
        t.isMessage(await client.receiveMessage(), t.topic('a/b'), 'for all', qos);
        await client.isQuiet();
      }
      await stranger.isQuiet();
    });
  }

  test('a client that publishes to its own subscription gets the message', {
    4: 'MQTT-4.5.0-1',
    5: 'MQTT-4.5.0-1',
  }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic(), qos: 0 });
    await client.publish({ topic: t.topic(), payload: 'mine', qos: 1 });
    t.isMessage(await client.receive('PUBLISH'), t.topic(), 'mine');
    await client.isQuiet();
  });
});
