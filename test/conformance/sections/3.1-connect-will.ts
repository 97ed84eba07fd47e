import { connectPacket, hex } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

const WILL_STORED_AND_PUBLISHED = { 4: 'MQTT-3.1.2-8', 5: ['MQTT-3.1.2-7', 'MQTT-3.1.2-8'] } as const;

/** Who sees the wills of a test. */
async function witnessOf(t: ServerTest): Promise<RawClient> {
  const witness = await t.connected({}, 'witness');
  await witness.subscribe(t.topic('#'));
  return witness;
}

export const connectWill = serverSection('3.1 CONNECT, the will', (test) => {
  for (const qos of [0, 1, 2]) {
    for (const retain of [false, true]) {
      test(`a will of QoS ${qos}${retain ? ' with RETAIN' : ''} is published when the connection breaks`, {
        4: ['MQTT-3.1.2-8', retain ? 'MQTT-3.1.2-17' : 'MQTT-3.1.2-16'],
        5: ['MQTT-3.1.2-7', 'MQTT-3.1.2-8', retain ? 'MQTT-3.1.2-15' : 'MQTT-3.1.2-14'],
      }, async (t) => {
        const witness = await witnessOf(t);
        const client = await t.connected({ will: { topic: t.topic(), payload: 'will', qos, retain } });
        await witness.isQuiet();
        client.drop();
        const message = await witness.receiveMessage();
        t.isMessage(message, t.topic(), 'will', qos);
        t.ok(!message.retain, 'RETAIN is set for who was subscribed before');
        await witness.isQuiet();
        const later = await t.connected({}, 'later');
        await later.subscribe(t.topic());
        if (retain) {
          const retained = await later.receiveMessage();
          t.isMessage(retained, t.topic(), 'will', qos);
          t.ok(retained.retain, 'RETAIN is not set');
        }
        await later.isQuiet();
      });
    }
  }

  test('a will without RETAIN leaves the retained message of its topic as it is', {
    4: 'MQTT-3.1.2-16',
    5: 'MQTT-3.1.2-14',
  }, async (t) => {
    const client = await t.connected({ will: { topic: t.topic(), payload: 'will', qos: 1 } });
    await client.publish({ topic: t.topic(), payload: 'retained', qos: 1, retain: true });
    const witness = await t.connected({}, 'witness');
    await witness.subscribe(t.topic());
    t.isMessage(await witness.receiveMessage(), t.topic(), 'retained');
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will');
    const later = await t.connected({}, 'later');
    await later.subscribe(t.topic());
    t.isMessage(await later.receiveMessage(), t.topic(), 'retained');
    await later.isQuiet();
  });

  test('a will without a payload is published, and with RETAIN clears the topic', {
    4: ['MQTT-3.1.2-8', 'MQTT-3.1.2-17'],
    5: ['MQTT-3.1.2-8', 'MQTT-3.1.2-15'],
  }, async (t) => {
    const client = await t.connected({ will: { topic: t.topic(), payload: '', qos: 1, retain: true } });
    await client.publish({ topic: t.topic(), payload: 'retained', qos: 1, retain: true });
    const witness = await t.connected({}, 'witness');
    await witness.subscribe(t.topic());
    await witness.receiveMessage();
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), '');
    const later = await t.connected({}, 'later');
    await later.subscribe(t.topic());
    await later.isQuiet();
  });

  test('the will is published when the client breaks a rule of the protocol', WILL_STORED_AND_PUBLISHED, async (t) => {
    const witness = await witnessOf(t);
    for (const packet of ['36 00', '00 00', '82 02 00 01']) {
      const client = await t.connected({ will: { topic: t.topic(), payload: packet, qos: 1 } }, packet);
      client.send(hex(packet));
      await client.ended();
      t.isMessage(await witness.receiveMessage(), t.topic(), packet, 1);
    }
  });

  test('the will of the first CONNECT is published after a second one', WILL_STORED_AND_PUBLISHED, async (t) => {
    const witness = await witnessOf(t);
    const client = await t.connected({ will: { topic: t.topic(), payload: 'first', qos: 1 } });
    const will = { topic: t.topic(), payload: 'second', qos: 1 };
    client.send(connectPacket(t.level, { clientId: t.clientId(), will }));
    await client.isRefused([0x82]);
    t.isMessage(await witness.receiveMessage(), t.topic(), 'first', 1);
    await witness.isQuiet();
  });

  test(
    'the will is published when the client is silent for longer than its keep alive',
    WILL_STORED_AND_PUBLISHED,
    async (t) => {
      const witness = await witnessOf(t);
      const client = await t.connected({ keepAlive: 1, will: { topic: t.topic(), payload: 'silent', qos: 1 } });
      await t.pass(3000); // some brokers look at their clients every few seconds
      await client.isRefused([0x8d]);
      t.isMessage(await witness.receiveMessage(), t.topic(), 'silent', 1);
    },
  );

  test(
    'the will is published when another connection takes the client’s place',
    WILL_STORED_AND_PUBLISHED,
    async (t) => {
      const witness = await witnessOf(t);
      const clientId = t.clientId();
      const will = { topic: t.topic(), payload: 'first', qos: 1 };
      const first = await t.connected({ ...t.lasting(clientId), will }, 'first');
      const second = await t.connected({ ...t.lasting(clientId), will: { ...will, payload: 'second' } }, 'second');
      await first.ended();
      t.isMessage(await witness.receiveMessage(), t.topic(), 'first', 1);
      await witness.isQuiet(); // the will of the one that is there is not due
      second.drop();
      t.isMessage(await witness.receiveMessage(), t.topic(), 'second', 1);
    },
  );

  test('the will is not published after DISCONNECT', {
    4: ['MQTT-3.1.2-8', 'MQTT-3.1.2-10'],
    5: ['MQTT-3.1.2-8', 'MQTT-3.1.2-10'],
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const will = { topic: t.topic(), payload: 'will', qos: 1 };
    const client = await t.connected({ ...t.lasting(clientId), will });
    await client.disconnect();
    await witness.isQuiet();
    // Nor does the session keep it for the end of another connection.
    const next = await t.connected(t.lasting(clientId), 'next');
    next.drop();
    await next.ended();
    const last = await t.connected({ clientId }, 'last');
    await last.disconnect();
    await witness.isQuiet();
  });

  test('a will that was published is not published again at the end of the next connection', {
    4: 'MQTT-3.1.2-10',
    5: 'MQTT-3.1.2-10',
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const client = await t.connected({ ...t.lasting(clientId), will: { topic: t.topic(), payload: 'once', qos: 1 } });
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'once', 1);
    const next = await t.connected(t.lasting(clientId), 'next');
    next.drop();
    await next.ended();
    const last = await t.connected({ clientId }, 'last'); // ends the session
    await last.disconnect();
    await witness.isQuiet();
  });

  test('a will that was published is not published again when its session ends', {
    4: 'MQTT-3.1.2-10',
    5: 'MQTT-3.1.2-10',
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const client = await t.connected({ ...t.lasting(clientId), will: { topic: t.topic(), payload: 'once', qos: 1 } });
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'once', 1);
    const clean = await t.connected({ clientId }, 'clean');
    await clean.disconnect();
    await witness.isQuiet();
  });

  test('without the will flag no will is published, also if an earlier connection had one', {
    4: 'MQTT-3.1.2-12',
    5: [],
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const had = await t.connected({ ...t.lasting(clientId), will: { topic: t.topic(), payload: 'of old', qos: 1 } });
    await had.disconnect();
    for (const leave of ['drop', 'malformed'] as const) {
      const client = await t.connected(t.lasting(clientId), leave);
      if (leave === 'drop') client.drop();
      else client.send(hex('36 00'));
      await client.ended();
    }
    const last = await t.connected({ clientId }, 'last');
    await last.disconnect();
    await witness.isQuiet();
  });

  for (const [reasonCode, what] of [
    [0x04, 'DISCONNECT with 0x04, Disconnect with Will Message'],
    [0x80, 'DISCONNECT with 0x80, Unspecified error'],
    [0x99, 'DISCONNECT with 0x99, Payload format invalid'],
  ] as const) {
    test(`the will is published after ${what}`, { 5: 'MQTT-3.1.2-8' }, async (t) => {
      const witness = await witnessOf(t);
      const client = await t.connected({ will: { topic: t.topic(), payload: 'will', qos: 1 } });
      await client.disconnect(reasonCode);
      t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
    });
  }

  test('a will with a delay is published when that has passed, and once', {
    5: ['MQTT-3.1.2-8', 'MQTT-3.1.2-10'],
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const will = { topic: t.topic(), payload: 'later', qos: 1, properties: { willDelayInterval: 2 } };
    const client = await t.connected({ ...t.lasting(clientId), will });
    const start = performance.now();
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'later', 1);
    const elapsedMs = performance.now() - start;
    // A broker may count in whole seconds, and then begin within one.
    t.ok(elapsedMs > 1000, `It came after ${elapsedMs.toFixed(0)} ms`);
    const back = await t.connected(t.lasting(clientId), 'back');
    back.drop();
    await back.ended();
    const last = await t.connected({ clientId }, 'last');
    await last.disconnect();
    await witness.isQuiet();
  });

  test('a will with a delay is published when the session ends, if that is earlier', {
    5: 'MQTT-3.1.2-8',
  }, async (t) => {
    const witness = await witnessOf(t);
    for (const expiryIntervalS of [0, 1]) {
      const payload = `${expiryIntervalS}`;
      const will = { topic: t.topic(), payload, qos: 1, properties: { willDelayInterval: 300 } };
      const client = await t.connected({ ...t.lasting(t.clientId(), expiryIntervalS), will });
      client.drop();
      if (expiryIntervalS > 0) await t.pass(2000); // some brokers look at their sessions every few seconds
      t.isMessage(await witness.receiveMessage(), t.topic(), payload, 1);
    }
  });

  test('a will whose client returns before the delay has passed is not published', {
    5: ['MQTT-3.1.2-8', 'MQTT-3.1.3-9'],
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const will = { topic: t.topic(), payload: 'will', qos: 1, properties: { willDelayInterval: 2 } };
    const before = await t.connected({ ...t.lasting(clientId), will }, 'before');
    before.drop();
    await before.ended();
    const after = await t.connected(t.lasting(clientId), 'after');
    await t.pass(3200);
    await witness.isQuiet();
    await after.isQuiet();
  });

  test('a will with a delay is not published when the client takes its own place', {
    5: ['MQTT-3.1.2-8', 'MQTT-3.1.3-9'],
  }, async (t) => {
    const witness = await witnessOf(t);
    const clientId = t.clientId();
    const will = { topic: t.topic(), payload: 'will', qos: 1, properties: { willDelayInterval: 1 } };
    const before = await t.connected({ ...t.lasting(clientId), will }, 'before');
    const after = await t.connected(t.lasting(clientId), 'after');
    await before.ended();
    await t.pass(2200);
    await witness.isQuiet();
    await after.isQuiet();
  });

  test('a will has the properties that CONNECT gave it, user properties in their order', {
    5: ['MQTT-3.1.2-7', 'MQTT-3.1.3-10'],
  }, async (t) => {
    const witness = await witnessOf(t);
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: t.topic('response'),
      correlationData: Buffer.from([0, 1, 255]),
      userProperty: [
        ['z', '1'],
        ['a', '2'],
        ['z', '3'],
        ['a', '2'],
        ['', ''],
        ['m', 'ü'],
      ] as [string, string][],
    };
    for (const willDelayInterval of [0, 1]) {
      const will = { topic: t.topic(), payload: 'will', qos: 1, properties: { ...properties, willDelayInterval } };
      const client = await t.connected({ ...t.lasting(t.clientId()), will });
      client.drop();
      const message = await witness.receiveMessage();
      t.isMessage(message, t.topic(), 'will', 1);
      t.equal(message.properties, properties, 'The properties');
    }
  });

  test('a will has its expiry interval from when it is published', { 5: 'MQTT-3.1.2-7' }, async (t) => {
    const witness = await witnessOf(t);
    const properties = { messageExpiryInterval: 1, willDelayInterval: 2 };
    const will = { topic: t.topic(), payload: 'will', qos: 1, properties };
    const client = await t.connected({ ...t.lasting(t.clientId()), will });
    client.drop();
    const message = await witness.receiveMessage();
    t.isMessage(message, t.topic(), 'will', 1);
    t.ok((message.properties.messageExpiryInterval ?? 2) <= 1, 'The expiry interval is another one');
  });
});
