import { PacketType } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

describe('a subscription of the program that embeds the broker', () => {
  it('gets retained messages, then those of clients and of the program itself, until it is ended', async () => {
    const test = new TestBroker();
    await test.broker.publish('t/retained', 'old', { retain: true });
    const seen: string[] = [];
    const end = test.broker.subscribe('t/#', ({ topic, payload }) => seen.push(`${topic} ${text(payload)}`));
    const client = await test.connected('client');
    client.publish('t/client', 'hello');
    await client.expectNothing();
    await test.broker.publish('t/program', 'hi');
    end();
    await test.broker.publish('t/program', 'unheard');
    expect(seen).toEqual(['t/retained old', 't/client hello', 't/program hi']);
  });

  it('may keep what it gets: a later read does not write over it', async () => {
    const test = new TestBroker();
    const payloads: Uint8Array[] = [];
    test.broker.subscribe('#', ({ payload }) => payloads.push(payload));
    const client = await test.connected('client');
    client.publish('t', 'first');
    await client.expectNothing();
    client.publish('t', 'other');
    await client.expectNothing();
    expect(payloads.map(text)).toEqual(['first', 'other']);
  });

  it('harms nobody when its handler throws: the error is logged', async () => {
    const test = new TestBroker();
    test.broker.subscribe('t', () => {
      throw new Error('a fault of the program');
    });
    const subscriber = await test.connected('subscriber');
    await subscriber.subscribe('t');
    const client = await test.connected('client');
    const packetId = client.publish('t', 'x', { qos: 1 });
    expect(await client.expect(PacketType.PUBACK)).toMatchObject({ packetId });
    expect(await subscriber.expectMessage()).toMatchObject({ text: 'x' });
    expect(test.log.lines).toContainEqual(expect.stringContaining('a fault of the program'));
  });
});
