import { ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import {
  ConnectionClosed,
  ConnectionFailed,
  ConnectionLost,
  ConnectionRefused,
  ConnectTimeout,
  ServerDisconnected,
} from '../errors.js';
import type { ClientEvents } from '../events.js';
import { ScriptedNetwork } from '../scripted-network.test-support.js';
import { connack, failureOf, publish, turn } from '../scripted-server.test-support.js';

const { CONNACK, CONNECT, DISCONNECT, PUBLISH } = PacketType;
const R = ReasonCode;

/** What a network's client tells by one event. */
function told<Name extends keyof ClientEvents>(network: ScriptedNetwork, name: Name): ClientEvents[Name][] {
  const values: ClientEvents[Name][] = [];
  network.client.events.on(name, (value) => values.push(value));
  return values;
}

describe('a client whose connection ends', () => {
  it('makes another one, and says what becomes of it', async () => {
    const network = new ScriptedNetwork();
    const states = told(network, 'state');
    const offline = told(network, 'offline');
    const online = told(network, 'online');
    await network.accept();
    expect(network.client.state).toBe('online');
    await network.cut();
    expect(network.client.state).toBe('offline');
    expect(offline).toMatchObject([{ error: expect.any(ConnectionLost), retryInMs: 500 }]);
    await network.passTime(500);
    await network.accept(connack(undefined, { sessionPresent: true }));
    expect(states).toEqual(['online', 'offline', 'connecting', 'online']);
    expect(online.map(({ sessionPresent }) => sessionPresent)).toEqual([false, true]);
    expect(network.client.counters.connects).toBe(2);
  });

  it('waits longer and longer, with full jitter, and not longer than it may', async () => {
    const network = new ScriptedNetwork({ reconnect: { minDelayMs: 100, maxDelayMs: 1_000 } });
    const offline = told(network, 'offline');
    await network.accept();
    for (const random of [0, 0.25, 0.5, 0.999, 1, 1]) {
      network.random = random;
      await network.cut();
      await network.passTime(1_000);
    }
    expect(offline.map(({ retryInMs }) => Math.round(retryInMs))).toEqual([0, 50, 200, 799, 1_000, 1_000]);
  });

  it('waits for a short time again after a connection that was a good one', async () => {
    const network = new ScriptedNetwork({ reconnect: { minDelayMs: 100 } });
    const offline = told(network, 'offline');
    await network.accept();
    for (const lastedMs of [0, 9_999, 10_000, 0]) {
      await network.passTime(lastedMs);
      await network.reconnect();
    }
    expect(offline.map(({ retryInMs }) => retryInMs)).toEqual([50, 100, 50, 100]);
  });

  it('gives up after so many attempts in a row', async () => {
    const network = new ScriptedNetwork({ reconnect: { maxAttempts: 2 } });
    await network.accept();
    for (let i = 0; i < 3; i++) {
      await network.cut();
      await network.passTime();
    }
    expect(network.attempts).toHaveLength(3);
    expect(await network.client.closed).toBeInstanceOf(ConnectionFailed);
    expect(network.client.state).toBe('closed');
  });

  it('does not, if the program does not want it', async () => {
    const network = new ScriptedNetwork({ reconnect: false });
    await network.accept();
    await network.cut();
    expect(await network.client.closed).toBeInstanceOf(ConnectionLost);
    await network.passTime();
    expect(network.attempts).toHaveLength(1);
  });

  it('counts an attempt that takes too long as failed', async () => {
    const network = new ScriptedNetwork({ connectTimeoutMs: 5_000 });
    const offline = told(network, 'offline');
    await network.accept();
    await network.cut();
    await network.passTime(500);
    await network.passTime(5_000);
    expect(offline[1]?.error).toBeInstanceOf(ConnectTimeout);
  });

  it('is refused delays that make no sense', () => {
    for (const reconnect of [{ minDelayMs: -1 }, { minDelayMs: 10, maxDelayMs: 5 }, { maxAttempts: 0 }]) {
      expect(() => new ScriptedNetwork({ reconnect })).toThrow(RangeError);
    }
  });
});

describe('the first connection', () => {
  it('is the end when it fails, unless the client is to try', async () => {
    const once = new ScriptedNetwork();
    await once.cut();
    expect(await failureOf(once.client.ready)).toBeInstanceOf(ConnectionFailed);
    expect(await once.client.closed).toBeInstanceOf(ConnectionFailed);

    const stubborn = new ScriptedNetwork({ reconnect: { initially: true } });
    await stubborn.cut();
    expect(stubborn.client.state).toBe('offline');
    await stubborn.passTime();
    await stubborn.accept();
    await stubborn.client.ready;
  });

  it('is what `connack` and `clientId` tell of, and before it there is none', async () => {
    const network = new ScriptedNetwork();
    expect(() => network.client.connack).toThrow(TypeError);
    expect(network.client.clientId).toBe('');
    await network.accept(connack({ assignedClientIdentifier: 'x' }));
    expect(network.client.connack.properties?.assignedClientIdentifier).toBe('x');
    expect(network.client.clientId).toBe('x');
  });
});

describe('reasons that make it pointless to connect again', () => {
  const refusals: [number, boolean][] = [
    [R.UNSPECIFIED_ERROR, true],
    [R.MALFORMED_PACKET, false],
    [R.UNSUPPORTED_PROTOCOL_VERSION, false],
    [R.CLIENT_IDENTIFIER_NOT_VALID, false],
    [R.BAD_USER_NAME_OR_PASSWORD, false],
    [R.NOT_AUTHORIZED, false],
    [R.SERVER_UNAVAILABLE, true],
    [R.SERVER_BUSY, true],
    [R.BANNED, false],
    [R.BAD_AUTHENTICATION_METHOD, false],
    [R.QUOTA_EXCEEDED, true],
    [R.CONNECTION_RATE_EXCEEDED, true],
  ];
  it.each(refusals)('CONNACK with 0x%s: retries %s', async (reasonCode, isWorthIt) => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.reconnect(connack(undefined, { reasonCode: reasonCode as ReasonCode }));
    await network.server.close();
    expect(network.client.state).toBe(isWorthIt ? 'offline' : 'closed');
    if (!isWorthIt) expect(await network.client.closed).toBeInstanceOf(ConnectionRefused);
  });

  it.each([
    [ConnectReturnCode.SERVER_UNAVAILABLE, true],
    [ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD, false],
    [ConnectReturnCode.NOT_AUTHORIZED, false],
    [ConnectReturnCode.IDENTIFIER_REJECTED, false],
    [ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION, false],
  ])('CONNACK of 3.1.1 with %i: retries %s', async (reasonCode, isWorthIt) => {
    const network = new ScriptedNetwork({ protocolVersion: 4 });
    await network.accept();
    await network.reconnect({ type: CONNACK, sessionPresent: false, reasonCode });
    await network.server.close();
    expect(network.client.state).toBe(isWorthIt ? 'offline' : 'closed');
  });

  it.each([
    [R.SESSION_TAKEN_OVER, false],
    [R.NOT_AUTHORIZED, false],
    [R.PROTOCOL_ERROR, false],
    [R.SERVER_SHUTTING_DOWN, true],
    [R.KEEP_ALIVE_TIMEOUT, true],
    [R.ADMINISTRATIVE_ACTION, true],
    [R.MAXIMUM_CONNECT_TIME, true],
  ])('DISCONNECT with 0x%s: retries %s', async (reasonCode, isWorthIt) => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.server.send({ type: DISCONNECT, reasonCode });
    await network.server.close();
    expect(network.client.state).toBe(isWorthIt ? 'offline' : 'closed');
    if (!isWorthIt) expect(await network.client.closed).toBeInstanceOf(ServerDisconnected);
  });

  it('a server that breaks the protocol', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.server.sendBytes(Uint8Array.of(0, 0));
    await network.server.close();
    expect(await network.client.closed).toMatchObject({ name: 'ProtocolViolation' });
  });

  it('an authentication that the client itself gives up', async () => {
    let begun = 0;
    const authentication = {
      method: 'm',
      begin: () => {
        if (++begun === 2) throw new Error('no more');
        return { respond: async () => undefined };
      },
    };
    const network = new ScriptedNetwork({ authentication });
    await turn();
    await network.accept(connack({ authenticationMethod: 'm' }));
    await network.cut();
    await network.passTime();
    expect(await network.client.closed).toMatchObject({ name: 'AuthenticationFailed', cause: { message: 'no more' } });
  });
});

describe('several servers', () => {
  it('are tried one after the other, and the client waits when it has tried all', async () => {
    const network = new ScriptedNetwork({ reconnect: { initially: true } }, ['mqtt://a', 'mqtt://b', 'mqtt://c']);
    const offline = told(network, 'offline');
    for (let i = 0; i < 4; i++) {
      await network.cut();
      await network.passTime();
    }
    expect(network.hosts).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(offline.map(({ retryInMs }) => retryInMs)).toEqual([0, 0, 500, 0]);
  });

  it('begin with the one that was connected to', async () => {
    const network = new ScriptedNetwork({}, ['mqtt://a', 'mqtt://b']);
    await network.accept();
    await network.reconnect();
    expect(network.hosts).toEqual(['a', 'a']);
  });
});

describe('a server that refers to another one', () => {
  const elsewhere = (reasonCode: ReasonCode, serverReference: string) => connack({ serverReference }, { reasonCode });

  it('[MQTT-4.13.2-1] with "use another server" is followed once, and counts again after that', async () => {
    const network = new ScriptedNetwork({}, ['mqtts://a']);
    const redirects = told(network, 'redirect');
    await network.accept(elsewhere(R.USE_ANOTHER_SERVER, 'b:8884 c'));
    await network.server.close();
    expect(redirects).toEqual([{ from: 'mqtts://a', to: 'mqtts://b:8884' }]);
    await network.accept();
    await network.reconnect();
    await network.cut();
    await network.passTime();
    await network.cut();
    await network.passTime();
    expect(network.hosts).toEqual(['a', 'b:8884', 'b:8884', 'b:8884', 'a']);
  });

  it('with "server moved" is forgotten', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.server.send({ type: DISCONNECT, reasonCode: R.SERVER_MOVED, properties: { serverReference: 'b c' } });
    await network.server.close();
    await network.accept();
    for (let i = 0; i < 4; i++) {
      await network.cut();
      await network.passTime();
    }
    expect(network.hosts).toEqual(['a', 'b', 'b', 'c', 'b', 'c']);
  });

  it('without end is given up', async () => {
    const network = new ScriptedNetwork();
    for (let i = 0; i < 9; i++) {
      await network.accept(elsewhere(R.USE_ANOTHER_SERVER, `b${i}`));
      await network.server.close();
    }
    expect(network.attempts).toHaveLength(9);
    expect(await network.client.closed).toBeInstanceOf(ConnectionRefused);
  });

  it('is not followed round and round by servers that accept first', async () => {
    const network = new ScriptedNetwork();
    for (let i = 0; i < 9; i++) {
      await network.accept();
      const properties = { serverReference: i % 2 === 0 ? 'b' : 'a' };
      await network.server.send({ type: DISCONNECT, reasonCode: R.USE_ANOTHER_SERVER, properties });
      await network.server.close();
    }
    expect(network.attempts).toHaveLength(9);
    expect(network.client.state).toBe('offline');
  });

  it('is not followed by a client that does not connect again', async () => {
    const network = new ScriptedNetwork({ reconnect: false });
    await network.accept(elsewhere(R.USE_ANOTHER_SERVER, 'b'));
    await network.server.close();
    expect(await network.client.closed).toMatchObject({ serverReference: 'b' });
    expect(network.hosts).toEqual(['a']);
  });
});

describe('what the CONNECT of each connection says', () => {
  it('asks for a session that survives a cut, and goes on with it', async () => {
    const network = new ScriptedNetwork();
    const first = await network.accept(connack({ assignedClientIdentifier: 'x' }));
    expect(first).toMatchObject({ clean: true, clientId: '', properties: { sessionExpiryInterval: 300 } });
    const second = await network.reconnect();
    expect(second).toMatchObject({ clean: false, clientId: 'x', properties: { sessionExpiryInterval: 300 } });
  });

  it('begins a new session each time before 5.0, if it is clean', async () => {
    const network = new ScriptedNetwork({ protocolVersion: 4, clientId: 'x' });
    expect(await network.accept()).toMatchObject({ clean: true });
    expect(await network.reconnect(connack())).toMatchObject({ clean: true, clientId: 'x' });
  });

  it('does what the program wants', async () => {
    const network = new ScriptedNetwork({ clean: false, clientId: 'x', sessionExpiryInterval: 9 });
    const first = await network.accept();
    expect(first).toMatchObject({ type: CONNECT, clean: false, properties: { sessionExpiryInterval: 9 } });
  });

  it('begins anew where the server keeps no session', async () => {
    const network = new ScriptedNetwork();
    await network.accept(connack({ sessionExpiryInterval: 0 }));
    expect(await network.reconnect(connack())).toMatchObject({ clean: true });
    expect(network.client.state).toBe('online');
  });
});

describe('messages on their way when the connection ends', () => {
  it('[MQTT-4.4.0-1] are sent again when the server has the session, and their promises wait', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const result = network.client.publish('a', 'x', { qos: 2 });
    await turn();
    await network.reconnect();
    expect(network.server.received).toEqual([publish('a', 'x', { qos: 2, packetId: 1, dup: true })]);
    await network.answerAll();
    expect(await result).toEqual({ reasonCode: R.SUCCESS });
  });

  it('are sent as new ones when it has not, also by 3.1.1', async () => {
    const network = new ScriptedNetwork({ protocolVersion: 4 });
    await network.accept();
    const result = network.client.publish('a', 'x', { qos: 1 });
    await turn();
    await network.reconnect(connack());
    expect(network.server.received).toEqual([publish('a', 'x', { qos: 1, packetId: 2 })]);
    await network.answerAll();
    await result;
  });

  it('are lost with QoS 0, if the network had no room for them', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    network.server.full = true;
    // Nobody need care for it: a rejection that is not looked at is no error.
    void network.client.publish('a', '1');
    await turn();
    const lost = failureOf(network.client.publish('a', '2'));
    await network.cut();
    expect(await lost).toBeInstanceOf(ConnectionLost);
  });
});

describe('disconnect', () => {
  it('ends a session that was only meant to survive cuts', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const left = network.client.disconnect();
    await turn();
    expect(network.server.take()).toEqual([
      { type: DISCONNECT, reasonCode: R.SUCCESS, properties: { sessionExpiryInterval: 0 } },
    ]);
    await network.server.close();
    await left;
    expect(network.client.state).toBe('closed');
  });

  it('leaves a session alone that the program asked for', async () => {
    for (const options of [{ sessionExpiryInterval: 60 }, { clean: false, clientId: 'x' }]) {
      const network = new ScriptedNetwork(options);
      await network.accept();
      void network.client.disconnect();
      await turn();
      expect(network.server.take()).toEqual([{ type: DISCONNECT, reasonCode: R.SUCCESS }]);
      await network.server.close();
    }
  });

  it('brings to its end what waits, first', async () => {
    const network = new ScriptedNetwork({ maximumInflight: 1 });
    await network.accept();
    const results = [1, 2].map((n) => network.client.publish('a', `${n}`, { qos: 2 }));
    const left = network.client.disconnect();
    await turn();
    expect((await network.answerAll()).map(({ type }) => type).at(-1)).toBe(DISCONNECT);
    await Promise.all(results);
    await network.server.close();
    await left;
  });

  it('while there is no connection tells those who wait, and makes no other one', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.cut();
    const lost = failureOf(network.client.publish('a', 'x', { qos: 1 }));
    void network.client.publish('a', 'nobody cares');
    await network.client.disconnect();
    expect(await lost).toBeInstanceOf(ConnectionClosed);
    expect(await network.client.closed).toBeNull();
    await network.passTime();
    expect(network.attempts).toHaveLength(1);
  });

  it('ends an attempt to connect', async () => {
    const network = new ScriptedNetwork();
    await network.open();
    const [failure] = await Promise.all([failureOf(network.client.ready), network.client.disconnect()]);
    expect(failure).toBeInstanceOf(ConnectionClosed);
    expect(network.server.destroyed).toBe(true);
    expect(await network.client.closed).toBeNull();
  });

  it('is what `await using` does', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    const left = network.client[Symbol.asyncDispose]();
    await turn();
    expect(network.server.take()).toMatchObject([{ type: DISCONNECT }]);
    await network.server.close();
    await left;
    await expect(network.client.publish('a', 'x')).rejects.toThrow(ConnectionClosed);
    await expect(network.client.subscribe('a')).rejects.toThrow(ConnectionClosed);
  });
});

describe('the counters', () => {
  it('say what was done over all connections, and what waits', async () => {
    const network = new ScriptedNetwork();
    await network.accept();
    await network.client.publish('a', 'x');
    void network.client.publish('a', 'y', { qos: 1 });
    await network.server.send(publish('a', 'z'));
    expect(network.client.counters).toMatchObject({ messagesPublished: 2, messagesReceived: 1, inflight: 1 });
    await network.cut();
    void network.client.publish('ab', 'z', { qos: 1 });
    expect(network.client.counters).toMatchObject({ messagesPublished: 3, queuedMessages: 1, queuedBytes: 3 });
    await network.passTime();
    await network.accept(connack(undefined, { sessionPresent: true }));
    const sent = await network.answerAll();
    expect(sent.filter(({ type }) => type === PUBLISH)).toHaveLength(2);
    const { packetsSent, packetsReceived, bytesSent, bytesReceived, ...rest } = network.client.counters;
    expect(rest).toMatchObject({ connects: 2 });
    expect({ packetsSent, packetsReceived }).toEqual({ packetsSent: 6, packetsReceived: 5 });
    expect(bytesSent).toBeGreaterThan(50);
    expect(bytesReceived).toBeGreaterThan(20);
    expect(network.client.counters).toMatchObject({ inflight: 0, queuedMessages: 0 });
  });
});
