import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

/** More than one output chunk. */
const LARGE = 'x'.repeat(200_000);

describe('a message larger than an output chunk', () => {
  it.each([
    { version: 4, aliases: 0 },
    { version: 5, aliases: 0 },
    { version: 5, aliases: 3 },
  ] as const)('arrives whole, with what comes before and after it, at %o', async ({ version, aliases }) => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', version, {
      ...(aliases > 0 && { properties: { topicAliasMaximum: aliases } }),
    });
    await subscriber.subscribe('t/#', 2);
    const publisher = await test.connected('publisher', 4);
    for (const payload of ['before', LARGE, 'between', LARGE, 'after']) publisher.publish('t/x', payload);
    for (const payload of ['before', LARGE, 'between', LARGE, 'after']) {
      expect((await subscriber.expectMessage()).text).toBe(payload);
    }
  });

  it('arrives whole with each QoS', async () => {
    const test = new TestBroker();
    const subscriber = await test.connected('subscriber', 5, { properties: { topicAliasMaximum: 3 } });
    await subscriber.subscribe('t/#', 2);
    const publisher = await test.connected('publisher', 4);
    for (const qos of [0, 1, 2] as const) publisher.publish('t/x', LARGE, { qos });
    for (const qos of [0, 1, 2] as const) expect(await subscriber.expectMessage()).toMatchObject({ qos, text: LARGE });
  });
});
