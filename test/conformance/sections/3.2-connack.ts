import { connectPacket, hex, pingreqPacket, publishPacket, subscribePacket } from '../raw/packet-writer.js';
import { ConformanceFailure } from '../raw/raw-peer.js';
import { serverSection } from '../suite/section.js';
import { isGivenUp } from './keep-alive.js';

/** Whom the arrangement `passwords` lets in, and whom not. */
const FRY = { username: 'fry', password: 'slurm' } as const;
const STRANGER = { username: 'fry', password: 'coffee' } as const;

export const connack = serverSection('3.2 CONNACK', (test) => {
  test('CONNACK is the first packet, also if others are to be answered', {
    4: 'MQTT-3.2.0-1',
    5: 'MQTT-3.2.0-1',
  }, async (t) => {
    const client = await t.open();
    client.send(
      connectPacket(t.level, { clientId: t.clientId() }),
      pingreqPacket(),
      subscribePacket(t.level, 1, [{ filter: t.topic(), qos: 1 }]),
      publishPacket(t.level, { topic: t.topic(), payload: 'own', qos: 1, packetId: 2 }),
    );
    await client.receive('CONNACK');
    await client.receive('PINGRESP');
    await client.receive('SUBACK');
    await client.take('PUBACK');
    t.isMessage(await client.receiveMessage(), t.topic(), 'own', 1);
  });

  test('CONNACK comes before what waited for the client', { 4: 'MQTT-3.2.0-1', 5: 'MQTT-3.2.0-1' }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'under way', qos: 1 });
    await before.receive('PUBLISH');
    before.drop();
    await before.ended();
    await publisher.publish({ topic: t.topic(), payload: 'waited', qos: 1 });
    const after = await t.open('after');
    after.send(connectPacket(t.level, t.lasting(clientId)));
    await after.receive('CONNACK');
    t.isMessage(await after.receiveMessage(), t.topic(), 'under way', 1);
    t.isMessage(await after.receiveMessage(), t.topic(), 'waited', 1);
  });

  test('CONNACK comes before messages of a subscription that somebody serves all the time', {
    4: 'MQTT-3.2.0-1',
    5: 'MQTT-3.2.0-1',
  }, async (t) => {
    const clientId = t.clientId();
    const publisher = await t.connected({}, 'publisher');
    const before = await t.connected(t.lasting(clientId), 'before');
    await before.subscribe(t.topic());
    await before.disconnect();
    for (let round = 0; round < 5; round++) {
      const client = await t.open(`round ${round}`);
      for (let packetId = 1; packetId <= 20; packetId++) {
        publisher.send(publishPacket(t.level, { topic: t.topic(), payload: `${packetId}`, qos: 1, packetId }));
        if (packetId === 10) client.send(connectPacket(t.level, t.lasting(clientId)));
      }
      await client.receive('CONNACK');
      for (let count = 0; count < 20; count++) await client.receiveMessage();
      for (let count = 0; count < 20; count++) await publisher.receive('PUBACK');
      await client.disconnect();
    }
  });

  test('one connection gets one CONNACK', { 5: 'MQTT-3.2.0-2' }, async (t) => {
    const client = await t.connected();
    client.send(connectPacket(t.level, { clientId: t.clientId() }));
    for (const { name } of await client.ended()) t.ok(name !== 'CONNACK', 'A second CONNACK came');
  });

  test('the reserved flags of CONNACK are 0, with a session and without', { 4: [], 5: 'MQTT-3.2.2-1' }, async (t) => {
    const clientId = t.clientId();
    for (const flags of [0x00, 0x01]) {
      const client = await t.open();
      t.equal((await client.connect(t.lasting(clientId))).flags, flags, 'The flags');
      await client.disconnect();
    }
  });

  test('Session Present is 0 for a clean session, whatever was there before', {
    4: 'MQTT-3.2.2-1',
    5: 'MQTT-3.2.2-2',
  }, async (t) => {
    const clientId = t.clientId();
    const fields = [
      { clientId }, // nothing was there
      { ...t.lasting(clientId), clean: true },
      t.lasting(clientId),
      { ...t.lasting(clientId), clean: true }, // a session was there
    ];
    for (const one of fields) {
      const client = await t.open();
      const { reasonCode, flags } = await client.tryConnect(one);
      if (one.clean !== false) t.equal([reasonCode, flags], [0, 0], 'Reason code and flags');
      await client.disconnect();
    }
    const connected = await t.connected(t.lasting(clientId), 'connected');
    const next = await t.open('next');
    t.equal((await next.connect({ clientId, clean: true })).flags, 0, 'The flags for who takes a place');
    await connected.ended();
  });

  test('Session Present is 1 for a session that was kept', {
    4: 'MQTT-3.2.2-2',
    5: 'MQTT-3.2.2-3',
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.disconnect();
    const second = await t.open('after DISCONNECT');
    const { reasonCode, flags } = await second.tryConnect(t.lasting(clientId));
    t.equal([reasonCode, flags], [0, 1], 'Reason code and flags after DISCONNECT');
    const third = await t.open('in its place');
    t.equal((await third.connect(t.lasting(clientId))).flags, 1, 'The flags for who takes a place');
    await second.ended();
    third.drop();
    const fourth = await t.open('after a broken connection');
    t.equal((await fourth.connect(t.lasting(clientId))).flags, 1, 'The flags after a broken connection');
  });

  test('Session Present is 0 where no session was kept', { 4: 'MQTT-3.2.2-3', 5: 'MQTT-3.2.2-3' }, async (t) => {
    const clientId = t.clientId();
    const never = await t.open('never');
    const { reasonCode, flags } = await never.tryConnect({ clientId, clean: false });
    t.equal([reasonCode, flags], [0, 0], 'Reason code and flags where there never was one');
    await never.disconnect();
    const clean = await t.connected({ clientId, clean: true }, 'clean');
    await clean.disconnect();
    const after = await t.open('after');
    t.equal((await after.connect({ clientId, clean: false })).flags, 0, 'The flags after a clean session');
  });

  test(
    'a CONNACK that refuses has Session Present 0, also if there is a session, and is the end',
    { 4: ['MQTT-3.2.2-4', 'MQTT-3.2.2-5'], 5: ['MQTT-3.2.2-6', 'MQTT-3.2.2-7', 'MQTT-3.2.2-8'] },
    async (t) => {
      const clientId = t.clientId();
      const lasting = await t.connected({ ...t.lasting(clientId), ...FRY }, 'lasting');
      await lasting.disconnect();
      const stranger = await t.open('stranger');
      stranger.send(connectPacket(t.level, { ...t.lasting(clientId), ...STRANGER }));
      const packets = await stranger.ended();
      const codes = t.level === 5 ? [0x86, 0x87] : [4, 5];
      for (const packet of packets) {
        t.ok(packet.name === 'CONNACK', `${packet.name} came before the end`);
        if (packet.name !== 'CONNACK') continue;
        t.equal(packet.flags, 0, 'The flags');
        t.ok(codes.includes(packet.reasonCode), `The reason code is ${packet.reasonCode}`);
      }
      t.ok(packets.length <= 1, 'CONNACK came more than once');
      if (packets.length === 0) t.skip('the broker closes the connection without a CONNACK');
      const back = await t.open('back');
      t.ok((await back.connect({ ...t.lasting(clientId), ...FRY })).sessionPresent, 'The session is gone');
    },
    'passwords',
  );

  test('a connection is closed without CONNACK where no return code says why', { 4: 'MQTT-3.2.2-6' }, async (t) => {
    for (const body of ['00', '00 04 4d 51 54 54 04', '00 04 4d 51 54 54 04 02 00 00 00 03 61']) {
      const client = await t.open();
      const bytes = hex(body);
      client.send(Buffer.concat([Buffer.from([0x10, bytes.length]), bytes]));
      t.equal((await client.ended()).length, 0, 'The number of packets before the end');
    }
  });

  test('Maximum QoS is announced if a PUBLISH of QoS 1 or 2 is not taken', { 5: 'MQTT-3.2.2-9' }, async (t) => {
    const { maximumQoS = 2 } = await t.announced();
    for (let qos = 1; qos <= maximumQoS; qos++) {
      const client = await t.connected();
      await client.publish({ topic: t.topic(), qos });
      await client.isQuiet();
    }
    for (let qos = maximumQoS + 1; qos <= 2; qos++) {
      const client = await t.connected();
      client.send(publishPacket(t.level, { topic: t.topic(), qos, packetId: 1 }));
      await client.isRefused([0x9b]);
    }
  });

  test(
    'a broker without QoS 2 announces Maximum QoS 1, and takes no PUBLISH above it',
    { 5: 'MQTT-3.2.2-9' },
    async (t) => {
      t.equal((await t.announced()).maximumQoS, 1, 'Maximum QoS');
      const client = await t.connected();
      await client.publish({ topic: t.topic(), qos: 1 });
      client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 9 }));
      await client.isRefused([0x9b]);
    },
    'maximum-qos-1',
  );

  test(
    'a broker without QoS 2 takes a SUBSCRIBE that asks for it',
    { 4: [], 5: 'MQTT-3.2.2-10' },
    async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      const { reasonCodes } = await subscriber.subscribe([0, 1, 2].map((qos) => ({ filter: t.topic(`${qos}`), qos })));
      t.ok(
        reasonCodes.every((granted, wanted) => granted <= wanted),
        `The SUBACK grants ${reasonCodes}`,
      );
      const publisher = await t.connected({}, 'publisher');
      for (const wanted of [0, 1, 2]) {
        await publisher.publish({ topic: t.topic(`${wanted}`), payload: 'x', qos: 1 });
        const message = await subscriber.receiveMessage();
        t.isMessage(message, t.topic(`${wanted}`), 'x', Math.min(wanted, 1));
      }
    },
    'maximum-qos-1',
  );

  test(
    'a CONNECT with a will of a QoS that the broker lacks is refused',
    { 4: [], 5: 'MQTT-3.2.2-12' },
    async (t) => {
      const client = await t.open();
      client.send(connectPacket(t.level, { clientId: t.clientId(), will: { topic: t.topic(), qos: 2 } }));
      await client.isRefused([0x9b]);
      await t.connected({ will: { topic: t.topic(), qos: 1 } }, 'QoS 1');
    },
    'maximum-qos-1',
  );

  test(
    'a CONNECT with a retained will is refused where nothing is retained',
    { 4: [], 5: 'MQTT-3.2.2-13' },
    async (t) => {
      if (t.level === 5) t.equal((await t.announced()).retainAvailable, 0, 'Retain Available');
      const client = await t.open();
      client.send(connectPacket(t.level, { clientId: t.clientId(), will: { topic: t.topic(), retain: true } }));
      await client.isRefused([0x9a]);
      await t.connected({ will: { topic: t.topic() } }, 'not retained');
    },
    'no-retain',
  );

  test('an assigned client identifier is nobody else’s, neither connected nor away', {
    5: 'MQTT-3.2.2-16',
  }, async (t) => {
    const ids = new Set<string>();
    for (const [index, sessionExpiryInterval] of [60, 0, 60, 0].entries()) {
      const client = await t.open(`${index}`);
      const fields = { clientId: '', properties: { sessionExpiryInterval } };
      const { properties, sessionPresent } = await client.connect(fields);
      const assigned = properties.assignedClientIdentifier ?? '';
      t.ok(assigned !== '', 'CONNACK has no assigned client identifier');
      t.ok(!ids.has(assigned), `The identifier ${assigned} was assigned before`);
      t.ok(!sessionPresent, 'Session Present is set');
      ids.add(assigned);
      if (index === 0) await client.disconnect(); // its session stays
    }
    // One that its owner gave itself is not assigned to anybody.
    for (const id of ids) {
      const owner = await t.connected({ clientId: id }, 'owner');
      const { properties } = await (await t.open('next')).connect({ clientId: '' });
      t.ok(properties.assignedClientIdentifier !== id, `The identifier ${id} is in use`);
      await owner.isQuiet();
    }
  });

  test(
    'reason string and user properties do not make CONNACK larger than the client takes',
    { 5: ['MQTT-3.2.2-19', 'MQTT-3.2.2-20'] },
    async (t) => {
      const refused = { clientId: t.clientId(), ...STRANGER };
      const unlimited = await t.open('unlimited');
      unlimited.send(connectPacket(t.level, refused));
      const [whole] = await unlimited.ended();
      if (whole === undefined) t.skip('the broker closes the connection without a CONNACK');
      for (let maximumPacketSize = whole.bytes.length; maximumPacketSize > 0; maximumPacketSize--) {
        const client = await t.open(`maximum ${maximumPacketSize}`);
        client.send(connectPacket(t.level, { ...refused, properties: { maximumPacketSize } }));
        const [packet] = await client.ended();
        if (packet === undefined) {
          // A CONNACK without properties takes five bytes, so there is room for it down to those.
          t.ok(!t.target.mustExplain || maximumPacketSize < 5, `No CONNACK came for ${maximumPacketSize} bytes`);
          continue;
        }
        if (packet.name !== 'CONNACK') throw new ConformanceFailure(`${packet.name} came where CONNACK was expected`);
        const { bytes, properties } = packet;
        const isBare = properties.reasonString === undefined && properties.userProperty === undefined;
        t.ok(isBare || bytes.length <= maximumPacketSize, `${bytes.length} bytes came, ${maximumPacketSize} fit`);
      }
    },
    'passwords',
  );

  test('a CONNACK that accepts is not larger than the client takes', { 5: 'MQTT-3.1.2-24' }, async (t) => {
    const whole = await (await t.open('unlimited')).connect({ clientId: t.clientId() });
    for (let maximumPacketSize = 1; maximumPacketSize <= whole.bytes.length; maximumPacketSize++) {
      const client = await t.open(`maximum ${maximumPacketSize}`);
      client.send(connectPacket(t.level, { clientId: t.clientId(), properties: { maximumPacketSize } }));
      const fits = await client.receive('CONNACK').catch(() => undefined);
      if (fits === undefined) t.ok(client.isEnded, 'Neither CONNACK nor the end came');
      else t.ok(fits.bytes.length <= maximumPacketSize, `${fits.bytes.length} bytes came, ${maximumPacketSize} fit`);
      client.drop();
    }
  });

  test('without a Server Keep Alive, the keep alive of the client counts', { 5: 'MQTT-3.2.2-22' }, async (t) => {
    const client = await t.open();
    const { properties } = await client.connect({ clientId: t.clientId(), keepAlive: 2 });
    if (properties.serverKeepAlive !== undefined) t.skip('the broker sets a keep alive of its own');
    await isGivenUp(t, client);
  });
});
