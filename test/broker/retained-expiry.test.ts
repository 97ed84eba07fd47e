import { describe, expect, it } from 'vitest';
import { publishThrough } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const MINUTE_MS = 60_000;

/** A broker with retained messages: `count` that live for 30 s, some below `$`, and one that lives for ever. */
async function withMessages(retainExpiryIntervalMs: number, count = 3): Promise<TestBroker> {
  const test = new TestBroker({ settings: { retainExpiryIntervalMs } });
  const publisher = await test.connected('publisher', 5);
  publisher.acknowledgeAll();
  const properties = { messageExpiryInterval: 30 };
  for (let i = 0; i < count; i++) {
    const topic = i % 3 === 0 ? `$own/${i}` : `t/${i}`;
    publisher.publish(topic, 'x', { retain: true, properties });
  }
  await publishThrough(publisher, 't', 'for ever', { qos: 0, retain: true });
  await publisher.settle();
  return test;
}

describe('retain_expiry_interval', () => {
  it('removes retained messages that have expired, for which nobody asks, in memory and in the store', async () => {
    const test = await withMessages(MINUTE_MS);
    test.clock.advance(59_000);
    expect(test.broker.gauges.retained).toBe(4);
    test.clock.advance(2000);
    expect(test.broker.gauges.retained).toBe(1);
    expect([...test.store.retained()].map(({ topic }) => topic)).toEqual(['t']);
    expect(test.broker.counters.retainedExpired).toBe(3);
  });

  it('does so again and again, and leaves those alone that still live', async () => {
    const test = await withMessages(MINUTE_MS);
    const publisher = await test.connected('other', 5);
    publisher.publish('later', 'x', { retain: true, properties: { messageExpiryInterval: 90 } });
    await publisher.settle();
    test.clock.advance(61_000);
    expect(test.broker.gauges.retained).toBe(2);
    test.clock.advance(60_000);
    expect(test.broker.gauges.retained).toBe(1);
  });

  it('goes through many by slices, and stands changes meanwhile', async () => {
    const test = await withMessages(MINUTE_MS, 7000);
    test.clock.advance(60_050);
    const after = test.broker.gauges.retained;
    expect(after).toBeGreaterThan(1000);
    expect(after).toBeLessThan(7001);
    const publisher = await test.connected('other', 5);
    publisher.publish('t/6998', '', { retain: true });
    publisher.publish('t/6997', 'new', { retain: true });
    await publisher.settle();
    test.clock.advance(1000);
    expect(test.broker.gauges.retained).toBe(2);
  });

  it('0 leaves them until somebody asks for their topic', async () => {
    const test = await withMessages(0);
    test.clock.advance(10 * MINUTE_MS);
    expect(test.broker.gauges.retained).toBe(4);
    const client = await test.connected('client');
    await client.subscribe('t/#');
    expect((await client.expectMessage()).text).toBe('for ever');
    expect(test.broker.gauges.retained).toBe(2);
    expect(test.broker.counters.retainedExpired).toBe(2);
  });

  it('may be set while the broker runs', async () => {
    const test = await withMessages(0);
    test.clock.advance(10 * MINUTE_MS);
    test.broker.settings.retainExpiryIntervalMs = MINUTE_MS;
    test.clock.advance(1000);
    expect(test.broker.gauges.retained).toBe(1);
  });
});
