import type { ConnectFields, ProtocolLevel } from '../raw/packet-writer.js';
import { serverSection } from '../suite/section.js';

/** CONNECT fields of a session that outlives its connection, in any version. */
function lastingOf(level: ProtocolLevel, clientId: string): ConnectFields {
  return level === 5
    ? { clientId, clean: false, properties: { sessionExpiryInterval: 60 } }
    : { clientId, clean: false };
}

export const takeOver = serverSection('Taking over', (test) => {
  for (const [from, to] of [
    [5, 4],
    [4, 5],
    [5, 3],
    [3, 4],
  ] as const) {
    test(`a session goes from a client of level ${from} to one of level ${to}, and back`, { 5: [] }, async (t) => {
      const clientId = t.clientId();
      const publisher = await t.connected({}, 'publisher');
      let last = await t.connected(lastingOf(from, clientId), `level ${from}`, from);
      await last.subscribe([
        { filter: t.topic('1'), qos: 1 },
        { filter: t.topic('2'), qos: 2 },
      ]);
      for (const level of [to, from]) {
        // Not acknowledged, so the next one gets it again.
        await publisher.publish({ topic: t.topic('1'), payload: `under way to ${level}`, qos: 1 });
        const { packetId } = await last.receive('PUBLISH');
        const next = await t.open(`level ${level}`, level);
        const { flags } = await next.connect(lastingOf(level, clientId));
        t.equal(flags, level === 3 ? 0 : 1, 'The flags of CONNACK');
        await last.isRefused([0x8e]);
        const again = await next.receiveMessage();
        t.isMessage(again, t.topic('1'), `under way to ${level}`, 1);
        t.equal([again.packetId, again.dup], [packetId, true], 'Packet identifier and DUP');
        await publisher.publish({ topic: t.topic('2'), payload: `new for ${level}`, qos: 2 });
        t.isMessage(await next.receiveMessage(), t.topic('2'), `new for ${level}`, 2);
        last = next;
      }
      await last.isQuiet();
    });

    test(`what waited for a client of level ${from} comes to one of level ${to}`, { 5: [] }, async (t) => {
      const clientId = t.clientId();
      const before = await t.connected(lastingOf(from, clientId), `level ${from}`, from);
      await before.subscribe(t.topic());
      await before.disconnect();
      const publisher = await t.connected({}, 'publisher');
      const properties = { contentType: 'text/plain' };
      for (const qos of [1, 2]) await publisher.publish({ topic: t.topic(), payload: `${qos}`, qos, properties });
      const after = await t.connected(lastingOf(to, clientId), `level ${to}`, to);
      for (const qos of [1, 2]) {
        const message = await after.receiveMessage();
        t.isMessage(message, t.topic(), `${qos}`, qos);
        t.equal(message.properties.contentType, to === 5 ? 'text/plain' : undefined, 'The content type');
      }
      await after.isQuiet();
    });
  }

  test('No Local and subscription identifiers outlast a client of 3.1.1 in between', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(lastingOf(5, clientId), 'first', 5);
    await first.subscribe({ filter: t.topic('own'), qos: 1, noLocal: true });
    await first.subscribe({ filter: t.topic('marked'), qos: 1 }, { subscriptionIdentifier: [7] });
    const between = await t.connected(lastingOf(4, clientId), 'between', 4);
    await between.publish({ topic: t.topic('own'), qos: 1 });
    await between.isQuiet();
    await between.publish({ topic: t.topic('marked'), payload: 'without', qos: 1 });
    t.isMessage(await between.receiveMessage(), t.topic('marked'), 'without', 1);
    const last = await t.connected(lastingOf(5, clientId), 'last', 5);
    await last.publish({ topic: t.topic('own'), qos: 1 });
    await last.isQuiet();
    await last.publish({ topic: t.topic('marked'), qos: 1 });
    t.equal((await last.receiveMessage()).properties.subscriptionIdentifier, [7], 'The subscription identifier');
  });

  test('a client of 5.0 without an expiry interval ends the session that 3.1.1 began', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(lastingOf(4, clientId), 'first', 4);
    await first.disconnect();
    const second = await t.open('second', 5);
    t.ok((await second.connect({ clientId, clean: false })).sessionPresent, 'The session was not kept');
    await second.disconnect();
    const third = await t.open('third', 4);
    t.ok(!(await third.connect(lastingOf(4, clientId))).sessionPresent, 'The session is still there');
  });

  test('a client of 3.1.1 makes a session last that was to expire', { 5: [] }, async (t) => {
    const clientId = t.clientId();
    const first = await t.connected(t.lasting(clientId, 1), 'first', 5);
    await first.disconnect();
    const second = await t.connected(lastingOf(4, clientId), 'second', 4);
    await second.disconnect();
    await t.pass(3200);
    const third = await t.open('third', 4);
    t.ok((await third.connect(lastingOf(4, clientId))).sessionPresent, 'The session is gone');
  });

  test('of many connections of one client at once, one stays', { 4: [], 5: [] }, async (t) => {
    const clientId = t.clientId();
    const clients = await Promise.all(Array.from({ length: 8 }, (_, index) => t.open(`${index}`)));
    const connacks = clients.map((client) => client.connect(t.lasting(clientId)).catch(() => undefined));
    await Promise.all(connacks);
    const isOpen = clients.map((client) =>
      client.isQuiet().then(
        () => true,
        () => false,
      ),
    );
    t.equal((await Promise.all(isOpen)).filter(Boolean).length, 1, 'The number of connections that stay');
  });
});
