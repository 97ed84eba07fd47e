import { PacketType, ReasonCode } from '@cauldron/codec';
import { beforeEach, describe, expect, it } from 'vitest';
import { publishThrough, takeMessage, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBREC } = PacketType;

const LASTING = { clean: false, properties: { sessionExpiryInterval: 100 } };

let test: TestBroker;
let publisher: TestClient;

beforeEach(async () => {
  test = new TestBroker();
  publisher = await test.connected('publisher', 5);
});

/** A client with a lasting session that is away. */
async function absent(clientId: string, filter: string): Promise<void> {
  const client = await test.connected(clientId, 5, LASTING);
  await client.subscribe(filter, 2);
  client.cut();
  await client.expectClose();
}

function linesAbout(text: string): string[] {
  return test.log.lines.filter((line) => line.includes(text));
}

describe('acknowledged messages that somebody does not get are counted and logged:', () => {
  it('those that outlived their message expiry interval', async () => {
    await absent('away', 't');
    const properties = { messageExpiryInterval: 10 };
    for (const text of ['1', '2']) await publishThrough(publisher, 't', text, { qos: 1, properties });
    await publishThrough(publisher, 't', '3', { qos: 1 });
    test.clock.advance(11_000);
    const away = await test.connected('away', 5, LASTING);
    expect((await takeMessage(away)).text).toBe('3');
    expect(test.broker.counters.publishExpired).toBe(2);
    expect(linesAbout('Dropping')).toEqual([
      "Dropping messages for client away: they waited for longer than their message expiry interval (topic 't').",
    ]);
  });

  it.each([
    ['expires', 3, 'The session of client away ended with 3 messages that were not delivered.'],
    ['expires', 1, 'The session of client away ended with a message that was not delivered.'],
    ['is begun anew by its client', 3, 'The session of client away ended with 3 messages that were not delivered.'],
  ])('those of a session that %s (%i)', async (how, count, line) => {
    await absent('away', 't');
    for (let i = 0; i < count; i++) await publishThrough(publisher, 't', 'x', { qos: i % 2 === 0 ? 1 : 2 });
    if (how === 'expires') test.clock.advance(101_000);
    else await test.connected('away', 5, { clean: true });
    expect(test.broker.counters.publishDiscarded).toBe(count);
    expect(linesAbout('not delivered')).toEqual([line]);
  });

  it('those in flight to such a session, but not those that its client has', async () => {
    const away = await test.connected('away', 5, LASTING);
    await away.subscribe('t', 2);
    for (const qos of [1, 2, 2] as const) await publishThrough(publisher, 't', 'x', { qos });
    await away.expectMessage();
    await away.expectMessage();
    const { packetId = 0 } = await away.expectMessage();
    away.acknowledge(PUBREC, packetId);
    await away.expect(PacketType.PUBREL);
    away.cut();
    await away.expectClose();
    test.clock.advance(101_000);
    expect(test.broker.counters.publishDiscarded).toBe(2);
  });

  it('not those that another member of a shared subscription gets instead', async () => {
    await absent('away', '$share/g/t');
    for (let i = 0; i < 3; i++) await publishThrough(publisher, 't', `${i}`, { qos: 1 });
    const other = await test.connected('other', 5, LASTING);
    await other.subscribe('$share/g/t', 1);
    test.clock.advance(101_000);
    expect(await takeTexts(other, 3)).toEqual(['0', '1', '2']);
    expect(test.broker.counters.publishDiscarded).toBe(0);
    expect(linesAbout('not delivered')).toEqual([]);
  });

  it('not those of a session that was to end with its connection', async () => {
    const client = await test.connected('client', 5);
    await client.subscribe('t', 1);
    await publishThrough(publisher, 't', 'x', { qos: 1 });
    await client.expectMessage();
    client.cut();
    await client.expectClose();
    expect(test.broker.counters.publishDiscarded).toBe(0);
  });

  it.each([
    [1, PUBACK],
    [2, PUBREC],
  ] as const)('those that their receiver refuses, QoS %i', async (qos, type) => {
    const client = await test.connected('client', 5, LASTING);
    await client.subscribe('t', 2);
    for (let i = 0; i < 2; i++) {
      await publishThrough(publisher, 't', 'x', { qos });
      const { packetId = 0 } = await client.expectMessage();
      client.acknowledge(type, packetId, ReasonCode.QUOTA_EXCEEDED);
      // Again, it says nothing new.
      client.acknowledge(type, packetId, ReasonCode.QUOTA_EXCEEDED);
    }
    await client.expectNothing();
    expect(test.broker.counters.publishRejected).toBe(2);
    expect(linesAbout('rejects')).toEqual(['Client client rejects messages: quota exceeded.']);
    expect(test.store.storedMessages).toBe(0);
  });

  it('each kind for itself, once a minute', async () => {
    test.broker.settings.maxQueuedMessages = 1;
    await absent('away', 't');
    const properties = { messageExpiryInterval: 10 };
    await publishThrough(publisher, 't', 'x', { qos: 1, properties });
    for (let i = 0; i < 3; i++) expect(await publishThrough(publisher, 't', 'x', { qos: 1 })).toBe(0x97);
    test.clock.advance(11_000);
    await test.connected('away', 5, LASTING);
    expect(linesAbout('Dropping')).toHaveLength(2);
    expect(test.broker.counters).toMatchObject({ publishDropped: 3, publishExpired: 1 });
  });
});
