import { type Auth, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import type { Client } from '../client.js';
import { connectOver } from '../connect-over.js';
import {
  AuthenticationFailed,
  ConnectionClosed,
  ConnectionRefused,
  NotSupportedByServer,
  ProtocolViolation,
  ServerDisconnected,
} from '../errors.js';
import type { ConnectOptions } from '../options.js';
import { connack, connected, failureOf, publish, ScriptedServer, turn } from '../scripted-server.test-support.js';
import type { MessageHandler } from '../subscriptions/subscription.js';
import type { Authentication, AuthenticationExchange } from './authentication.js';

const { AUTH, CONNECT, DISCONNECT, PUBLISH } = PacketType;
const { CONTINUE_AUTHENTICATION, REAUTHENTICATE, SUCCESS } = ReasonCode;
const METHOD = 'echo';

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function auth(reasonCode: ReasonCode, data?: string, method = METHOD): Auth {
  const properties = { authenticationMethod: method, ...(data !== undefined && { authenticationData: bytes(data) }) };
  return { type: AUTH, reasonCode, properties };
}

const admission = (data?: string) => connack(auth(SUCCESS, data).properties);

/** Begins with "hello 1", "hello 2" and so on, answers each question with its echo, and wants "bye" at the end. */
class Echo implements Authentication {
  readonly method = METHOD;
  begun = 0;
  isLate = false;
  fault: Error | null = null;
  /** Instead of an echo. */
  answer: Promise<Uint8Array> | null = null;

  begin(): AuthenticationExchange | Promise<AuthenticationExchange> {
    if (this.fault !== null) throw this.fault;
    const exchange = this.#exchange(++this.begun);
    return this.isLate ? turn().then(() => exchange) : exchange;
  }

  #exchange(number: number): AuthenticationExchange {
    return {
      data: bytes(`hello ${number}`),
      respond: (question) => {
        if (this.fault !== null) throw this.fault;
        if (this.answer !== null) return this.answer;
        const echo = question && bytes(`${new TextDecoder().decode(question)}!`);
        return this.isLate ? turn().then(() => echo) : echo;
      },
      finish: (data) => {
        if (new TextDecoder().decode(data) !== 'bye') throw new Error('the server does not know how to say bye');
      },
    };
  }
}

async function connecting(authentication: Authentication, options: ConnectOptions = {}) {
  const server = new ScriptedServer(5);
  const client = connectOver(server.open, { authentication, ...options }, server.clock);
  const failure = failureOf(client);
  await turn();
  await turn();
  server.events.opened();
  await turn();
  return { server, client, failure };
}

/** A client that the server has admitted; its packets up to then are taken. */
async function admitted(
  authentication: Authentication,
  onMessage: MessageHandler = () => {},
): Promise<{ client: Client; server: ScriptedServer }> {
  const { server, client } = await connecting(authentication, { onMessage });
  await server.send(admission('bye'));
  server.take();
  return { client: await client, server };
}

describe.each([
  ['at once', false],
  ['later', true],
])('an authentication that answers %s', (_, isLate) => {
  function echo(): Echo {
    const authentication = new Echo();
    authentication.isLate = isLate;
    return authentication;
  }

  it('begins with CONNECT, and answers each AUTH with the same method [MQTT-4.12.0-3] [MQTT-4.12.0-5]', async () => {
    const { server, client } = await connecting(echo());
    expect(server.take()).toMatchObject([{ type: CONNECT, properties: auth(SUCCESS, 'hello 1').properties }]);
    for (const question of ['a', 'b', undefined]) {
      await server.send(auth(CONTINUE_AUTHENTICATION, question));
      await turn();
      expect(server.take()).toEqual([auth(CONTINUE_AUTHENTICATION, question && `${question}!`)]);
    }
    await server.send(admission('bye'));
    expect((await client).connack.properties?.authenticationMethod).toBe(METHOD);
  });

  it('is done again while messages flow, and is over when the server says so [MQTT-4.12.1-1]', async () => {
    const texts: string[] = [];
    const { client, server } = await admitted(echo(), ({ payload }) => texts.push(new TextDecoder().decode(payload)));
    let isDone = false;
    const again = client.reauthenticate().then(() => (isDone = true));
    await turn();
    await turn();
    expect(server.take()).toEqual([auth(REAUTHENTICATE, 'hello 2')]);
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'), publish('t', 'meanwhile'));
    await turn();
    await client.publish('t', 'too');
    expect(server.take()).toMatchObject([auth(CONTINUE_AUTHENTICATION, 'a!'), { type: PUBLISH }]);
    expect(texts).toEqual(['meanwhile']);
    expect(isDone).toBe(false);
    await server.send(auth(SUCCESS, 'bye'));
    await again;
    const third = client.reauthenticate();
    await turn();
    await turn();
    expect(server.take()).toEqual([auth(REAUTHENTICATE, 'hello 3')]);
    await server.send(auth(SUCCESS, 'bye'));
    await third;
  });

  it('that fails leaves with DISCONNECT, and says why', async () => {
    const authentication = echo();
    const { server, failure } = await connecting(authentication);
    server.take();
    authentication.answer = Promise.reject(new Error('the token is gone'));
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'));
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.UNSPECIFIED_ERROR }]);
    expect(server.ended).toBe(true);
    await server.close();
    const error = await failure;
    expect(error).toBeInstanceOf(AuthenticationFailed);
    expect((error as Error).cause).toEqual(new Error('the token is gone'));
  });
});

describe('connecting with an authentication', () => {
  it('sends nothing else before CONNACK [MQTT-3.1.2-30]', async () => {
    const { server } = await connecting(new Echo(), { keepAliveSeconds: 1 });
    server.take();
    await server.clock.advance(5_000);
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'));
    expect(server.take().map(({ type }) => type)).toEqual([AUTH]);
  });

  it('opens nothing when it cannot begin, and is rejected with the reason', async () => {
    const authentication = new Echo();
    authentication.fault = new Error('no token');
    const server = new ScriptedServer(5);
    await expect(connectOver(server.open, { authentication }, server.clock)).rejects.toThrow('no token');
    expect(() => server.events).toThrow();
  });

  it('is for 5.0 only', async () => {
    const server = new ScriptedServer(4);
    const options = { authentication: new Echo(), protocolVersion: 4 } as const;
    await expect(connectOver(server.open, options, server.clock)).rejects.toThrow(TypeError);
    expect(() => server.events).toThrow();
  });

  it('can be given up while it begins', async () => {
    const never: Authentication = { method: METHOD, begin: () => new Promise(() => {}) };
    const server = new ScriptedServer(5);
    const controller = new AbortController();
    const failure = failureOf(connectOver(server.open, { authentication: never, signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await failure).toEqual(new Error('enough'));
    expect(() => server.events).toThrow();
  });

  it('is refused by the server with a CONNACK', async () => {
    const { server, failure } = await connecting(new Echo());
    await server.send(connack(undefined, { reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD }));
    await server.close();
    expect(await failure).toMatchObject({ reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD });
    expect(await failure).toBeInstanceOf(ConnectionRefused);
  });

  it('does not trust a server that admits the client, but has not proven who it is', async () => {
    const { server, failure } = await connecting(new Echo());
    server.take();
    await server.send(admission('good bye'));
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.UNSPECIFIED_ERROR }]);
    await server.close();
    expect(await failure).toBeInstanceOf(AuthenticationFailed);
  });

  it.each([
    ['AUTH with another method', auth(CONTINUE_AUTHENTICATION, 'a', 'other')],
    ['AUTH that says success', auth(SUCCESS, 'bye')],
    ['AUTH that wants to authenticate again', auth(REAUTHENTICATE, 'a')],
    ['CONNACK without the method', connack()],
    ['CONNACK with another method', connack({ authenticationMethod: 'other' })],
  ])('ends the connection at %s [MQTT-4.12.0-5]', async (_, packet) => {
    const { server, failure } = await connecting(new Echo());
    server.take();
    await server.send(packet);
    expect(await failure).toBeInstanceOf(ProtocolViolation);
    expect(server.take()).toEqual([]);
    expect(server.destroyed).toBe(true);
  });

  it.each([
    ['another question', auth(CONTINUE_AUTHENTICATION, 'b')],
    ['CONNACK', admission('bye')],
  ])('ends the connection when %s comes before the answer to AUTH', async (_, packet) => {
    const authentication = new Echo();
    let answer = (_data: Uint8Array): void => {};
    authentication.answer = new Promise((resolve) => (answer = resolve));
    const { server, failure } = await connecting(authentication);
    server.take();
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'), packet);
    expect(await failure).toBeInstanceOf(ProtocolViolation);
    answer(bytes('late'));
    await turn();
    expect(server.take()).toEqual([]);
  });
});

describe('authenticating again', () => {
  it('fails with the reason of the server [MQTT-4.12.1-2]', async () => {
    const { client, server } = await admitted(new Echo());
    const failure = failureOf(client.reauthenticate());
    await turn();
    await server.send({ type: DISCONNECT, reasonCode: ReasonCode.NOT_AUTHORIZED });
    await server.close();
    expect(await failure).toBeInstanceOf(ServerDisconnected);
    expect(await failure).toMatchObject({ reasonCode: ReasonCode.NOT_AUTHORIZED });
  });

  it('fails when the server does not prove who it is', async () => {
    const { client, server } = await admitted(new Echo());
    const failure = failureOf(client.reauthenticate());
    await turn();
    server.take();
    await server.send(auth(SUCCESS, 'good bye'));
    expect(server.take()).toEqual([{ type: DISCONNECT, reasonCode: ReasonCode.UNSPECIFIED_ERROR }]);
    await server.close();
    expect(await failure).toBeInstanceOf(AuthenticationFailed);
    expect(await client.closed).toBe(await failure);
  });

  it('leaves the connection alone when it cannot begin', async () => {
    const authentication = new Echo();
    const { client, server } = await admitted(authentication);
    authentication.fault = new Error('no token');
    await expect(client.reauthenticate()).rejects.toThrow('no token');
    expect(server.take()).toEqual([]);
    authentication.fault = null;
    const again = client.reauthenticate();
    await turn();
    await server.send(auth(SUCCESS, 'bye'));
    await again;
  });

  it('leaves the connection alone when the server does not take packets of that size', async () => {
    const { server, client: connected } = await connecting(new Echo());
    await server.send(connack({ ...auth(SUCCESS, 'bye').properties, maximumPacketSize: 20 }));
    server.take();
    const client = await connected;
    await expect(client.reauthenticate()).rejects.toThrow(NotSupportedByServer);
    await client.publish('t', '');
    expect(server.take()).toMatchObject([{ type: PUBLISH }]);
  });

  it('is done one at a time', async () => {
    const { client, server } = await admitted(new Echo());
    const again = client.reauthenticate();
    await expect(client.reauthenticate()).rejects.toThrow(TypeError);
    await turn();
    expect(server.take()).toEqual([auth(REAUTHENTICATE, 'hello 2')]);
    await server.send(auth(SUCCESS, 'bye'));
    await again;
  });

  it('does not keep a client from leaving', async () => {
    const { client, server } = await admitted(new Echo());
    const failure = failureOf(client.reauthenticate());
    await turn();
    server.take();
    void client.disconnect();
    await turn();
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: SUCCESS }]);
    await server.close();
    expect(await failure).toBeInstanceOf(ConnectionClosed);
  });

  it('sends no AUTH after DISCONNECT', async () => {
    const authentication = new Echo();
    const { client, server } = await admitted(authentication);
    const failure = failureOf(client.reauthenticate());
    await turn();
    let answer = (_data: Uint8Array): void => {};
    authentication.answer = new Promise((resolve) => (answer = resolve));
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'));
    void client.disconnect();
    await turn();
    answer(bytes('late'));
    await turn();
    expect(server.take().map(({ type }) => type)).toEqual([AUTH, DISCONNECT]);
    await server.close();
    expect(await failure).toBeInstanceOf(ConnectionClosed);
  });

  it.each([
    ['a question', auth(CONTINUE_AUTHENTICATION, 'a')],
    ['success', auth(SUCCESS, 'bye')],
    ['the wish to authenticate again', auth(REAUTHENTICATE, 'a')],
  ])('is not begun by the server: AUTH with %s ends the connection', async (_, packet) => {
    const { client, server } = await admitted(new Echo());
    await server.send(packet);
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);
  });
});

describe('a client without an authentication', () => {
  it('sends no AUTH [MQTT-4.12.0-7]', async () => {
    const { client, server } = await connected();
    await expect(client.reauthenticate()).rejects.toThrow(TypeError);
    await client.publish('t', '');
    expect(server.take()).toMatchObject([{ type: PUBLISH }]);
  });

  it('ends the connection at an AUTH, before CONNACK and after it [MQTT-4.12.0-6]', async () => {
    const { client, server } = await connected();
    await server.send(auth(CONTINUE_AUTHENTICATION, 'a'));
    expect(server.take()).toMatchObject([{ type: DISCONNECT, reasonCode: ReasonCode.PROTOCOL_ERROR }]);
    await server.close();
    expect(await client.closed).toBeInstanceOf(ProtocolViolation);

    const early = new ScriptedServer(5);
    const failure = failureOf(connectOver(early.open, {}, early.clock));
    early.events.opened();
    await early.send(auth(CONTINUE_AUTHENTICATION, 'a'));
    expect(await failure).toBeInstanceOf(ProtocolViolation);
  });

  it('ends the connection at a CONNACK with a method [MQTT-4.12.0-6]', async () => {
    const server = new ScriptedServer(5);
    const failure = failureOf(connectOver(server.open, {}, server.clock));
    server.events.opened();
    await server.send(admission());
    expect(await failure).toBeInstanceOf(ProtocolViolation);
  });
});
