import { disconnectPacket } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** Beyond an expiry interval of 1 s: brokers may count in whole seconds, and look at their sessions once in each. */
const EXPIRED_MS = 3200;

/** Whether there is a session for this client identifier; it goes on for a minute after that. */
async function isThere(t: ServerTest, clientId: string): Promise<boolean> {
  const client = await t.open('look');
  const { sessionPresent } = await client.connect(t.lasting(clientId));
  await client.disconnect();
  return sessionPresent;
}

export const sessionExpiry = serverSection('Session expiry', (test) => {
  for (const leave of ['DISCONNECT', 'a broken connection'] as const) {
    for (const expiryIntervalS of [0, undefined]) {
      test(`with the interval ${expiryIntervalS ?? '(none)'} a session ends with ${leave}`, { 5: [] }, async (t) => {
        const clientId = t.clientId();
        const properties = expiryIntervalS === undefined ? {} : { sessionExpiryInterval: expiryIntervalS };
        const client = await t.connected({ clientId, clean: false, properties });
        if (leave === 'DISCONNECT') await client.disconnect();
        else client.drop();
        t.ok(!(await isThere(t, clientId)), 'The session is still there');
      });
    }

    test(`with the interval 1 a session is there after ${leave}, and gone later`, { 5: [] }, async (t) => {
      const ids = [t.clientId(), t.clientId()];
      for (const clientId of ids) {
        const client = await t.connected(t.lasting(clientId, 1));
        if (leave === 'DISCONNECT') await client.disconnect();
        else client.drop();
        if (clientId === ids[0]) t.ok(await isThere(t, clientId), 'The session was not kept');
      }
      await t.pass(EXPIRED_MS);
      t.ok(!(await isThere(t, ids[1])), 'The session is still there');
    });
  }

  test('with the interval 0xffffffff a session does not expire', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.open();
    const { properties } = await client.connect(t.lasting(clientId, 0xffffffff));
    const { sessionExpiryInterval } = properties; // what the broker makes of it, if it does not keep it
    await client.disconnect();
    await t.pass(EXPIRED_MS);
    if (sessionExpiryInterval !== undefined && sessionExpiryInterval < 10) t.skip('the broker keeps sessions for less');
    t.ok(await isThere(t, clientId), 'The session is gone');
  });

  test('the interval 0xfffffffe is not taken for one that is over', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected(t.lasting(clientId, 0xfffffffe));
    await client.disconnect();
    await t.pass(EXPIRED_MS);
    t.ok(await isThere(t, clientId), 'The session is gone');
  });

  test('the interval of the last CONNECT counts, not that of an earlier one', { 5: [] }, async (t) => {
    const [shortened, lengthened] = [t.clientId(), t.clientId()];
    for (const [clientId, intervals] of [
      [shortened, [60, 1]],
      [lengthened, [1, 60]],
    ] as const) {
      for (const interval of intervals) {
        const client = await t.connected(t.lasting(clientId, interval));
        await client.disconnect();
      }
    }
    await t.pass(EXPIRED_MS);
    t.ok(!(await isThere(t, shortened)), 'The session with the shorter interval is still there');
    t.ok(await isThere(t, lengthened), 'The session with the longer interval is gone');
  });

  test('DISCONNECT may end a session that was to last', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected(t.lasting(clientId));
    await client.disconnect(0, { sessionExpiryInterval: 0 });
    t.ok(!(await isThere(t, clientId)), 'The session is still there');
  });

  test('DISCONNECT may shorten and lengthen the interval', { 5: [] }, async (t) => {
    const [shortened, lengthened] = [t.clientId(), t.clientId()];
    for (const [clientId, from, to] of [
      [shortened, 60, 1],
      [lengthened, 1, 60],
    ] as const) {
      const client = await t.connected(t.lasting(clientId, from));
      await client.disconnect(0, { sessionExpiryInterval: to });
    }
    await t.pass(EXPIRED_MS);
    t.ok(!(await isThere(t, shortened)), 'The session with the shorter interval is still there');
    t.ok(await isThere(t, lengthened), 'The session with the longer interval is gone');
  });

  test('DISCONNECT without an interval leaves that of CONNECT', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const client = await t.connected(t.lasting(clientId));
    await client.disconnect(0, {});
    t.ok(await isThere(t, clientId), 'The session is gone');
  });

  for (const interval of [1, 60, 0xffffffff]) {
    test(`DISCONNECT with ${interval} after CONNECT with 0 is a protocol error, and keeps no session`, {
      5: [],
    }, async (t) => {
      for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
        const clientId = t.clientId();
        const client = await t.connected({ clientId, properties });
        client.send(disconnectPacket(0, { sessionExpiryInterval: interval }));
        await client.isRefused([0x82]);
        t.ok(!(await isThere(t, clientId)), 'The session is there');
      }
    });
  }

  test('DISCONNECT with 0 after CONNECT with 0 is none', { 5: [] }, async (t) => {
    const client = await t.connected({ properties: { sessionExpiryInterval: 0 } });
    await client.disconnect(0, { sessionExpiryInterval: 0 });
  });

  test('a session that expires takes its subscriptions and messages along', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const before = await t.connected(t.lasting(clientId, 1), 'before');
    await before.subscribe(t.topic());
    await before.disconnect();
    const publisher = await t.connected({}, 'publisher');
    await publisher.publish({ topic: t.topic(), payload: 'expired', qos: 1 });
    await t.pass(EXPIRED_MS);
    const after = await t.connected(t.lasting(clientId), 'after');
    await publisher.publish({ topic: t.topic(), payload: 'for nobody', qos: 1 });
    await after.isQuiet();
  });
});
