import { ConnectReturnCode, encodePacket, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { connectOver } from './connect-over.js';
import { ConnectionFailed, ConnectionLost, ConnectionRefused, ConnectTimeout, ProtocolViolation } from './errors.js';
import { connack, connected, failureOf, publish, ScriptedServer, turn } from './scripted-server.test-support.js';
import { Session } from './session/session.js';

describe('CONNECT', () => {
  it('[MQTT-3.1.0-1] is the first packet, and carries what the options say', async () => {
    const server = new ScriptedServer(5);
    const options = {
      clientId: 'me',
      username: 'anna',
      password: 'secret',
      keepAliveSeconds: 30,
      receiveMaximum: 7,
      topicAliasMaximum: 3,
      sessionExpiryInterval: 60,
      will: { topic: 'gone', payload: 'me', qos: 1, retain: true, properties: { willDelayInterval: 5 } },
    } as const;
    const connecting = connectOver(server.open, options, server.clock);
    server.events.opened();
    await turn();
    expect(server.received).toEqual([
      {
        type: PacketType.CONNECT,
        protocolVersion: 5,
        clean: true,
        keepAlive: 30,
        clientId: 'me',
        username: 'anna',
        password: new TextEncoder().encode('secret'),
        will: {
          topic: 'gone',
          payload: new TextEncoder().encode('me'),
          qos: 1,
          retain: true,
          properties: { willDelayInterval: 5 },
        },
        properties: { sessionExpiryInterval: 60, receiveMaximum: 7, topicAliasMaximum: 3 },
      },
    ]);
    await server.send(connack());
    expect((await connecting).clientId).toBe('me');
  });

  it.each([3, 4, 5] as const)('speaks protocol version %i', async (protocolVersion) => {
    const server = new ScriptedServer(protocolVersion);
    void connectOver(server.open, { protocolVersion }, server.clock);
    server.events.opened();
    await turn();
    expect(server.received).toMatchObject([{ type: PacketType.CONNECT, protocolVersion }]);
  });

  it('has a made-up client id with 3.1, which has no empty ones', async () => {
    const server = new ScriptedServer(3);
    void connectOver(server.open, { protocolVersion: 3 }, server.clock);
    server.events.opened();
    await turn();
    expect(server.received).toMatchObject([{ clientId: expect.stringMatching(/^cauldron-[a-z0-9]{14}$/) }]);
  });

  it('asks a 5.0 server to keep the session for ever when it is not to be clean', async () => {
    const server = new ScriptedServer(5);
    void connectOver(server.open, { clean: false, clientId: 'me' }, server.clock);
    server.events.opened();
    await turn();
    expect(server.received).toMatchObject([{ clean: false, properties: { sessionExpiryInterval: 0xffffffff } }]);
  });

  it('is refused before anything is opened when the options make no sense', async () => {
    const server = new ScriptedServer(4);
    await expect(connectOver(server.open, { keepAliveSeconds: -1 })).rejects.toThrow(RangeError);
    await expect(connectOver(server.open, { maximumInflight: 0 })).rejects.toThrow('from 1 to 65535');
    await expect(connectOver(server.open, { protocolVersion: 4, clean: false })).rejects.toThrow('needs a clientId');
    expect(() => server.events).toThrow();
  });

  it('fails with a clear error when it cannot be written', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, { will: { topic: 'no/#' } }, server.clock);
    server.events.opened();
    await expect(connecting).rejects.toThrow(ConnectionFailed);
    expect(server.destroyed).toBe(true);
  });
});

describe('the answer to CONNECT', () => {
  it('gives the client the id that the server chose', async () => {
    const { client } = await connected({}, connack({ assignedClientIdentifier: 'chosen' }));
    expect(client.clientId).toBe('chosen');
    expect(client.connack.properties?.assignedClientIdentifier).toBe('chosen');
  });

  it('rejects with the reason in words when the server refuses (5.0)', async () => {
    const server = new ScriptedServer(5);
    const failed = failureOf(connectOver(server.open, {}, server.clock));
    server.events.opened();
    const refusal = connack({ reasonString: 'not today' }, { reasonCode: ReasonCode.NOT_AUTHORIZED });
    await server.send(refusal);
    expect(server.ended).toBe(true);
    await server.close();
    const error = await failed;
    expect(error).toBeInstanceOf(ConnectionRefused);
    expect(error).toMatchObject({ reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: 'not today' });
    expect(String(error)).toContain('Not authorized (not today)');
  });

  it('rejects with the return code when the server refuses (3.1.1)', async () => {
    const server = new ScriptedServer(4);
    const failed = failureOf(connectOver(server.open, { protocolVersion: 4 }, server.clock));
    server.events.opened();
    await server.send(connack(undefined, { reasonCode: ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD }));
    await server.close();
    expect(await failed).toMatchObject({
      reasonCode: ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD,
      reason: 'bad user name or password',
    });
  });

  it('rejects with ConnectTimeout when it does not come', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, { connectTimeoutMs: 500 }, server.clock);
    connecting.catch(() => {});
    server.events.opened();
    await server.clock.advance(499);
    expect(server.destroyed).toBe(false);
    await server.clock.advance(1);
    await expect(connecting).rejects.toThrow(ConnectTimeout);
  });

  it('rejects with the cause when the server cannot be reached', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, {}, server.clock);
    const cause = new Error('no route');
    void server.close(cause);
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectionFailed', cause });
  });

  it('rejects with ConnectionLost when the server hangs up instead', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, {}, server.clock);
    server.events.opened();
    void server.close();
    await expect(connecting).rejects.toThrow(ConnectionLost);
  });

  it('must be a CONNACK', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, {}, server.clock);
    connecting.catch(() => {});
    server.events.opened();
    await server.send(publish('a', 'b'));
    expect(server.destroyed).toBe(true);
    await expect(connecting).rejects.toThrow(ProtocolViolation);
  });

  it('[MQTT-3.2.2-4] must not promise a session when a clean one was asked for', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, {}, server.clock);
    connecting.catch(() => {});
    server.events.opened();
    await server.send(connack(undefined, { sessionPresent: true }));
    await expect(connecting).rejects.toThrow('Session present');
  });

  it('may come one byte at a time', async () => {
    const server = new ScriptedServer(5);
    const connecting = connectOver(server.open, {}, server.clock);
    server.events.opened();
    for (const byte of encodePacket(connack({ assignedClientIdentifier: 'x' }), 5)) {
      await server.sendBytes(Uint8Array.of(byte));
    }
    expect((await connecting).clientId).toBe('x');
  });
});

describe('the signal of connect', () => {
  it('gives up the attempt, and rejects with its reason', async () => {
    const server = new ScriptedServer(5);
    const abort = new AbortController();
    const connecting = connectOver(server.open, { signal: abort.signal }, server.clock);
    server.events.opened();
    const reason = new Error('changed my mind');
    abort.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    expect(server.destroyed).toBe(true);
  });

  it('has no effect once the connection stands', async () => {
    const abort = new AbortController();
    const { server } = await connected({ signal: abort.signal });
    abort.abort();
    await turn();
    expect(server.destroyed).toBe(false);
  });
});

describe('a session', () => {
  it('is free again when the transport cannot be opened', async () => {
    const session = new Session();
    const open = () => {
      throw new RangeError('no such port');
    };
    await expect(connectOver(open, { session })).rejects.toThrow('no such port');
    expect((await connected({ session })).client.session).toBe(session);
  });

  it('serves one client at a time', async () => {
    const session = new Session();
    const { server } = await connected({ session });
    await expect(connectOver(new ScriptedServer(5).open, { session })).rejects.toThrow('in use');
    await server.close();
    const again = await connected({ session });
    expect(again.client.session).toBe(session);
  });
});
