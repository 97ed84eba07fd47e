import { unsubscribePacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import { fitsMaximumWithCodes } from './maximum-packet-size.js';

/** More codes than CONNACK has bytes, so that an UNSUBACK is what a maximum packet size cuts first. */
const MANY_FILTERS = 200;

export const unsuback = serverSection('3.11 UNSUBACK', (test) => {
  test('the codes of an UNSUBACK are in the order of the topic filters', { 5: 'MQTT-3.11.3-1' }, async (t) => {
    const client = await t.connected();
    await client.subscribe(['a', 'b/+', 'c'].map((name) => ({ filter: t.topic(name), qos: 1 })));
    const { reasonCodes } = await client.unsubscribe(...['x', 'a', 'y', 'z', 'b/+'].map((name) => t.topic(name)));
    t.equal(reasonCodes, [0x11, 0x00, 0x11, 0x11, 0x00], 'The codes');
    const again = await client.unsubscribe(...['c', 'a'].map((name) => t.topic(name)));
    t.equal(again.reasonCodes, [0x00, 0x11], 'The codes');
  });

  test('the codes are what the table of codes has, one for each topic filter', { 5: 'MQTT-3.11.3-2' }, async (t) => {
    const client = await t.connected();
    await client.subscribe({ filter: t.topic('#'), qos: 1 });
    for (const names of [['#'], ['#'], ['a', 'b', 'a', '+/+', `${'x/'.repeat(100)}x`]]) {
      const { bytes } = await client.unsubscribe(...names.map((name) => t.topic(name)));
      const codes = [...bytes.subarray(-names.length)];
      t.ok(
        codes.every((code) => [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91].includes(code)),
        `The codes are ${codes}`,
      );
      t.ok(bytes.length >= names.length + 5, `The UNSUBACK has ${bytes.length} bytes`);
    }
  });

  test('an UNSUBACK of 3.1.1 is four bytes long', { 4: [] }, async (t) => {
    const client = await t.connected();
    client.send(unsubscribePacket(t.level, 0x0102, [t.topic('a'), t.topic('b')]));
    t.equal((await client.receive('UNSUBACK')).bytes.toString('hex'), 'b0020102', 'The UNSUBACK');
  });

  test('UNSUBACK keeps within the maximum packet size of the client, if need be without reason string and user properties', {
    5: ['MQTT-3.11.2-1', 'MQTT-3.11.2-2'],
  }, async (t) => {
    const filters = Array.from({ length: MANY_FILTERS }, (_, index) => t.topic(`never/${index}`));
    await fitsMaximumWithCodes(t, 'UNSUBACK', unsubscribePacket(t.level, 9, filters));
  });
});
