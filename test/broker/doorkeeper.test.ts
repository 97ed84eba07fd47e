import type { Admission, Caller, Denial, Doorkeeper } from '@cauldron/broker';
import { ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const BANNED: Denial = { reasonCode: ReasonCode.BANNED, reason: 'banned', rule: 'a ban of this test' };

/** Turns away whom a test names. */
class Door implements Doorkeeper {
  readonly addresses = new Set<string>();
  readonly tried = new Set<string>();
  readonly unwanted = new Set<string>();
  readonly outcomes: string[] = [];

  mayCome(address: string): Denial | null {
    return this.addresses.has(address) ? BANNED : null;
  }

  mayTry({ clientId }: Caller): Denial | null {
    return this.tried.has(clientId) ? BANNED : null;
  }

  mayStay({ username }: Caller): Denial | null {
    return username !== undefined && this.unwanted.has(username) ? BANNED : null;
  }

  succeeded({ username, address }: Caller): void {
    this.outcomes.push(`${username} at ${address} succeeded`);
  }

  failed({ username, address }: Caller): void {
    this.outcomes.push(`${username} at ${address} failed`);
  }
}

function brokerWith(door: Door, answer?: (username: string | undefined) => Admission): TestBroker {
  const admitted = (username: string | undefined): Admission => ({ admitted: true, username, rule: 'the test' });
  return new TestBroker({
    doorkeeper: door,
    authenticator: { authenticate: ({ username }) => (answer ?? admitted)(username) },
  });
}

describe('who keeps the door', () => {
  it('turns away an address before anything is read from it', async () => {
    const door = new Door();
    const broker = brokerWith(door);
    door.addresses.add('127.0.0.1');
    const client = broker.client(5);
    await client.expectClose();
    expect(client.inbox).toEqual([]);
    expect(broker.log.lines.some((line) => line.includes('a ban of this test'))).toBe(true);
  });

  it.each([
    [5, ReasonCode.BANNED],
    [4, ConnectReturnCode.NOT_AUTHORIZED],
  ] as const)('turns away a client of version %i at its CONNECT, with %i', async (version, reasonCode) => {
    const door = new Door();
    door.tried.add('a');
    let asked = 0;
    const broker = brokerWith(door, (username) => {
      asked++;
      return { admitted: true, username, rule: 'the test' };
    });
    expect(await broker.client(version).connect({ clientId: 'a' })).toMatchObject({ reasonCode });
    expect(asked).toBe(0);
    expect(broker.broker.counters.connectionsRefused).toBe(1);
  });

  it('is asked again about the name that a client turns out to have', async () => {
    const door = new Door();
    door.unwanted.add('real');
    const broker = brokerWith(door, () => ({ admitted: true, username: 'real', rule: 'a token' }));
    const connack = await broker.client(5).connect({ clientId: 'a', username: 'claimed' });
    expect(connack).toMatchObject({ reasonCode: ReasonCode.BANNED });
  });

  it('ends connections of those who may not stay any more, and no others', async () => {
    const door = new Door();
    const broker = brokerWith(door);
    const eve = await broker.connected('eve', 5, { username: 'eve' });
    const fred = await broker.connected('fred', 5, { username: 'fred' });
    door.unwanted.add('eve');
    expect(broker.broker.reviewClients()).toBe(1);
    // 0x8A is for CONNACK alone.
    expect(await eve.expect(PacketType.DISCONNECT)).toMatchObject({
      reasonCode: ReasonCode.ADMINISTRATIVE_ACTION,
      properties: { reasonString: 'banned' },
    });
    await eve.expectClose();
    await fred.settle();
    expect(fred.closed).toBe(false);
  });

  it('hears how attempts have ended, but not of those without credentials, and of those that nobody looked at', async () => {
    const door = new Door();
    const refused = (reasonCode: ReasonCode): Admission => {
      return { admitted: false, reasonCode, reason: 'no', rule: 'the test' };
    };
    const broker = brokerWith(door, (username) => {
      if (username === 'away') return refused(ReasonCode.SERVER_UNAVAILABLE);
      return username === 'good'
        ? { admitted: true, username, rule: 'the test' }
        : refused(ReasonCode.BAD_USER_NAME_OR_PASSWORD);
    });
    for (const username of ['good', 'bad', 'away', undefined]) {
      await broker.client(5).connect({ clientId: 'a', ...(username !== undefined && { username }) });
    }
    expect(door.outcomes).toEqual(['good at 127.0.0.1 succeeded', 'bad at 127.0.0.1 failed']);
  });
});
