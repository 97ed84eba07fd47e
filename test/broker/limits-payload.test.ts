import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBREC, PUBACK } = PacketType;

const settings = { maxPayloadBytes: 10 };
const LARGE = 'x'.repeat(11);

describe('message_size_limit', () => {
  it.each([
    [4, 0, 0],
    [4, 1, ReasonCode.SUCCESS],
    [4, 2, ReasonCode.SUCCESS],
    [5, 0, 0],
    [5, 1, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR],
    [5, 2, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR],
  ] as const)('drops larger payloads and completes the exchange (version %i, QoS %i)', async (version, qos, code) => {
    const test = new TestBroker({ settings });
    const watcher = await test.connected('watcher');
    await watcher.subscribe('t', 2);
    watcher.acknowledgeAll();
    const publisher = await test.connected('publisher', version);
    // From the second one on, the topic is known: messages may go another way through the broker.
    for (const round of [1, 2]) {
      expect(await publishThrough(publisher, 't', 'x'.repeat(10), { qos })).toBe(0);
      expect(await publishThrough(publisher, 't', LARGE, { qos })).toBe(code);
      await publisher.settle();
      await watcher.settle();
      const packets = watcher.inbox.splice(0).filter(({ type }) => type === PacketType.PUBLISH);
      expect(packets, `round ${round}`).toHaveLength(1);
    }
    expect(test.broker.counters.publishDropped).toBe(2);
    const lines = test.log.lines.filter((line) => line.includes('Denied PUBLISH from publisher'));
    expect(lines).toEqual(["Denied PUBLISH from publisher to 't': the payload has 11 bytes, message_size_limit is 10"]);
  });

  it('is what a 5.0 client is told in the reason string, and its id is free again', async () => {
    const test = new TestBroker({ settings });
    const publisher = await test.connected('publisher', 5);
    publisher.publish('t', LARGE, { qos: 2, packetId: 7 });
    const { properties } = await publisher.expect(PUBREC);
    expect(properties?.reasonString).toBe('the payload has 11 bytes, message_size_limit is 10');
    publisher.publish('t', 'small', { qos: 2, packetId: 7 });
    expect((await publisher.expect(PUBREC)).reasonCode).toBe(ReasonCode.SUCCESS);
  });

  it('holds for retained messages, which leave the one before in its place', async () => {
    const test = new TestBroker({ settings });
    const publisher = await test.connected('publisher');
    await publishThrough(publisher, 't', 'before', { qos: 1, retain: true });
    await publishThrough(publisher, 't', LARGE, { qos: 1, retain: true });
    await publisher.subscribe('t');
    expect((await publisher.expectMessage()).text).toBe('before');
  });

  it.each([
    [4, 5],
    [5, ReasonCode.PACKET_TOO_LARGE],
  ] as const)('refuses a client with a larger will (version %i)', async (version, code) => {
    const test = new TestBroker({ settings });
    const will = { topic: 'w', payload: Buffer.from(LARGE), qos: 0, retain: false } as const;
    const { reasonCode, properties } = await test.client(version).connect({ clientId: 'client', will });
    expect(reasonCode).toBe(code);
    if (version === 5) expect(properties?.reasonString).toContain('message_size_limit is 10');
    expect(test.log.lines.join('\n')).toContain('the will: the payload has 11 bytes, message_size_limit is 10');
  });

  it('that was lowered holds for wills of clients that are connected already', async () => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher');
    await watcher.subscribe('w');
    const will = { topic: 'w', payload: Buffer.from(LARGE), qos: 0, retain: false } as const;
    const client = await test.connected('client', 4, { will });
    test.broker.settings.maxPayloadBytes = 10;
    client.cut();
    await watcher.expectNothing();
    expect(test.broker.counters.publishDropped).toBe(1);
    expect(test.log.lines.join('\n')).toContain("Denied will of client client to 'w': the payload has 11 bytes");
  });

  it('does not bound what the embedding program publishes, nor what was taken before it was set', async () => {
    const test = new TestBroker();
    const publisher = await test.connected('publisher');
    publisher.publish('t', LARGE, { qos: 1, retain: true });
    await publisher.expect(PUBACK);
    test.broker.settings.maxPayloadBytes = 10;
    await test.broker.publish('own', LARGE, { retain: true });
    await publisher.subscribe('#');
    const texts = [(await publisher.expectMessage()).text, (await publisher.expectMessage()).text];
    expect(texts).toEqual([LARGE, LARGE]);
  });
});
