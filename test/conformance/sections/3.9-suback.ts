import { subscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import { fitsMaximumWithCodes } from './maximum-packet-size.js';

/** More codes than CONNACK has bytes, so that a SUBACK is what a maximum packet size cuts first. */
const MANY_FILTERS = 200;

export const suback = serverSection('3.9 SUBACK', (test) => {
  test('the codes of a SUBACK are in the order of the topic filters', {
    4: 'MQTT-3.9.3-1',
    5: 'MQTT-3.9.3-1',
  }, async (t) => {
    const client = await t.connected();
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0, 2, 1],
    ]) {
      const list = order.map((qos, index) => ({ filter: t.topic(`${order.length - index}`), qos }));
      t.equal((await client.subscribe(list)).reasonCodes, order, 'The codes');
    }
  });

  test(
    'the code of a topic filter that is refused stands in its place',
    { 4: ['MQTT-3.9.3-1', 'MQTT-3.9.3-2'], 5: ['MQTT-3.9.3-1', 'MQTT-3.9.3-2'] },
    async (t) => {
      const client = await t.connected();
      const { reasonCodes } = await client.subscribe([
        { filter: t.topic('a'), qos: 1 },
        { filter: t.topic('denied'), qos: 2 },
        { filter: t.topic('b'), qos: 0 },
      ]);
      t.equal([reasonCodes[0], reasonCodes[2], reasonCodes.length], [1, 0, 3], 'The codes of what is granted');
      if (reasonCodes[1] <= 2) t.skip('the broker decides when a message comes, not when a client subscribes');
      const failures = t.level === 5 ? [0x87, 0x80] : [0x80];
      t.ok(failures.includes(reasonCodes[1]), `The code of what is refused is ${reasonCodes[1]}`);
    },
    'access',
  );

  test('the codes are what the table of codes has, one for each topic filter', {
    4: 'MQTT-3.9.3-2',
    5: 'MQTT-3.9.3-2',
  }, async (t) => {
    const client = await t.connected();
    const filters = ['a', 'a', '+/+', '#', '/', 'é/東京', ' ', `${'x/'.repeat(100)}x`, 'x'.repeat(1000)];
    for (const qos of [0, 1, 2]) {
      const list = filters.map((filter) => ({ filter: t.topic(filter), qos }));
      const { bytes } = await client.subscribe(list);
      const codes = [...bytes.subarray(-filters.length)];
      const allowed = t.level === 5 ? [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2] : [0, 1, 2, 0x80];
      t.ok(
        codes.every((code) => allowed.includes(code)),
        `The codes are ${codes}`,
      );
      // Header, packet identifier and, in 5.0, the length of the properties; reasons may come on top.
      t.ok(bytes.length >= filters.length + (t.level === 5 ? 5 : 4), `The SUBACK has ${bytes.length} bytes`);
    }
  });

  test(
    'SUBACK keeps within the maximum packet size of the client, if need be without reason string and user properties',
    { 5: ['MQTT-3.9.2-1', 'MQTT-3.9.2-2'] },
    async (t) => {
      const list = Array.from({ length: MANY_FILTERS }, () => ({ filter: t.topic('denied'), qos: 1 }));
      await fitsMaximumWithCodes(t, 'SUBACK', subscribePacket(t.level, 9, list));
    },
    'access',
  );
});
