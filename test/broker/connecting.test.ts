import { DEFAULT_LISTENER } from '@cauldron/broker';
import { ConnectReturnCode, PacketType, type ProtocolVersion, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

describe('keep-alive', () => {
  async function connected(
    version: ProtocolVersion,
    keepAlive: number,
    maxKeepAliveS = 0,
  ): Promise<{ test: TestBroker; client: TestClient }> {
    const test = new TestBroker({ settings: { maxKeepAliveS } });
    const client = await test.connected('client', version, { keepAlive });
    return { test, client };
  }

  it.each([3, 4, 5] as const)(
    'ends a silent connection after one and a half times its length, version %i [MQTT-3.1.2-22]',
    async (version) => {
      const { test, client } = await connected(version, 10);
      test.clock.advance(14_900);
      expect(test.broker.gauges.clientsConnected).toBe(1);
      test.clock.advance(400);
      expect(test.broker.gauges.clientsConnected).toBe(0);
      if (version === 5) {
        const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
        expect(reasonCode).toBe(ReasonCode.KEEP_ALIVE_TIMEOUT);
        expect(properties?.reasonString).toBe('exceeded timeout');
      }
      await client.expectClose();
      expect(test.log.lines.join('\n')).toContain('disconnected: exceeded timeout');
    },
  );

  it('counts from the last thing that was heard, whatever it was', async () => {
    const { test, client } = await connected(4, 10);
    for (let i = 0; i < 5; i++) {
      test.clock.advance(14_000);
      if (i % 2 === 0) client.publish('t', 'x');
      await client.expectNothing();
    }
    test.clock.advance(16_000);
    await client.expectClose();
  });

  it('is not kept up by what the broker sends', async () => {
    const { test, client } = await connected(4, 10);
    await client.subscribe('t');
    for (let i = 0; i < 4; i++) {
      test.clock.advance(4000);
      await test.broker.publish('t', 'x');
    }
    await client.expectClose();
  });

  it('of 0 lets a client be silent for ever', async () => {
    const { test, client } = await connected(4, 0);
    test.clock.advance(24 * 3600 * 1000);
    await client.expectNothing();
  });

  it('is the server’s where max_keepalive is shorter, and 5.0 clients are told [MQTT-3.1.2-21]', async () => {
    for (const [asked, told] of [
      [100, 60],
      [0, 60],
      [30, undefined],
    ] as const) {
      const test = new TestBroker({ settings: { maxKeepAliveS: 60 } });
      const client = test.client(5);
      const connack = await client.connect({ keepAlive: asked });
      expect(connack.properties?.serverKeepAlive).toBe(told);
      test.clock.advance((told ?? asked) * 1500 + 500);
      expect((await client.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.KEEP_ALIVE_TIMEOUT);
    }
  });

  it.each([0, 100])('of %i s refuses a 3.1.1 client where max_keepalive is shorter', async (keepAlive) => {
    const test = new TestBroker({ settings: { maxKeepAliveS: 60 } });
    const client = test.client(4);
    expect((await client.connect({ keepAlive })).reasonCode).toBe(ConnectReturnCode.IDENTIFIER_REJECTED);
    await client.expectClose();
  });
});

describe('the time limit to CONNECT', () => {
  it('ends connections that say nothing, or not enough, without an answer', async () => {
    const test = new TestBroker({ settings: { connectTimeoutMs: 5000 } });
    const silent = test.client();
    const slow = test.client();
    slow.sendBytes(Uint8Array.of(0x10, 20, 0, 4));
    const other = await test.connected('other');
    await other.expectNothing();
    test.clock.advance(4800);
    expect(test.broker.gauges.connections).toBe(3);
    test.clock.advance(400);
    for (const client of [silent, slow]) {
      await client.expectClose();
      expect(client.inbox).toEqual([]);
    }
    await other.expectNothing();
    expect(test.log.lines.join('\n')).toContain('connect_timeout');
  });
});

describe('client ids', () => {
  it.each([
    [4, true],
    [5, true],
    [5, false],
  ] as const)(
    'are made by the broker where a version %i client with clean %s has none [MQTT-3.1.3-6]',
    async (version, clean) => {
      const test = new TestBroker();
      const listener = { ...DEFAULT_LISTENER, assignedClientIdPrefix: 'made-' };
      const ids = new Set<string>();
      test.broker.on('connect', ({ clientId }) => ids.add(clientId));
      for (let i = 0; i < 3; i++) {
        const { reasonCode, properties } = await test.client(version, listener).connect({ clientId: '', clean });
        expect(reasonCode).toBe(0);
        // [MQTT-3.1.3-7] [MQTT-3.2.2-16]
        expect(properties?.assignedClientIdentifier).toBe(version === 5 ? [...ids].at(-1) : undefined);
      }
      expect(ids.size).toBe(3);
      for (const id of ids) expect(id).toMatch(/^made-[0-9a-f]{32}$/);
    },
  );

  it('that the broker made belong to their session: the client resumes it with that id', async () => {
    const test = new TestBroker();
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const first = test.client(5);
    const { properties } = await first.connect({ clientId: '', ...lasting });
    first.cut();
    const clientId = properties?.assignedClientIdentifier ?? '';
    const again = await test.client(5).connect({ clientId, ...lasting });
    expect(again.sessionPresent).toBe(true);
    expect(again.properties?.assignedClientIdentifier).toBeUndefined();
  });

  it.each([
    [3, true, true],
    [3, false, true],
    [4, false, true],
    [4, true, false],
    [5, true, false],
  ] as const)(
    'must be there for version %i, clean %s, allow_zero_length_clientid %s [MQTT-3.1.3-8]',
    async (version, clean, allowEmptyClientId) => {
      const test = new TestBroker();
      const client = test.client(version, { ...DEFAULT_LISTENER, allowEmptyClientId });
      const { reasonCode, properties } = await client.connect({ clientId: '', clean });
      if (version === 5) {
        expect(reasonCode).toBe(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID);
        expect(properties?.reasonString).toContain('allow_zero_length_clientid');
      } else expect(reasonCode).toBe(ConnectReturnCode.IDENTIFIER_REJECTED);
      await client.expectClose();
      expect(test.broker.gauges.sessions).toBe(0);
    },
  );

  it.each(['0aZ', 'x'.repeat(23), 'a/b+c#', 'ü日本', '$SYS', 'x'.repeat(5000)])(
    'may be %s [MQTT-3.1.3-5]',
    async (clientId) => {
      const test = new TestBroker();
      for (const version of [3, 4, 5] as const) {
        expect((await test.client(version).connect({ clientId })).reasonCode).toBe(0);
      }
    },
  );
});

describe('CONNACK', () => {
  it('says nothing that a 5.0 client would assume anyway', async () => {
    const settings = { maximumPacketSize: Number.POSITIVE_INFINITY, maxInflightMessages: 65_535 };
    const test = new TestBroker({ settings });
    const client = test.client(5, { ...DEFAULT_LISTENER, maxTopicAliasesFromClient: 0 });
    expect((await client.connect()).properties ?? {}).toEqual({});
  });

  it('names the limits that differ', async () => {
    const test = new TestBroker({
      settings: { maximumPacketSize: 5000, maxInflightMessages: 9, retainAvailable: false },
    });
    const client = test.client(5, { ...DEFAULT_LISTENER, maximumQoS: 0, maxTopicAliasesFromClient: 3 });
    expect((await client.connect()).properties).toEqual({
      maximumPacketSize: 5000,
      receiveMaximum: 9,
      retainAvailable: 0,
      maximumQoS: 0,
      topicAliasMaximum: 3,
    });
  });

  it.each([
    [undefined, undefined],
    [0, undefined],
    [1, 'answers/client/'],
  ] as const)(
    'gives response information only to who asks: %s [MQTT-3.1.2-28]',
    async (requestResponseInformation, told) => {
      const test = new TestBroker({ settings: { responseTopicPrefix: 'answers/' } });
      const properties = requestResponseInformation === undefined ? {} : { requestResponseInformation };
      const connack = await test.client(5).connect({ clientId: 'client', properties });
      expect(connack.properties?.responseInformation).toBe(told);
    },
  );

  it('is the only one, and comes first, however much follows CONNECT [MQTT-3.2.0-1] [MQTT-3.2.0-2]', async () => {
    const test = new TestBroker();
    const lasting = { clean: false };
    const before = await test.connected('client', 4, lasting);
    await before.subscribe('t', 1);
    before.cut();
    await before.expectClose();
    await test.broker.publish('t', 'waiting', { qos: 1 });
    const after = test.client(4);
    const connack = after.connect({ clientId: 'client', ...lasting });
    after.publish('t', 'own', { qos: 0 });
    await connack;
    expect((await after.expectMessage()).text).toBe('waiting');
    expect((await after.expectMessage()).text).toBe('own');
    await after.expectNothing();
  });
});

describe('a protocol version that the listener does not take', () => {
  it.each([3, 4, 5] as const)('is refused: %i', async (version) => {
    const test = new TestBroker();
    const acceptedVersions = ([3, 4, 5] as const).filter((accepted) => accepted !== version);
    const client = test.client(version, { ...DEFAULT_LISTENER, acceptedVersions });
    const { reasonCode, properties } = await client.connect();
    expect(reasonCode).toBe(
      version === 5 ? ReasonCode.UNSUPPORTED_PROTOCOL_VERSION : ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
    );
    if (version === 5) expect(properties?.reasonString).toContain('accept_protocol_versions');
    await client.expectClose();
  });
});

describe('enhanced authentication', () => {
  it('is refused with 0x8C and a reason: no method is offered [MQTT-4.12.0-1]', async () => {
    const test = new TestBroker();
    const client = test.client(5);
    const { reasonCode, properties } = await client.connect({ properties: { authenticationMethod: 'SCRAM-SHA-1' } });
    expect(reasonCode).toBe(ReasonCode.BAD_AUTHENTICATION_METHOD);
    expect(properties?.reasonString).toContain('SCRAM-SHA-1');
    expect(properties?.authenticationMethod).toBeUndefined();
    await client.expectClose();
  });

  it('cannot begin later: AUTH is a protocol error [MQTT-4.12.0-6] [MQTT-4.12.0-7]', async () => {
    const test = new TestBroker();
    const client = await test.connected('client', 5);
    client.send({
      type: PacketType.AUTH,
      reasonCode: ReasonCode.REAUTHENTICATE,
      properties: { authenticationMethod: 'SCRAM-SHA-1' },
    });
    const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
    expect(reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    expect(properties?.reasonString).toContain('AUTH');
    await client.expectClose();
  });

  it('cannot begin before CONNECT, and is no packet of 3.1.1', async () => {
    const test = new TestBroker();
    const early = test.client(5);
    early.sendBytes(Uint8Array.of(0xf0, 0));
    await early.expectClose();
    const old = await test.connected('old', 4);
    old.sendBytes(Uint8Array.of(0xf0, 0));
    await old.expectClose();
    expect([...early.inbox, ...old.inbox]).toEqual([]);
  });
});
