import { clientSection } from '../suite/section.js';

export const sharedSubscriptions = clientSection('4.8 Shared subscriptions', (test) => {
  for (const [title, statement, filters] of [
    ['without a name for the group', 'MQTT-4.8.2-1', ['$share//a', '$share/', '$share//']],
    [
      'with a wildcard in the name of the group',
      'MQTT-4.8.2-2',
      ['$share/+/a', '$share/#/a', '$share/g+/a', '$share/g#/a'],
    ],
    ['without a filter after the name of the group', 'MQTT-4.8.2-2', ['$share/group', '$share/group/']],
  ] as const) {
    test(`a shared subscription ${title} is not sent`, { 5: statement }, async (t) => {
      const { client, server } = await t.connected();
      for (const filter of filters) {
        await t.refuses(server, client.subscribe(filter), `SUBSCRIBE to ${filter}`);
        await t.refuses(server, client.unsubscribe(filter), `UNSUBSCRIBE from ${filter}`);
      }
    });
  }

  test('a shared subscription is $share, the name of the group and the filter', {
    5: ['MQTT-4.8.2-1', 'MQTT-4.8.2-2'],
  }, async (t) => {
    const { client, server, inbox } = await t.connected();
    for (const filter of ['$share/g/a', '$share/группа/a/+', '$share/g/#', '$share/$share/a', '$share/g//']) {
      const subscribing = client.subscribe(filter, {}, () => {});
      t.equal((await server.acceptSubscribe()).subscriptions[0].filter, filter, 'The filter');
      await subscribing;
    }
    // Messages come under their topic name, which has nothing of the group.
    const subscribing = client.subscribe('$share/g/x/+', {}, (message) =>
      inbox.add({ topic: 'handled', payload: message.payload }),
    );
    await server.acceptSubscribe();
    await subscribing;
    await server.publish({ topic: 'x/y', payload: 'shared', qos: 1 });
    t.isMessage(await inbox.next(), 'handled', 'shared');
  });
});
