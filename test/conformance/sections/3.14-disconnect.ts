import {
  connectPacket,
  disconnectPacket,
  frame,
  pingreqPacket,
  publishPacket,
  subscribePacket,
} from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { ConformanceFailure } from '../raw/raw-peer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** Table 3-10 of MQTT 5.0: what a server may put into DISCONNECT. */
const REASON_CODES = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

/** Ways to make a broker end the connection of a client that it has let in. */
const OFFENCES: Readonly<Record<string, (t: ServerTest, client: RawClient) => Promise<void>>> = {
  'a malformed packet': async (_, client) => client.send(frame(0x80)),
  'an invalid topic filter': async (t, client) =>
    client.send(subscribePacket(t.level, 1, [{ filter: `${t.topic('x'.repeat(300))}#` }])),
  'a second CONNECT': async (t, client) => client.send(connectPacket(t.level, { clientId: t.clientId() })),
  'another client in its place': async (t, client) => {
    await t.connected({ clientId: client.clientId }, 'other');
  },
  'a topic alias that is not allowed': async (t, client) =>
    client.send(publishPacket(t.level, { topic: t.topic(), properties: { topicAlias: 0 } })),
};

export const disconnect = serverSection('3.14 DISCONNECT', (test) => {
  for (const [what, packetOf] of [
    ['a CONNECT with a reserved flag', (t: ServerTest) => connectPacket(t.level, { clientId: t.clientId(), flags: 3 })],
    ['a PINGREQ before CONNECT', () => pingreqPacket()],
    ['a SUBSCRIBE before CONNECT', (t: ServerTest) => subscribePacket(t.level, 1, [{ filter: t.topic() }])],
    ['a DISCONNECT before CONNECT', () => disconnectPacket(0x04)],
    ['a packet of type 0', () => frame(0x00)],
  ] as const) {
    test(`no DISCONNECT comes before CONNACK: ${what}`, { 5: 'MQTT-3.14.0-1' }, async (t) => {
      const client = await t.open();
      client.send(packetOf(t));
      for (const { name } of await client.ended()) t.equal(name, 'CONNACK', 'What comes before the end');
    });
  }

  test(
    'no DISCONNECT comes after a CONNACK that refuses the client',
    { 5: 'MQTT-3.14.0-1' },
    async (t) => {
      const client = await t.open();
      client.send(connectPacket(t.level, { clientId: t.clientId() }));
      for (const { name } of await client.ended()) t.equal(name, 'CONNACK', 'What comes before the end');
    },
    'passwords',
  );

  test('a DISCONNECT with other flags than 0 is an error, of reason code 0x81, after which the will is sent', {
    4: 'MQTT-3.14.1-1',
    5: 'MQTT-3.14.1-1',
  }, async (t) => {
    const witness = await t.connected({}, 'witness');
    await witness.subscribe(t.topic());
    for (let flags = 1; flags < 16; flags++) {
      // Only the will tells a 3.1.1 client's error from a DISCONNECT that was taken for a good one.
      const client = await t.connected({ will: { topic: t.topic(), payload: `${flags}`, qos: 1 } }, `flags ${flags}`);
      const packet = disconnectPacket();
      packet[0] |= flags;
      client.send(packet);
      await client.isRefused([0x81]);
      t.isMessage(await witness.receiveMessage(), t.topic(), `${flags}`, 1);
    }
  });

  for (const [what, offend] of Object.entries(OFFENCES)) {
    test(`the DISCONNECT after ${what} has a reason code of the table, and no session expiry interval`, {
      5: ['MQTT-3.14.2-1', 'MQTT-3.14.2-2'],
    }, async (t) => {
      const client = await t.connected({ properties: { sessionExpiryInterval: 60 } }, 'offender');
      await offend(t, client);
      const [packet] = await client.ended();
      if (packet === undefined) t.skip('the broker ends the connection without DISCONNECT');
      if (packet.name !== 'DISCONNECT') throw new ConformanceFailure(`${packet.name} came where the end was expected`);
      t.ok(REASON_CODES.includes(packet.reasonCode), `The reason code is ${packet.reasonCode}`);
      t.equal(packet.properties.sessionExpiryInterval, undefined, 'The session expiry interval');
    });

    test(`the DISCONNECT after ${what} keeps within the maximum packet size of the client`, {
      5: ['MQTT-3.14.2-3', 'MQTT-3.14.2-4'],
    }, async (t) => {
      const unlimited = await t.open('unlimited');
      const { length } = (await unlimited.connect({ clientId: t.clientId() })).bytes;
      await offend(t, unlimited);
      const [whole] = await unlimited.ended();
      // A maximum below the size of CONNACK would keep the client from being let in.
      for (const maximumPacketSize of new Set([length, Math.max(length, (whole?.bytes.length ?? 0) - 1)])) {
        const client = await t.connected({ properties: { maximumPacketSize } }, `maximum ${maximumPacketSize}`);
        await offend(t, client);
        for (const { name, bytes } of await client.ended()) {
          t.ok(bytes.length <= maximumPacketSize, `${name} has ${bytes.length} bytes of ${maximumPacketSize}`);
        }
      }
    });
  }

  test('after its DISCONNECT a broker sends nothing more, and closes the connection', {
    5: ['MQTT-3.14.4-1', 'MQTT-3.14.4-2'],
  }, async (t) => {
    for (const [what, offend] of Object.entries(OFFENCES)) {
      const clientId = t.clientId();
      const client = await t.connected({ clientId }, what);
      await client.subscribe({ filter: t.topic(), qos: 2 });
      const publisher = await t.connected({}, 'publisher');
      const message = { topic: t.topic(), payload: what };
      const messages = Array.from({ length: 50 }, () => publishPacket(t.level, message));
      publisher.send(...messages);
      await offend(t, client);
      publisher.send(...messages);
      // What the client goes on to ask is not answered, either.
      client.send(pingreqPacket(), subscribePacket(t.level, 2, [{ filter: t.topic(), qos: 0 }]), pingreqPacket());
      const packets = await client.ended();
      const at = packets.findIndex(({ name }) => name === 'DISCONNECT');
      if (at >= 0) t.equal(packets.length - 1 - at, 0, `What came after DISCONNECT because of ${what}`);
      await publisher.isQuiet();
    }
  });

  test('a will is not published when its client disconnects with DISCONNECT', {
    4: 'MQTT-3.14.4-3',
    5: 'MQTT-3.14.4-3',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const will = { topic: t.topic(), payload: 'will', qos: 1 };
    for (const lasts of [false, true]) {
      const clientId = t.clientId();
      const client = await t.connected({ ...(lasts ? t.lasting(clientId) : { clientId }), will });
      await client.disconnect();
      // The session is taken up, then the connection breaks: the will of that other connection must not come, either.
      const again = await t.connected(lasts ? t.lasting(clientId) : { clientId }, 'again');
      again.drop();
      await again.ended();
      await subscriber.isQuiet();
    }
  });

  test('a will is not published either after a DISCONNECT that says that it is normal in so many bytes', {
    5: 'MQTT-3.14.4-3',
  }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const will = { topic: t.topic(), payload: 'will', qos: 1 };
    for (const packet of [
      disconnectPacket(0x00),
      disconnectPacket(0x00, {}),
      disconnectPacket(0x00, { reasonString: '' }),
    ]) {
      const client = await t.connected({ will });
      client.send(packet);
      await client.ended();
      await subscriber.isQuiet();
    }
  });

  test('a will that waits for its delay is not published after DISCONNECT', { 5: 'MQTT-3.14.4-3' }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const will = { topic: t.topic(), payload: 'will', qos: 1, properties: { willDelayInterval: 1 } };
    const client = await t.connected({ ...t.lasting(t.clientId()), will });
    await client.disconnect();
    await t.pass(2200);
    await subscriber.isQuiet();
  });

  test('a will is published after a DISCONNECT with reason code 0x04, which asks for it', { 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe(t.topic());
    const client = await t.connected({ will: { topic: t.topic(), payload: 'will', qos: 1 } });
    await client.disconnect(0x04);
    t.isMessage(await subscriber.receiveMessage(), t.topic(), 'will', 1);
  });

  test('a session expiry interval in DISCONNECT takes the place of the one in CONNECT', { 5: [] }, async (t) => {
    for (const [inConnect, inDisconnect] of [
      [60, 0],
      [1, 60],
    ]) {
      const clientId = t.clientId();
      const properties = { sessionExpiryInterval: inConnect };
      const before = await t.connected({ clientId, clean: false, properties }, 'before');
      await before.disconnect(0x00, { sessionExpiryInterval: inDisconnect });
      await t.pass(inDisconnect === 0 ? 0 : 2200);
      const after = await t.open('after');
      const { sessionPresent } = await after.connect(t.lasting(clientId));
      t.equal(sessionPresent, inDisconnect > 0, 'Session Present');
    }
  });

  test('a session that was to end with its connection cannot be made to last by DISCONNECT', {
    5: 'MQTT-4.13.1-1',
  }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected({ clientId, clean: false });
    client.send(disconnectPacket(0x00, { sessionExpiryInterval: 60 }));
    await client.isRefused([0x82]);
    const after = await t.open('after');
    t.equal((await after.connect(t.lasting(clientId))).sessionPresent, false, 'Session Present');
  });
});
