import { subscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

export const refusedSubscriptions = serverSection('Subscriptions that are refused', (test) => {
  test(
    'a subscription that is not allowed has the code of a failure, and the connection stays',
    { 4: [], 5: [] },
    async (t) => {
      const client = await t.connected();
      const [code] = (await client.subscribe({ filter: t.topic('denied'), qos: 1 })).reasonCodes;
      if (code <= 2) t.skip('the broker decides when a message comes, not when a client subscribes');
      const allowed = t.level === 5 ? [0x87, 0x80] : [0x80];
      t.ok(allowed.includes(code), `The code is ${code}`);
      await client.isQuiet();
    },
    'access',
  );

  test(
    'what is refused does not keep the rest of the packet from being granted',
    { 4: [], 5: [] },
    async (t) => {
      const client = await t.connected();
      await client.subscribe([
        { filter: t.topic('a'), qos: 0 },
        { filter: t.topic('denied'), qos: 0 },
        { filter: t.topic('b'), qos: 0 },
      ]);
      const publisher = await t.connected({}, 'publisher');
      for (const name of ['a', 'b']) {
        await publisher.publish({ topic: t.topic(name), payload: name, qos: 1 });
        t.isMessage(await client.receiveMessage(), t.topic(name), name);
      }
      await client.isQuiet();
    },
    'access',
  );

  test(
    'a subscription that was refused is none: there is nothing to unsubscribe from',
    { 5: [] },
    async (t) => {
      const client = await t.connected();
      const [code] = (await client.subscribe({ filter: t.topic('denied'), qos: 1 })).reasonCodes;
      if (code <= 2) t.skip('the broker decides when a message comes, not when a client subscribes');
      t.equal((await client.unsubscribe(t.topic('denied'))).reasonCodes, [0x11], 'The code of UNSUBACK');
    },
    'access',
  );

  for (const [what, filter] of [
    ['a wildcard out of place', 'a/#/b'],
    ['a wildcard beside other characters', 'a+'],
  ]) {
    // SUBACK has a code 0x8f, but that is for filters that are well-formed and not welcome; one that breaks the rules
    // of filters is a protocol error (4.7.1, 4.13.1), so nothing of its packet is granted.
    test(`a filter with ${what} is no matter for SUBACK: the connection ends, and nothing is granted`, {
      4: [],
      5: [],
    }, async (t) => {
      const clientId = t.clientId();
      const client = await t.connected(t.lasting(clientId));
      const list = [
        { filter: t.topic(filter), qos: 1 },
        { filter: t.topic('valid'), qos: 1 },
      ];
      client.send(subscribePacket(t.level, 1, list));
      await client.isRefused([0x8f, 0x82, 0x81]);
      const back = await t.connected(t.lasting(clientId), 'back');
      const publisher = await t.connected({}, 'publisher');
      await publisher.publish({ topic: t.topic('valid'), payload: 'there', qos: 1 });
      await back.isQuiet();
    });
  }
});
