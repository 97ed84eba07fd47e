import { MalformedPacketError } from '../raw/packet-body.js';
import {
  byte,
  type ConnectFields,
  connectPacket,
  frame,
  hex,
  pingreqPacket,
  properties,
  publishPacket,
  subscribePacket,
  text,
  two,
} from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';
import { isMalformedConnect } from './malformed-connect.js';

/** Demands that a CONNECT of another protocol is refused. What the peer speaks is not known, so either form will do. */
async function isForeign(t: ServerTest, fields: Partial<ConnectFields>): Promise<void> {
  const connect = connectPacket(t.level, { clientId: t.clientId(), ...fields });
  const client = await t.open(`${fields.protocolName ?? 'MQTT'} ${fields.protocolLevel ?? t.level}`);
  client.send(connect);
  try {
    await client.isRefused([0x84, 0x81, 0x82], [1]);
  } catch (error) {
    if (t.level !== 5 || !(error instanceof MalformedPacketError)) throw error;
    const older = await t.open('form of 3.1.1', 4);
    older.send(connect);
    await older.isRefused([], [1]);
  }
}

/** CONNECT packets that are not of the form that the standard gives them, each with what is wrong. */
function malformedConnects(t: ServerTest): Readonly<Record<string, Buffer>> {
  const clientId = t.clientId();
  const list = t.level === 5 ? properties() : Buffer.alloc(0);
  const beginning = [text('MQTT'), byte(t.level), byte(0x02), two(0)];
  const will = { topic: t.topic(), payload: 'will' };
  const connect = (fields: Partial<ConnectFields>): Buffer => connectPacket(t.level, { clientId, ...fields });
  return {
    'no connect flags': frame(0x10, text('MQTT'), byte(t.level)),
    'no keep alive': frame(0x10, text('MQTT'), byte(t.level), byte(0x02)),
    'no client identifier': frame(0x10, ...beginning, list),
    'half a client identifier': frame(0x10, ...beginning, list, hex('00 05 61 62')),
    'bytes behind its end': frame(0x10, ...beginning, list, text(clientId), byte(0)),
    'a will flag without a will': connect({ flags: 0x06 }),
    'a will topic without a payload': frame(
      0x10,
      text('MQTT'),
      byte(t.level),
      byte(0x06),
      two(0),
      list,
      text(clientId),
      list,
      text(t.topic()),
    ),
    'a will without its flag': connect({ will, flags: 0x02 }),
    'a will of QoS 3': connect({ will: { ...will, qos: 3 } }),
    'will QoS 1 without a will': connect({ flags: 0x0a }),
    'will QoS 2 without a will': connect({ flags: 0x12 }),
    'will retain without a will': connect({ flags: 0x22 }),
    'a user name flag without a user name': connect({ flags: 0x82 }),
    'a user name without its flag': connect({ username: 'fry', flags: 0x02 }),
    'a password flag without a password': connect({ username: 'fry', flags: 0xc2 }),
    'a password without its flag': connect({ username: 'fry', password: 'slurm', flags: 0x82 }),
  };
}

export const connect = serverSection('3.1 CONNECT', (test) => {
  test('every combination of connect flags that the standard allows is accepted', {
    4: 'MQTT-3.1.4-4',
    5: 'MQTT-3.1.4-5',
  }, async (t) => {
    const topic = t.topic();
    const wills = [0, 1, 2].flatMap((qos) => [true, false].map((retain) => ({ will: { topic, qos, retain } })));
    const users: Partial<ConnectFields>[] = [{}, { username: 'fry' }, { username: 'fry', password: 'slurm' }];
    if (t.level === 5) users.push({ password: 'slurm' });
    for (const clean of [true, false]) {
      for (const will of [{}, ...wills]) {
        for (const user of users) {
          const client = await t.open();
          const fields = { clientId: t.clientId(), clean, ...will, ...user };
          t.equal((await client.tryConnect(fields)).reasonCode, 0, `The answer to ${JSON.stringify(fields)}`);
          await client.disconnect();
        }
      }
    }
  });

  test('a user name and a password may be empty', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected({ username: '', password: '' });
    await client.isQuiet();
  });

  test('a password needs no user name in 5.0', { 5: [] }, async (t) => {
    const client = await t.connected({ password: 'token' });
    await client.isQuiet();
  });

  test('a password without a user name is refused before 5.0', { 4: 'MQTT-3.1.4-1' }, async (t) => {
    await isMalformedConnect(t, connectPacket(t.level, { clientId: t.clientId(), password: 'slurm' }), 'no user name');
  });

  test('a CONNECT that comes byte by byte is accepted', { 4: 'MQTT-3.1.4-4', 5: 'MQTT-3.1.4-5' }, async (t) => {
    const client = await t.open();
    for (const one of connectPacket(t.level, { clientId: t.clientId() })) client.send(byte(one));
    t.equal((await client.receive('CONNACK')).reasonCode, 0, 'The reason code');
    await client.isQuiet();
  });

  for (const [name, packetOf] of [
    ['PUBLISH', (t: ServerTest) => publishPacket(t.level, { topic: t.topic(), retain: true })],
    ['SUBSCRIBE', (t: ServerTest) => subscribePacket(t.level, 1, [{ filter: t.topic() }])],
    ['PINGREQ', () => pingreqPacket()],
  ] as const) {
    test(`a connection that begins with ${name} is closed, and nothing is sent on it`, {
      4: 'MQTT-3.2.0-1',
      5: 'MQTT-3.2.0-1',
    }, async (t) => {
      const client = await t.open();
      client.send(packetOf(t), connectPacket(t.level, { clientId: t.clientId() }));
      const packets = await client.ended();
      // A broker may take it for a CONNECT that it refuses.
      for (const packet of packets) {
        t.ok(packet.name === 'CONNACK' && packet.reasonCode !== 0, `${packet.name} came before the end`);
      }
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic());
      await subscriber.isQuiet();
    });
  }

  for (const what of ['the same', 'another'] as const) {
    test(`a second CONNECT, of ${what} client, ends the connection`, {
      4: 'MQTT-3.1.0-2',
      5: ['MQTT-3.1.0-2', 'MQTT-3.2.0-2'],
    }, async (t) => {
      const subscriber = await t.connected({}, 'subscriber');
      await subscriber.subscribe(t.topic('after'));
      const client = await t.open();
      const clientId = t.clientId();
      await client.connect({ clientId });
      client.send(
        connectPacket(t.level, { clientId: what === 'the same' ? clientId : t.clientId() }),
        publishPacket(t.level, { topic: t.topic('after'), payload: 'after' }),
      );
      for (const packet of await client.ended()) {
        t.ok(packet.name === 'DISCONNECT', `${packet.name} came before the end`);
        if (packet.name === 'DISCONNECT') t.equal(packet.reasonCode, 0x82, 'The reason code');
      }
      await subscriber.isQuiet();
    });
  }

  test('a CONNECT with another protocol name is not accepted', { 4: 'MQTT-3.1.2-1', 5: 'MQTT-3.1.2-1' }, async (t) => {
    for (const protocolName of ['mqtt', 'MQT', 'MQTTX', 'MQTt', '', 'HTTP', '\uFEFFMQTT']) {
      await isForeign(t, { protocolName });
    }
  });

  test('an unsupported protocol level is answered by the return code 1', { 4: 'MQTT-3.1.2-2' }, async (t) => {
    for (const protocolLevel of [0, 1, 2, 6, 127]) {
      const client = await t.open(`level ${protocolLevel}`);
      client.send(connectPacket(t.level, { clientId: t.clientId(), protocolLevel }));
      const connack = await client.receive('CONNACK');
      t.equal(connack.reasonCode, 1, 'The return code');
      t.ok(!connack.sessionPresent, 'Session Present is set');
      t.equal((await client.ended()).length, 0, 'The number of packets after CONNACK');
    }
  });

  test('a protocol version that the broker does not know is not accepted', { 5: 'MQTT-3.1.2-2' }, async (t) => {
    for (const protocolLevel of [0, 1, 2, 6, 127]) await isForeign(t, { protocolLevel });
  });

  test('the reserved connect flag has to be 0', { 4: 'MQTT-3.1.2-3', 5: 'MQTT-3.1.2-3' }, async (t) => {
    for (const flags of [0x01, 0x03]) {
      await isMalformedConnect(t, connectPacket(t.level, { clientId: t.clientId(), flags }), 'the reserved flag');
    }
    const all = connectPacket(t.level, {
      clientId: t.clientId(),
      will: { topic: t.topic(), qos: 2, retain: true },
      username: 'fry',
      password: 'slurm',
      flags: 0xf7,
    });
    await isMalformedConnect(t, all, 'all flags');
  });

  test('a CONNECT that is not of the form of its section is not accepted', {
    4: ['MQTT-3.1.4-1', 'MQTT-3.2.2-6'],
    5: 'MQTT-3.1.4-1',
  }, async (t) => {
    for (const [what, packet] of Object.entries(malformedConnects(t))) await isMalformedConnect(t, packet, what);
    // Which version it is, and so how to answer, is not known before the protocol level.
    for (const body of ['', '00 04 4d 51', '00 04 4d 51 54 54']) {
      await isMalformedConnect(t, frame(0x10, hex(body)), `the body '${body}'`, []);
    }
  });

  test('a will topic without characters, or with wildcards, is not accepted', { 4: [], 5: [] }, async (t) => {
    for (const topic of ['', t.topic('+'), t.topic('#'), '#']) {
      const client = await t.open(`will topic '${topic}'`);
      client.send(connectPacket(t.level, { clientId: t.clientId(), will: { topic, payload: 'x' } }));
      await client.isRefused([0x90, 0x81, 0x82]);
    }
  });

  test('authentication data without a method is not accepted', { 5: 'MQTT-3.1.4-1' }, async (t) => {
    const list = { authenticationData: hex('01 02') };
    const packet = connectPacket(t.level, { clientId: t.clientId(), properties: list });
    await isMalformedConnect(t, packet, 'authentication data', [0x82, 0x81]);
  });

  test('a CONNECT that is not accepted takes nobody’s place', { 4: [], 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected({ clientId });
    const packet = connectPacket(t.level, { clientId, flags: 0x03 });
    await isMalformedConnect(t, packet, 'the reserved flag');
    await client.isQuiet();
  });
});
