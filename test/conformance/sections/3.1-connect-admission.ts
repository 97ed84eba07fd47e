import {
  type ConnectFields,
  connectPacket,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** Whom the arrangement `passwords` lets in. */
const FRY = { username: 'fry', password: 'slurm' } as const;

/** CONNECT fields that it does not let in. */
const STRANGERS: Readonly<Record<string, Partial<ConnectFields>>> = {
  'a wrong password': { username: 'fry', password: 'coffee' },
  'a longer password': { username: 'fry', password: 'slurm ' },
  'an empty password': { username: 'fry', password: '' },
  'no password': { username: 'fry' },
  'an unknown user name': { username: 'bender', password: 'slurm' },
  'an empty user name': { username: '', password: 'slurm' },
  'no user name': {},
};

/** Bad user name or password; not authorized. In 3.1.1 4 and 5. */
const REASON_CODES = [0x86, 0x87];
const RETURN_CODES = [4, 5];

/** Demands that what was sent together with a CONNECT that is refused has no effect. */
async function hasNoEffect(t: ServerTest, refused: Partial<ConnectFields>, codes: readonly number[][]): Promise<void> {
  const clientId = t.clientId();
  const subscriber = await t.connected(FRY, 'subscriber');
  await subscriber.subscribe(t.topic('#'));
  const client = await t.open();
  client.send(
    connectPacket(t.level, { clientId, ...refused }),
    publishPacket(t.level, { topic: t.topic('out'), payload: 'refused' }),
    publishPacket(t.level, { topic: t.topic('out'), payload: 'refused', qos: 1, packetId: 1 }),
    publishPacket(t.level, { topic: t.topic('kept'), payload: 'refused', retain: true }),
    subscribePacket(t.level, 2, [{ filter: t.topic('in'), qos: 1 }]),
    unsubscribePacket(t.level, 3, [t.topic('in')]),
  );
  await client.isRefused(...codes); // neither a PUBACK nor a SUBACK
  await subscriber.isQuiet();
  const later = await t.connected(FRY, 'later');
  await later.subscribe(t.topic('#'));
  await later.isQuiet();
}

export const connectAdmission = serverSection('3.1 CONNECT, who is let in', (test) => {
  for (const [what, fields] of Object.entries(STRANGERS)) {
    test(
      `a CONNECT with ${what} is refused where that matters`,
      { 4: 'MQTT-3.2.2-5', 5: 'MQTT-3.1.4-2' },
      async (t) => {
        const client = await t.open();
        client.send(connectPacket(t.level, { clientId: t.clientId(), ...fields }));
        await client.isRefused(REASON_CODES, RETURN_CODES);
      },
      'passwords',
    );
  }

  test(
    'a client with the right password is let in',
    { 4: 'MQTT-3.1.4-4', 5: 'MQTT-3.1.4-5' },
    async (t) => {
      const client = await t.connected(FRY);
      await client.isQuiet();
    },
    'passwords',
  );

  test(
    'a client that is refused neither takes the place of a connected one nor changes its session',
    { 4: [], 5: [] },
    async (t) => {
      const clientId = t.clientId();
      const client = await t.connected({ ...t.lasting(clientId), ...FRY });
      await client.subscribe({ filter: t.topic(), qos: 1 });
      const stranger = await t.open('stranger');
      stranger.send(connectPacket(t.level, { clientId, username: 'fry', password: 'coffee' }));
      await stranger.isRefused(REASON_CODES, RETURN_CODES);
      await client.publish({ topic: t.topic(), payload: 'still here', qos: 1 });
      t.isMessage(await client.receiveMessage(), t.topic(), 'still here', 1);
      client.drop();
      const back = await t.open('back');
      const { sessionPresent } = await back.connect({ ...t.lasting(clientId), ...FRY });
      t.ok(sessionPresent, 'The session is gone');
    },
    'passwords',
  );

  test(
    'the will of a client that is refused is not published',
    { 4: 'MQTT-3.1.2-8', 5: [] },
    async (t) => {
      const subscriber = await t.connected(FRY, 'subscriber');
      await subscriber.subscribe(t.topic());
      const stranger = await t.open('stranger');
      const will = { topic: t.topic(), payload: 'will', qos: 1 };
      stranger.send(connectPacket(t.level, { clientId: t.clientId(), username: 'fry', password: 'coffee', will }));
      await stranger.isRefused(REASON_CODES, RETURN_CODES);
      await subscriber.isQuiet();
    },
    'passwords',
  );

  test(
    'what follows a CONNECT that is refused for its password is not processed',
    { 4: 'MQTT-3.1.4-5', 5: 'MQTT-3.1.4-6' },
    async (t) => hasNoEffect(t, { username: 'fry', password: 'coffee' }, [REASON_CODES, RETURN_CODES]),
    'passwords',
  );

  test(
    'what follows a CONNECT that is refused for its client identifier is not processed',
    {
      4: 'MQTT-3.1.4-5',
    },
    async (t) => hasNoEffect(t, { clientId: '', clean: false }, [[], [2]]),
  );

  test(
    'what follows a CONNECT that is refused for its authentication method is not processed',
    {
      5: 'MQTT-3.1.4-6',
    },
    async (t) => hasNoEffect(t, { properties: { authenticationMethod: 'no such method' } }, [[0x8c, 0x87]]),
  );

  test('a client that connects again takes the place of the one before', {
    4: 'MQTT-3.1.4-2',
    5: 'MQTT-3.1.4-3',
  }, async (t) => {
    const clientId = t.clientId();
    for (const clean of [true, false]) {
      const first = await t.connected({ clientId, clean }, 'first');
      const second = await t.connected({ clientId, clean }, 'second');
      await first.isRefused([0x8e]);
      await second.isQuiet();
    }
  });

  test('who takes a client’s place gets the messages from then on', {
    4: 'MQTT-3.1.4-2',
    5: 'MQTT-3.1.4-3',
  }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.subscribe(t.topic());
    const second = await t.connected(t.lasting(clientId), 'second');
    await first.isRefused([0x8e]);
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'moved', qos: 1 });
    t.isMessage(await second.receiveMessage(), t.topic(), 'moved', 1);
  });

  test('a client identifier in other letters is another client', {
    4: 'MQTT-3.1.3-2',
    5: 'MQTT-3.1.3-2',
  }, async (t) => {
    const clientId = t.clientId();
    const clients = [clientId, clientId.toUpperCase(), `${clientId}X`];
    const connected = await Promise.all(clients.map((id) => t.connected({ clientId: id }, id)));
    for (const client of connected) await client.isQuiet();
  });
});
