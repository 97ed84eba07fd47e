import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

/** A client with a session and a will, and who sees that. */
async function arrange(
  t: ServerTest,
  { delayS, expiryIntervalS }: { delayS: number; expiryIntervalS: number },
): Promise<{ clientId: string; client: RawClient; witness: RawClient }> {
  const witness = await t.connected({}, 'witness');
  await witness.subscribe(t.topic());
  const clientId = t.clientId();
  const will = { topic: t.topic(), payload: 'will', qos: 1, properties: { willDelayInterval: delayS } };
  const client = await t.connected({ ...t.lasting(clientId, expiryIntervalS), will });
  return { clientId, client, witness };
}

export const willDelay = serverSection('Will delay', (test) => {
  for (const [delayS, expiryIntervalS] of [
    [2, 60],
    [2, 0xffffffff],
    [60, 2],
    [2, 2],
  ] as const) {
    test(`with the delay ${delayS} and the session expiry ${expiryIntervalS}, a will comes once, after 2 s`, {
      5: [],
    }, async (t) => {
      const { clientId, client, witness } = await arrange(t, { delayS, expiryIntervalS });
      client.drop();
      const startMs = performance.now();
      await t.pass(900);
      await witness.isQuiet();
      await t.pass(1600); // some brokers look at their sessions every few seconds
      t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
      const elapsedMs = performance.now() - startMs;
      t.ok(elapsedMs > 1000, `It came after ${elapsedMs.toFixed(0)} ms`);
      const clean = await t.connected({ clientId }, 'clean'); // ends the session, if it is still there
      await clean.disconnect();
      await witness.isQuiet();
    });
  }

  test('a will with a delay comes at once if its session ends with the connection', { 5: [] }, async (t) => {
    const { client, witness } = await arrange(t, { delayS: 60, expiryIntervalS: 0 });
    client.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
  });

  test('a will that waits comes at once if its client begins a clean session', { 5: [] }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 60, expiryIntervalS: 60 });
    client.drop();
    await client.ended();
    const clean = await t.connected({ ...t.lasting(clientId), clean: true }, 'clean');
    // [MQTT-3.1.2-8] can be read either way: the session ends, but its client is back within the delay.
    const message = await witness.take('PUBLISH').catch(() => t.skip('the broker takes that for a return in time'));
    t.isMessage(message, t.topic(), 'will', 1);
    await clean.isQuiet();
  });

  test('a will with a delay comes if a clean session takes the place of its client', { 5: [] }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 60, expiryIntervalS: 60 });
    const clean = await t.connected({ clientId, clean: true }, 'clean');
    await client.ended();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
    await clean.disconnect();
    await witness.isQuiet();
  });

  test('a will with a delay comes if its session ends because another connection takes its place', {
    5: [],
  }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 60, expiryIntervalS: 0 });
    const next = await t.connected({ clientId, clean: false }, 'next');
    await client.ended();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
    await next.isQuiet();
  });

  test('who returns in time with another will has that one only', { 5: [] }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 2, expiryIntervalS: 60 });
    client.drop();
    await client.ended();
    const will = { topic: t.topic(), payload: 'another', qos: 1 };
    const back = await t.connected({ ...t.lasting(clientId), will }, 'back');
    await t.pass(3200);
    await witness.isQuiet();
    back.drop();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'another', 1);
    const last = await t.connected({ clientId }, 'last');
    await last.disconnect();
    await witness.isQuiet();
  });

  test('the delay begins again with each connection', { 5: [] }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 2, expiryIntervalS: 60 });
    client.drop();
    await client.ended();
    await t.pass(600);
    const will = { topic: t.topic(), payload: 'second', qos: 1, properties: { willDelayInterval: 3 } };
    const back = await t.connected({ ...t.lasting(clientId), will }, 'back');
    back.drop();
    await t.pass(1900); // the first one would have been due before
    await witness.isQuiet();
    t.isMessage(await witness.receiveMessage(), t.topic(), 'second', 1);
  });

  test('DISCONNECT with 0x04 leaves the will and its delay', { 5: [] }, async (t) => {
    const { client, witness } = await arrange(t, { delayS: 2, expiryIntervalS: 60 });
    const startMs = performance.now();
    await client.disconnect(0x04);
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
    const elapsedMs = performance.now() - startMs;
    t.ok(elapsedMs > 1000, `It came after ${elapsedMs.toFixed(0)} ms`);
  });

  test('DISCONNECT with 0x04 that ends the session sends the will at once', { 5: [] }, async (t) => {
    const { client, witness } = await arrange(t, { delayS: 60, expiryIntervalS: 60 });
    await client.disconnect(0x04, { sessionExpiryInterval: 0 });
    t.isMessage(await witness.receiveMessage(), t.topic(), 'will', 1);
  });

  test('DISCONNECT with 0x00 removes a will with a delay, too', { 5: [] }, async (t) => {
    const { clientId, client, witness } = await arrange(t, { delayS: 1, expiryIntervalS: 60 });
    await client.disconnect();
    await t.pass(2200);
    await witness.isQuiet();
    const clean = await t.connected({ clientId }, 'clean');
    await clean.disconnect();
    await witness.isQuiet();
  });
});
