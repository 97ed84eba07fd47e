import { authPacket, connectPacket, hex } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

const METHOD = { authenticationMethod: 'no such method' } as const;

export const authOutOfPlace = serverSection('AUTH out of place', (test) => {
  for (const [reasonCode, name] of [
    [0x00, 'Success'],
    [0x18, 'Continue authentication'],
    [0x19, 'Re-authenticate'],
  ] as const) {
    test(`AUTH with "${name}" is a protocol error of a client that named no method`, { 5: [] }, async (t) => {
      const client = await t.connected();
      client.send(authPacket(reasonCode, { ...METHOD, authenticationData: hex('01') }));
      await client.isRefused([0x82]);
    });
  }

  test('AUTH without anything in it is a protocol error of a client that named no method', { 5: [] }, async (t) => {
    const client = await t.connected();
    client.send(authPacket());
    await client.isRefused([0x82, 0x81]);
  });

  test('AUTH with a reason code that there is not ends the connection', { 5: [] }, async (t) => {
    for (const reasonCode of [0x01, 0x1a, 0x82, 0xff]) {
      const client = await t.connected({}, `code ${reasonCode}`);
      client.send(authPacket(reasonCode, METHOD));
      await client.isRefused([0x81, 0x82]);
    }
  });

  test('AUTH with wrong flags ends the connection', { 5: [] }, async (t) => {
    for (const bit of [1, 2, 4, 8]) {
      const client = await t.connected({}, `bit ${bit}`);
      const packet = authPacket(0x19, METHOD);
      packet[0] |= bit;
      client.send(packet);
      await client.isRefused([0x81, 0x82]);
    }
  });

  test('AUTH before CONNECT ends the connection, and nothing is sent on it', { 5: [] }, async (t) => {
    const client = await t.open();
    client.send(authPacket(0x18, METHOD), connectPacket(t.level, { clientId: t.clientId() }));
    for (const packet of await client.ended()) {
      // A broker may take it for a CONNECT that it refuses.
      t.ok(packet.name === 'CONNACK' && packet.reasonCode !== 0, `${packet.name} came before the end`);
    }
  });

  test('AUTH that nobody asked for takes the will along', { 5: [] }, async (t) => {
    const witness = await t.connected({}, 'witness');
    await witness.subscribe(t.topic());
    const client = await t.connected({ will: { topic: t.topic(), payload: 'will', qos: 1 } });
    client.send(authPacket(0x19, METHOD));
    await client.isRefused([0x82]);
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
  });

  test('CONNECT with a method that the broker does not know is refused', { 5: [] }, async (t) => {
    for (const properties of [METHOD, { ...METHOD, authenticationData: hex('01 02') }]) {
      const client = await t.open();
      client.send(connectPacket(t.level, { clientId: t.clientId(), properties }));
      await client.isRefused([0x8c, 0x87]);
    }
  });

  test('CONNECT with a method is refused before it takes anybody’s place', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected({ clientId });
    const other = await t.open('other');
    other.send(connectPacket(t.level, { clientId, properties: METHOD }));
    await other.isRefused([0x8c, 0x87]);
    await client.isQuiet();
  });
});
