import { PacketType, type ProtocolVersion } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

/** CONNECT of a bridge, byte by byte: the top bit of its protocol version is set. */
const CONNECT_OF_BRIDGE = {
  3: '10 14 0006 4d5149736470 83 02 003c 0006 627269646765',
  4: '10 12 0004 4d515454 84 02 003c 0006 627269646765',
} as const;

async function bridge(test: TestBroker, version: 3 | 4): Promise<TestClient> {
  const client = test.client(version);
  client.sendBytes(Buffer.from(CONNECT_OF_BRIDGE[version].replaceAll(' ', ''), 'hex'));
  expect(await client.expect(PacketType.CONNACK)).toMatchObject({ reasonCode: 0, sessionPresent: false });
  return client;
}

describe.each([3, 4] as const)('a client of version %i that calls itself a bridge', (version) => {
  it('gets in, and is called so in the log', async () => {
    const test = new TestBroker();
    await bridge(test, version);
    expect(test.log.lines.join('\n')).toMatch(/New bridge connected from .* as bridge \(/);
  });

  it('gets messages with RETAIN as they were published', async () => {
    const test = new TestBroker();
    const client = await bridge(test, version);
    await client.subscribe('#', 1);
    const publisher = await test.connected('publisher');
    for (const retain of [true, false]) {
      await publishThrough(publisher, 'x', 'y', { qos: 1, retain });
      expect(await takeMessage(client)).toMatchObject({ retain });
    }
  });

  it.each([0, 1, 2] as const)('does not get back what it brought, with QoS %i', async (qos) => {
    const test = new TestBroker();
    const client = await bridge(test, version);
    await client.subscribe('#', 2);
    const other = await test.connected('other');
    await other.subscribe('#', 2);
    for (let i = 0; i < 3; i++) {
      await publishThrough(client, 'x', 'y', { qos });
      await takeMessage(other);
    }
    await client.expectNothing();
  });

  it('does not get back its retained message when it subscribes', async () => {
    const test = new TestBroker();
    const client = await bridge(test, version);
    await publishThrough(client, 'mine', 'x', { retain: true, qos: 1 });
    await publishThrough(await test.connected('other'), 'theirs', 'x', { retain: true, qos: 1 });
    await client.subscribe('#');
    expect(await takeMessage(client)).toMatchObject({ topic: 'theirs', retain: true });
    await client.expectNothing();
  });

  it('tells whether it is connected, below $SYS', async () => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher');
    await watcher.subscribe('$SYS/broker/connection/#', 1);
    const client = await bridge(test, version);
    await publishThrough(client, '$SYS/broker/connection/name/state', '1', { qos: 1, retain: true });
    expect(await takeMessage(watcher)).toMatchObject({ topic: '$SYS/broker/connection/name/state', text: '1' });
  });
});

it.each([3, 4] as ProtocolVersion[])('any other client of version %i gets back what it sent', async (version) => {
  const test = new TestBroker();
  const client = await test.connected('plain', version);
  await client.subscribe('#');
  client.publish('x', 'y', { retain: true });
  expect(await takeMessage(client)).toMatchObject({ topic: 'x', retain: false });
});
