import { acknowledgementPacket, publishPacket } from '../raw/packet-writer.js';
import type { RawClient } from '../raw/raw-client.js';
import { serverSection } from '../suite/section.js';
import type { ServerTest } from '../suite/server-test.js';

const PACKET_IDS = 65_535;
/** So many at a time, to read the answers before they pile up. */
const BATCH = 500;

/** Sends a packet for each id, and demands an answer for each, in the same order. */
async function exchangeAll(
  t: ServerTest,
  client: RawClient,
  packetOf: (packetId: number) => Uint8Array,
  answer: 'PUBREC' | 'PUBCOMP',
): Promise<void> {
  for (let first = 1; first <= PACKET_IDS; first += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, PACKET_IDS - first + 1) }, (_, index) => first + index);
    client.send(Buffer.concat(ids.map(packetOf)));
    for (const packetId of ids)
      t.equal((await client.receive(answer)).packetId, packetId, `The packet id of ${answer}`);
  }
}

/** A session with one message of this QoS under way. */
async function underWay(
  t: ServerTest,
  qos: number,
): Promise<{ client: RawClient; clientId: string; packetId: number }> {
  const clientId = t.clientId();
  const client = await t.connected(t.lasting(clientId), 'client');
  await client.subscribe({ filter: t.topic(), qos });
  const publisher = await t.connected({}, 'publisher');
  await publisher.publish({ topic: t.topic(), payload: 'under way', qos });
  const { packetId = 0 } = await client.receive('PUBLISH');
  return { client, clientId, packetId };
}

export const packetIds = serverSection('Packet ids', (test) => {
  test('all 65,535 packet ids of a client may be under way at once', { 4: [] }, async (t) => {
    const client = await t.connected();
    const packetOf = (packetId: number): Uint8Array => publishPacket(t.level, { topic: t.topic(), qos: 2, packetId });
    await exchangeAll(t, client, packetOf, 'PUBREC');
    // Each of them is held: it is not known as a new one, and can be released.
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: PACKET_IDS, dup: true }));
    t.equal((await client.receive('PUBREC')).packetId, PACKET_IDS, 'The packet id of PUBREC');
    await exchangeAll(t, client, (packetId) => acknowledgementPacket('PUBREL', packetId), 'PUBCOMP');
    await client.isQuiet();
  });

  test('as many packet ids of QoS 2 as the receive maximum says may be under way at once', { 5: [] }, async (t) => {
    const { receiveMaximum = PACKET_IDS } = await t.announced();
    const ids = Array.from({ length: Math.min(receiveMaximum, 1000) }, (_, index) => PACKET_IDS - index);
    const client = await t.connected();
    client.send(...ids.map((packetId) => publishPacket(t.level, { topic: t.topic(), qos: 2, packetId })));
    for (const packetId of ids) t.equal((await client.receive('PUBREC')).packetId, packetId, 'The packet id of PUBREC');
    client.send(...ids.map((packetId) => acknowledgementPacket('PUBREL', packetId)));
    for (const packetId of ids) {
      const pubcomp = await client.receive('PUBCOMP');
      t.equal([pubcomp.packetId, pubcomp.reasonCode], [packetId, 0], 'Packet id and reason code of PUBCOMP');
    }
    await client.isQuiet();
  });

  test('the packet ids of the broker go round, and pass over those that are under way', { 4: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 1 });
    const publisher = await t.connected({}, 'publisher');
    const publishBatch = async (size: number): Promise<void> => {
      const ids = Array.from({ length: size }, (_, index) => index + 1);
      publisher.send(
        Buffer.concat(ids.map((packetId) => publishPacket(t.level, { topic: t.topic(), qos: 1, packetId }))),
      );
      for (const _ of ids) await publisher.receive('PUBACK');
    };
    await publishBatch(3);
    const held = new Set<number>();
    for (let count = 0; count < 3; count++) held.add((await subscriber.receive('PUBLISH')).packetId ?? 0);
    const seen = new Set<number>();
    const receiveBatch = async (): Promise<void> => {
      let acknowledgements: Uint8Array[] = [];
      for (let count = 1; count <= BATCH; count++) {
        const { packetId = 0 } = await subscriber.receive('PUBLISH');
        t.ok(!held.has(packetId), `The packet id ${packetId} is used twice`);
        seen.add(packetId);
        acknowledgements.push(acknowledgementPacket('PUBACK', packetId));
        if (acknowledgements.length < 10) continue;
        subscriber.send(Buffer.concat(acknowledgements));
        acknowledgements = [];
      }
    };
    for (let received = 0; received < PACKET_IDS + BATCH; received += BATCH) {
      // Both at once: a broker may let a publisher wait for its subscribers.
      await Promise.all([publishBatch(BATCH), receiveBatch()]);
    }
    t.ok(seen.size <= PACKET_IDS - held.size, 'More packet ids are used than there are');
    await subscriber.isQuiet();
  });

  test('packet ids of both directions are independent of each other', { 4: [], 5: [] }, async (t) => {
    const { client, packetId } = await underWay(t, 2);
    client.send(publishPacket(t.level, { topic: t.topic('other'), qos: 2, packetId }));
    await client.receive('PUBREC');
    client.send(acknowledgementPacket('PUBREC', packetId));
    t.equal((await client.receive('PUBREL')).reasonCode, 0, 'The reason code of PUBREL');
    client.send(acknowledgementPacket('PUBREL', packetId));
    t.equal((await client.receive('PUBCOMP')).reasonCode, 0, 'The reason code of PUBCOMP');
    client.send(acknowledgementPacket('PUBCOMP', packetId));
    await client.isQuiet();
  });

  test('two clients may use the same packet id at once', { 4: [], 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('+'), qos: 0 });
    const names = ['one', 'other'];
    const clients = [await t.connected({}, 'one'), await t.connected({}, 'other')];
    for (const [index, client] of clients.entries()) {
      client.send(publishPacket(t.level, { topic: t.topic(names[index]), qos: 2, packetId: 8 }));
      await client.receive('PUBREC');
    }
    for (const client of clients) {
      client.send(acknowledgementPacket('PUBREL', 8));
      t.equal((await client.receive('PUBCOMP')).reasonCode, 0, 'The reason code of PUBCOMP');
    }
    for (const name of names) t.isMessage(await subscriber.receive('PUBLISH'), t.topic(name), '', 0);
    await subscriber.isQuiet();
  });

  test('a packet id of QoS 1 that is used again with DUP 1 is another message', { 4: [], 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic(), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    for (const [payload, dup] of [
      ['first', false],
      ['second', true],
      ['third', false],
    ] as const) {
      await publisher.publish({ topic: t.topic(), payload, qos: 1, packetId: 8, dup });
      t.isMessage(await subscriber.receive('PUBLISH'), t.topic(), payload);
    }
  });

  test('of two messages of QoS 2 under one packet id, one is passed on', { 4: [], 5: [] }, async (t) => {
    const subscriber = await t.connected({}, 'subscriber');
    await subscriber.subscribe({ filter: t.topic('+'), qos: 0 });
    const publisher = await t.connected({}, 'publisher');
    for (const name of ['first', 'second']) {
      publisher.send(publishPacket(t.level, { topic: t.topic(name), qos: 2, packetId: 8 }));
      await publisher.receive('PUBREC');
    }
    publisher.send(acknowledgementPacket('PUBREL', 8));
    await publisher.receive('PUBCOMP');
    await subscriber.receive('PUBLISH');
    await subscriber.isQuiet();
  });

  test('PUBREL for an unknown packet id is answered by PUBCOMP each time', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    for (const packetId of [1, 1, PACKET_IDS]) {
      client.send(acknowledgementPacket('PUBREL', packetId));
      const pubcomp = await client.receive('PUBCOMP');
      t.equal(pubcomp.packetId, packetId, 'The packet id');
      if (t.level === 5) t.ok([0x92, 0x00].includes(pubcomp.reasonCode), `The reason code is ${pubcomp.reasonCode}`);
    }
    await client.isQuiet();
  });

  test('a second PUBREL for a packet id is answered by PUBCOMP', { 4: [], 5: [] }, async (t) => {
    const client = await t.connected();
    client.send(publishPacket(t.level, { topic: t.topic(), qos: 2, packetId: 8 }));
    await client.receive('PUBREC');
    for (let count = 0; count < 2; count++) {
      client.send(acknowledgementPacket('PUBREL', 8));
      t.equal((await client.receive('PUBCOMP')).packetId, 8, 'The packet id of PUBCOMP');
    }
  });

  for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
    const code = `0x${reasonCode.toString(16)}`;
    test(`PUBREC with ${code} ends the exchange, and what waited for the packet id comes`, { 5: [] }, async (t) => {
      const subscriber = await t.connected({ properties: { receiveMaximum: 1 } }, 'subscriber');
      await subscriber.subscribe(t.topic());
      const publisher = await t.connected({}, 'publisher');
      for (const payload of ['1', '2']) await publisher.publish({ topic: t.topic(), payload, qos: 2 });
      const { packetId = 0 } = await subscriber.receive('PUBLISH');
      subscriber.send(acknowledgementPacket('PUBREC', packetId, reasonCode));
      t.isMessage(await subscriber.receiveMessage(), t.topic(), '2', 2);
      await subscriber.isQuiet();
    });
  }

  for (const [name, qos] of [
    ['PUBACK', 2],
    ['PUBCOMP', 2],
    ['PUBCOMP', 1],
  ] as const) {
    test(`${name} does not acknowledge a message of QoS ${qos} that waits for another packet`, {
      4: [],
      5: [],
    }, async (t) => {
      const { client, clientId, packetId } = await underWay(t, qos);
      client.send(acknowledgementPacket(name, packetId));
      client.drop();
      await client.ended().catch(() => {}); // a broker may have ended it with a DISCONNECT
      const after = await t.connected(t.lasting(clientId), 'after');
      const again = await after.receive('PUBLISH');
      t.isMessage(again, t.topic(), 'under way', qos);
      t.equal(again.packetId, packetId, 'The packet id');
    });
  }
});
