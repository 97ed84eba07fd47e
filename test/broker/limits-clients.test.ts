import { type Connect, ConnectReturnCode, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

function lasting(version: ProtocolVersion, expiryS = 1000): Partial<Connect> {
  return version === 5 ? { clean: false, properties: { sessionExpiryInterval: expiryS } } : { clean: false };
}

/** The client goes away, and the broker has noticed. */
async function leave(client: TestClient): Promise<void> {
  client.cut();
  await client.expectClose();
}

describe('global_max_clients', () => {
  it.each([
    [3, ConnectReturnCode.SERVER_UNAVAILABLE],
    [4, ConnectReturnCode.SERVER_UNAVAILABLE],
    [5, ReasonCode.SERVER_BUSY],
  ] as const)('counts sessions of clients that are away, and refuses new ones (version %i)', async (version, code) => {
    const test = new TestBroker({ settings: { maxClients: 2 } });
    await leave(await test.connected('away', 4, lasting(4)));
    const here = await test.connected('here', 4);
    const refused = await test.client(version).connect({ clientId: 'new', ...lasting(version) });
    expect(refused.reasonCode).toBe(code);
    if (version === 5) expect(refused.properties?.reasonString).toBe('global_max_clients is 2');
    expect(test.log.lines.join('\n')).toContain('global_max_clients is 2');
    expect(test.broker.gauges.sessions).toBe(2);
    here.disconnect();
    await here.expectClose();
    expect((await test.client(version).connect({ clientId: 'new' })).reasonCode).toBe(0);
  });

  it('lets clients with a session in again, with it or with a new one, also while they are connected', async () => {
    const test = new TestBroker({ settings: { maxClients: 2 } });
    const first = await test.connected('first', 4, lasting(4));
    await first.subscribe('t', 1);
    await test.connected('second');
    const again = test.client(4);
    expect(await again.connect({ clientId: 'first', clean: false })).toMatchObject({
      reasonCode: 0,
      sessionPresent: true,
    });
    await test.broker.publish('t', 'x', { qos: 1 });
    expect(await takeTexts(again, 1)).toEqual(['x']);
    await leave(again);
    expect((await test.client(5).connect({ clientId: 'first', clean: true })).reasonCode).toBe(0);
    expect(test.broker.gauges.sessions).toBe(2);
  });

  it('that was lowered ends no session that is there', async () => {
    const test = new TestBroker();
    const first = await test.connected('first', 4, lasting(4));
    await test.connected('second');
    test.broker.settings.maxClients = 1;
    test.broker.settingsChanged();
    await first.expectNothing();
    await leave(first);
    expect((await test.client().connect({ clientId: 'first', clean: false })).reasonCode).toBe(0);
    expect((await test.client().connect({ clientId: 'third' })).reasonCode).toBe(ConnectReturnCode.SERVER_UNAVAILABLE);
  });
});

describe('persistent_client_expiration', () => {
  it.each([3, 4, 5] as const)('ends sessions of clients that were away for so long (version %i)', async (version) => {
    const test = new TestBroker({ settings: { maxSessionExpiryS: 3600 } });
    await leave(await test.connected('client', version, lasting(version, 0xffff_ffff)));
    test.clock.advance(3_599_000);
    expect(test.broker.gauges.sessions).toBe(1);
    test.clock.advance(2000);
    expect(test.broker.gauges.sessions).toBe(0);
    expect(test.broker.counters.sessionsExpired).toBe(1);
  });

  it('holds for those that go away after it was set, whatever they were granted', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 4, lasting(4));
    test.broker.settings.maxSessionExpiryS = 60;
    test.broker.settingsChanged();
    test.clock.advance(61_000);
    expect(test.broker.gauges.sessions).toBe(1);
    await leave(client);
    test.clock.advance(61_000);
    expect(test.broker.gauges.sessions).toBe(0);
  });

  it('holds after a restart for those that are away already, from the moment when they went', async () => {
    const settings = { maxSessionExpiryS: Number.POSITIVE_INFINITY };
    const test = new TestBroker({ settings });
    for (const clientId of ['early', 'late']) {
      await leave(await test.connected(clientId, 4, lasting(4)));
      test.clock.advance(40_000);
    }
    settings.maxSessionExpiryS = 60;
    test.restart();
    test.clock.advance(200);
    expect(test.log.lines.filter((line) => line.includes('expired'))).toEqual(['Session of client early expired.']);
    test.clock.advance(60_000);
    expect(test.broker.gauges.sessions).toBe(0);
  });
});
