import type { Admission, Authenticator } from '@cauldron/broker';
import { PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

/** Lets everybody in for a minute. */
function forAMinute(clock: () => number, untilMs = () => clock() + 60_000): Authenticator {
  return {
    authenticate: ({ username }): Admission => ({ admitted: true, username, rule: 'a token', untilMs: untilMs() }),
  };
}

function brokerWith(untilMs?: () => number): TestBroker {
  const broker: TestBroker = new TestBroker({ authenticator: forAMinute(() => broker.clock.wallMs(), untilMs) });
  return broker;
}

describe('what let a client in and ends', () => {
  it('ends the connection then, and tells a 5.0 client why', async () => {
    const broker = brokerWith();
    const client = await broker.connected('a', 5);
    broker.clock.advance(59_000);
    await client.settle();
    expect(client.closed).toBe(false);
    broker.clock.advance(2000);
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({
      reasonCode: ReasonCode.NOT_AUTHORIZED,
      properties: { reasonString: 'the credentials have expired' },
    });
    await client.expectClose();
    expect(broker.log.lines.join('\n')).toContain('the credentials have expired');
  });

  it('ends a 3.1.1 connection without a word', async () => {
    const broker = brokerWith();
    const client = await broker.connected('a', 4);
    broker.clock.advance(61_000);
    await client.expectClose();
    expect(client.inbox).toEqual([]);
  });

  it('does not end a later connection of the client, which has a time of its own', async () => {
    const broker = brokerWith();
    const first = await broker.connected('a', 5);
    broker.clock.advance(30_000);
    const second = await broker.connected('a', 5);
    broker.clock.advance(31_000);
    await first.expectClose();
    await second.settle();
    expect(second.closed).toBe(false);
    broker.clock.advance(30_000);
    await second.expectClose();
  });

  it('ends at once if it is over already', async () => {
    const broker = brokerWith(() => 0);
    const client = await broker.connected('a', 5);
    broker.clock.advance(200);
    await client.expectClose();
  });

  it('never ends if its end is never', async () => {
    const broker = brokerWith(() => Number.POSITIVE_INFINITY);
    const client = await broker.connected('a', 5);
    broker.clock.advance(24 * 3_600_000);
    await client.settle();
    expect(client.closed).toBe(false);
  });
});
