import { type Connect, NEVER_EXPIRES, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const CLIENT = { clientId: 'client' };

/** A 5.0 CONNECT that asks for a session that lasts so many seconds. */
function expiring(sessionExpiryInterval: number, clean = false): Partial<Connect> {
  return { ...CLIENT, clean, properties: { sessionExpiryInterval } };
}

async function leave(client: TestClient): Promise<void> {
  client.disconnect();
  await client.expectClose();
}

describe('Session Present', () => {
  it.each([
    // [first clean, second clean, present]: 3.1.1 [MQTT-3.2.2-2] [MQTT-3.2.2-3]
    [4, { clean: true }, { clean: true }, false],
    [4, { clean: true }, { clean: false }, false],
    [4, { clean: false }, { clean: true }, false],
    [4, { clean: false }, { clean: false }, true],
    [5, { clean: true }, { clean: false }, false],
    [5, expiring(0), expiring(100), false],
    [5, expiring(100, true), expiring(0), true],
    [5, expiring(100), expiring(100, true), false],
    [5, expiring(100), { clean: false }, true],
    [5, expiring(NEVER_EXPIRES), expiring(100), true],
  ] as const)('of version %i after %j and %j is %s', async (version, first, second, present) => {
    const test = new TestBroker();
    const before = test.client(version);
    expect((await before.connect({ ...CLIENT, ...first })).sessionPresent).toBe(false);
    await before.subscribe('t', 1);
    await leave(before);
    const after = test.client(version);
    expect((await after.connect({ ...CLIENT, ...second })).sessionPresent).toBe(present);
    // The flag tells the truth: subscriptions are there, or they are not. [MQTT-3.1.2-4] [MQTT-3.1.2-5]
    await test.broker.publish('t', 'x', { qos: 1 });
    if (present) expect((await takeMessage(after)).text).toBe('x');
    await after.expectNothing();
  });

  it('is not told to 3.1 clients, which get their session all the same', async () => {
    const test = new TestBroker();
    const before = await test.connected('client', 3, { clean: false });
    await before.subscribe('t', 1);
    await leave(before);
    const after = test.client(3);
    expect((await after.connect({ ...CLIENT, clean: false })).sessionPresent).toBe(false);
    await test.broker.publish('t', 'x', { qos: 1 });
    expect((await takeMessage(after)).text).toBe('x');
  });

  it.each([
    [4, 5],
    [5, 4],
    [3, 5],
  ] as const)('is set when a version %i session goes on with version %i', async (from, to) => {
    const test = new TestBroker();
    const before = test.client(from);
    await before.connect(from === 5 ? expiring(NEVER_EXPIRES) : { ...CLIENT, clean: false });
    await before.subscribe('t', 1);
    await leave(before);
    await test.broker.publish('t', 'waiting', { qos: 1, properties: { contentType: 'text' } });
    const after = test.client(to);
    const request = to === 5 ? expiring(100) : { ...CLIENT, clean: false };
    expect((await after.connect(request)).sessionPresent).toBe(true);
    const message = await takeMessage(after);
    expect(message.text).toBe('waiting');
    expect(message.properties?.contentType).toBe(to === 5 ? 'text' : undefined);
  });
});

describe('session expiry', () => {
  it('ends a session when its time without connection is over, and not before [MQTT-4.1.0-2]', async () => {
    const test = new TestBroker();
    for (const [awayMs, present] of [
      [99_000, true],
      [100_500, false],
    ] as const) {
      const before = test.client(5);
      await before.connect(expiring(100));
      await leave(before);
      test.clock.advance(awayMs);
      expect(test.broker.gauges.sessions).toBe(present ? 1 : 0);
      const after = test.client(5);
      expect((await after.connect(expiring(100))).sessionPresent).toBe(present);
      await leave(after);
    }
  });

  it('does not run while the client is connected [MQTT-4.1.0-1]', async () => {
    const test = new TestBroker();
    const client = test.client(5);
    await client.connect(expiring(10));
    test.clock.advance(60_000);
    await client.expectNothing();
    await leave(client);
    test.clock.advance(9000);
    expect(test.broker.gauges.sessions).toBe(1);
    const again = test.client(5);
    expect((await again.connect(expiring(10))).sessionPresent).toBe(true);
    // The clock that ran stands again.
    test.clock.advance(60_000);
    await again.expectNothing();
    expect(test.broker.gauges.sessions).toBe(1);
  });

  it('frees what belonged to the session', async () => {
    const test = new TestBroker();
    const client = test.client(5);
    await client.connect(expiring(10));
    await client.subscribe([{ filter: 't' }, { filter: '$share/g/t' }], 1);
    await leave(client);
    await test.broker.publish('t', 'x', { qos: 1 });
    expect(test.store.storedMessages).toBeGreaterThan(0);
    test.clock.advance(11_000);
    expect(test.broker.gauges).toMatchObject({ sessions: 0, subscriptions: 0 });
    expect(test.store.storedMessages).toBe(0);
    expect([...test.store.sessions()]).toEqual([]);
    expect(test.broker.counters.sessionsExpired).toBe(1);
    expect(test.log.lines.join('\n')).toContain('Session of client client expired');
  });

  it.each([
    ['0xFFFFFFFF', 5, expiring(NEVER_EXPIRES)],
    ['Clean Session 0', 4, { ...CLIENT, clean: false }],
  ] as const)('never comes with %s', async (_name, version, connect) => {
    const test = new TestBroker();
    const client = test.client(version);
    await client.connect(connect);
    await leave(client);
    test.clock.advance(24 * 3600 * 1000);
    expect(test.broker.gauges.sessions).toBe(1);
  });

  it('is cut to what the server grants, and the client is told', async () => {
    const test = new TestBroker({ settings: { maxSessionExpiryS: 60 } });
    const client = test.client(5);
    expect((await client.connect(expiring(100))).properties?.sessionExpiryInterval).toBe(60);
    await leave(client);
    test.clock.advance(61_000);
    expect(test.broker.gauges.sessions).toBe(0);
    const content = test.client(5);
    expect((await content.connect(expiring(50))).properties?.sessionExpiryInterval).toBeUndefined();
  });

  it('bounds the sessions of 3.1.1 clients in the same way', async () => {
    const test = new TestBroker({ settings: { maxSessionExpiryS: 60 } });
    const client = test.client(4);
    await client.connect({ ...CLIENT, clean: false });
    await leave(client);
    test.clock.advance(61_000);
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('is that of the last CONNECT', async () => {
    const test = new TestBroker();
    const before = test.client(5);
    await before.connect(expiring(1000));
    await leave(before);
    const after = test.client(5);
    await after.connect(expiring(10));
    await leave(after);
    test.clock.advance(11_000);
    expect(test.broker.gauges.sessions).toBe(0);
  });
});

describe('a lasting session that is resumed as one that ends with its connection', () => {
  it('goes with all that the store had of it', async () => {
    const test = new TestBroker();
    const before = test.client(5);
    await before.connect(expiring(100));
    await before.subscribe('t', 2);
    await leave(before);
    for (const qos of [1, 2, 1] as const) await test.broker.publish('t', 'x', { qos });
    const after = test.client(5);
    expect((await after.connect(expiring(0))).sessionPresent).toBe(true);
    after.publish('elsewhere', 'x', { qos: 2 });
    await takeMessage(after);
    await leave(after);
    expect(test.broker.gauges).toMatchObject({ sessions: 0, subscriptions: 0 });
    expect([...test.store.sessions()]).toEqual([]);
    expect(test.store.storedMessages).toBe(0);
  });
});

describe('DISCONNECT with a session expiry interval', () => {
  async function left(connectS: number, disconnectS: number): Promise<{ test: TestBroker; client: TestClient }> {
    const test = new TestBroker();
    const client = test.client(5);
    await client.connect(expiring(connectS));
    client.send({
      type: PacketType.DISCONNECT,
      reasonCode: 0,
      properties: { sessionExpiryInterval: disconnectS },
    });
    await client.expectClose();
    return { test, client };
  }

  it('makes the session last longer', async () => {
    const { test } = await left(10, 100);
    test.clock.advance(99_000);
    expect(test.broker.gauges.sessions).toBe(1);
    test.clock.advance(2000);
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('of 0 ends the session at once', async () => {
    const { test } = await left(10, 0);
    expect(test.broker.gauges.sessions).toBe(0);
    expect([...test.store.sessions()]).toEqual([]);
  });

  it('is a protocol error where CONNECT said 0: the session ends', async () => {
    const { test, client } = await left(0, 10);
    const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    expect(properties?.reasonString).toContain('session expiry');
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('of 0 is no error where CONNECT said 0', async () => {
    const { client } = await left(0, 0);
    expect(client.inbox).toEqual([]);
  });

  it('is bounded as in CONNECT', async () => {
    const test = new TestBroker({ settings: { maxSessionExpiryS: 60 } });
    const client = test.client(5);
    await client.connect(expiring(10));
    client.send({ type: PacketType.DISCONNECT, reasonCode: 0, properties: { sessionExpiryInterval: 1000 } });
    await client.expectClose();
    test.clock.advance(61_000);
    expect(test.broker.gauges.sessions).toBe(0);
  });
});

describe('a second connection of the same client', () => {
  it.each([
    [4, 5],
    [5, 4],
    [5, 5],
    [4, 4],
  ] as const)('takes over from version %i with version %i [MQTT-3.1.4-3]', async (from, to) => {
    const test = new TestBroker();
    const first = test.client(from);
    await first.connect(from === 5 ? expiring(100) : { ...CLIENT, clean: false });
    await first.subscribe('t', 1);
    const second = test.client(to);
    const request = to === 5 ? expiring(100) : { ...CLIENT, clean: false };
    expect((await second.connect(request)).sessionPresent).toBe(true);
    if (from === 5) {
      const { reasonCode, properties } = await first.expect(PacketType.DISCONNECT);
      expect(reasonCode).toBe(ReasonCode.SESSION_TAKEN_OVER);
      expect(properties?.reasonString).toBe('session taken over');
    }
    await first.expectClose();
    expect(first.inbox).toEqual([]);
    await test.broker.publish('t', 'x', { qos: 1 });
    expect((await takeMessage(second)).text).toBe('x');
    expect(test.broker.gauges).toMatchObject({ sessions: 1, clientsConnected: 1 });
  });

  it('gets what the first one had in flight', async () => {
    const test = new TestBroker();
    const first = await test.connected('client', 4, { clean: false });
    await first.subscribe('t', 1);
    await test.broker.publish('t', 'x', { qos: 1 });
    const { packetId } = await first.expectMessage();
    const second = await test.connected('client', 4, { clean: false });
    expect(await second.expectMessage()).toMatchObject({ packetId, text: 'x', dup: true });
  });

  it('finds no session where the first one was not to last', async () => {
    const test = new TestBroker();
    const first = await test.connected('client', 5);
    await first.subscribe('t');
    const second = test.client(5);
    expect((await second.connect(expiring(100))).sessionPresent).toBe(false);
    await test.broker.publish('t', 'x');
    await second.expectNothing();
  });

  it('is not ended by what the first one still sends', async () => {
    const test = new TestBroker();
    const first = await test.connected('client', 4, { clean: false });
    const second = await test.connected('client', 4, { clean: false });
    first.disconnect();
    await first.expectClose();
    await second.expectNothing();
    expect(test.broker.gauges.clientsConnected).toBe(1);
  });

  it('is only one of the same id: ids differ by case', async () => {
    const test = new TestBroker();
    const lower = await test.connected('client');
    await test.connected('Client');
    await lower.expectNothing();
  });
});
