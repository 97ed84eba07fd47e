import type { ConnectFields } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** What may have been there before a CONNECT, and whether a session of it is kept. */
const BEFORE: readonly {
  readonly what: string;
  readonly isKept: boolean;
  prepare(t: ServerTest, id: string): Promise<void>;
}[] = [
  { what: 'nothing', isKept: false, prepare: async () => {} },
  {
    what: 'a session that ended with its connection',
    isKept: false,
    prepare: async (t, clientId) => (await t.connected({ clientId }, 'before')).disconnect(),
  },
  {
    what: 'a connection whose session ends with it',
    isKept: false,
    prepare: async (t, clientId) => void (await t.connected({ clientId }, 'before')),
  },
  {
    what: 'a session that lasts',
    isKept: true,
    prepare: async (t, clientId) => (await t.connected(t.lasting(clientId), 'before')).disconnect(),
  },
  {
    what: 'a session that lasts, and was clean once',
    isKept: true,
    prepare: async (t, clientId) => {
      await (await t.connected({ ...t.lasting(clientId), clean: true }, 'clean')).disconnect();
      if (t.level < 5) await (await t.connected(t.lasting(clientId), 'before')).disconnect();
    },
  },
  {
    what: 'a connection whose session lasts',
    isKept: true,
    prepare: async (t, clientId) => void (await t.connected(t.lasting(clientId), 'before')),
  },
  {
    what: 'a session that a clean one replaced',
    isKept: false,
    prepare: async (t, clientId) => {
      await (await t.connected(t.lasting(clientId), 'before')).disconnect();
      await (await t.connected({ clientId }, 'clean')).disconnect();
    },
  },
];

export const sessionPresent = serverSection('Session Present and clean sessions', (test) => {
  for (const { what, isKept, prepare } of BEFORE) {
    for (const clean of [true, false]) {
      test(`after ${what}, a CONNECT ${clean ? 'with' : 'without'} the clean flag`, { 4: [], 5: [] }, async (t) => {
        // In 5.0 how long the session lasts is another matter than how it begins.
        const lasts: Partial<ConnectFields>[] = [{}];
        if (t.level === 5) lasts.push({ properties: { sessionExpiryInterval: 60 } });
        for (const more of lasts) {
          const clientId = t.clientId();
          await prepare(t, clientId);
          const client = await t.open();
          const { sessionPresent: isPresent } = await client.connect({ clientId, clean, ...more });
          t.equal(isPresent, isKept && !clean, 'Session Present');
        }
      });
    }
  }

  test('a session that began with Clean Start lasts as long as CONNECT says', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected({ ...t.lasting(clientId), clean: true }, 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.disconnect();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'kept', qos: 1 });
    const second = await t.open('second');
    t.ok((await second.connect(t.lasting(clientId))).sessionPresent, 'The session was not kept');
    t.isMessage(await second.receiveMessage(), t.topic(), 'kept', 1);
  });

  test('a session that was resumed without an expiry interval ends with that connection', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId), 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.disconnect();
    const second = await t.open('second');
    t.ok((await second.connect({ clientId, clean: false })).sessionPresent, 'The session was not kept');
    await second.publish({ topic: t.topic(), payload: 'subscribed', qos: 1 });
    t.isMessage(await second.receiveMessage(), t.topic(), 'subscribed', 1);
    await second.disconnect();
    const third = await t.open('third');
    t.ok(!(await third.connect(t.lasting(clientId))).sessionPresent, 'The session is still there');
  });

  test('a clean session of 3.1.1 that was never disconnected properly is not kept', { 4: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected({ clientId, clean: true }, 'first');
    await first.subscribe({ filter: t.topic(), qos: 1 });
    first.drop();
    const second = await t.open('second');
    t.ok(!(await second.connect({ clientId, clean: false })).sessionPresent, 'The session was kept');
    await second.publish({ topic: t.topic(), qos: 1 });
    await second.isQuiet();
  });
});
