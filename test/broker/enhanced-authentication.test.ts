import type {
  AuthenticationExchange,
  AuthenticationStep,
  Authenticator,
  Credentials,
  EnhancedAuthenticator,
} from '@cauldron/broker';
import { type Auth, type Connect, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { RecordingLog, TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { AUTH, CONNACK, DISCONNECT } = PacketType;
const METHOD = 'riddle';
const { CONTINUE_AUTHENTICATION, REAUTHENTICATE } = ReasonCode;

/** Asks `question` so many times; `answer` is right, and the user is then the one that the first data named. */
class Riddle implements EnhancedAuthenticator {
  rounds = 1;
  isLate = false;
  /** Who has proven to be somebody, instead of the one who was named. */
  impostor: string | null = null;
  /** The code of refusals. */
  refusal: ReasonCode = ReasonCode.NOT_AUTHORIZED;
  /** Null: the method is not offered any more. */
  method: string | null = METHOD;
  /** Instead of any step. */
  answer: (() => Promise<AuthenticationStep>) | null = null;
  readonly begun: Credentials[] = [];

  begin(credentials: Credentials, method: string): AuthenticationExchange | null {
    if (method !== this.method) return null;
    this.begun.push(credentials);
    let round = 0;
    let username = '';
    return {
      next: (data) => {
        if (this.answer !== null) return this.answer();
        const text = data === undefined ? '' : Buffer.from(data).toString();
        if (round === 0) username = text;
        const step = round > 0 && text !== 'answer' ? this.#refusal() : this.#next(round, username);
        round++;
        return this.isLate ? new Promise((resolve) => setImmediate(resolve, step)) : step;
      },
    };
  }

  #next(round: number, username: string): AuthenticationStep {
    if (round < this.rounds) return { challenge: bytes('question') };
    return { admitted: true, username: this.impostor ?? username, rule: 'riddle:1', data: bytes('well done') };
  }

  #refusal(): AuthenticationStep {
    return { admitted: false, reasonCode: this.refusal, reason: 'wrong answer', rule: 'riddle:2' };
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(data: Uint8Array | undefined): string {
  return new TextDecoder().decode(data);
}

function auth(reasonCode: ReasonCode, data: string, method = METHOD): Auth {
  const properties = { authenticationMethod: method, authenticationData: bytes(data) };
  return { type: AUTH, reasonCode, properties };
}

function sendConnect(
  client: TestClient,
  username = 'ann',
  method = METHOD,
  clientId = 'a',
  connect: Partial<Connect> = {},
): void {
  client.send({
    type: PacketType.CONNECT,
    protocolVersion: 5,
    clean: true,
    keepAlive: 0,
    clientId,
    properties: { authenticationMethod: method, authenticationData: bytes(username) },
    will: { topic: 'will', payload: bytes(`${clientId} died`), qos: 0, retain: false },
    ...connect,
  });
}

/** A client that has answered the riddle. */
async function admitted(test: TestBroker, clientId = 'a'): Promise<TestClient> {
  const client = test.client(5);
  sendConnect(client, 'ann', METHOD, clientId);
  await client.expect(AUTH);
  client.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
  await client.expect(CONNACK);
  return client;
}

function started(): { riddle: Riddle; test: TestBroker } {
  const riddle = new Riddle();
  return { riddle, test: new TestBroker({ enhancedAuthenticator: riddle }) };
}

async function expectRefusal(client: TestClient, reasonCode: ReasonCode): Promise<void> {
  expect((await client.expect(CONNACK)).reasonCode).toBe(reasonCode);
  await client.expectClose();
}

describe.each([
  ['at once', false],
  ['later', true],
])('enhanced authentication that answers %s', (_, isLate) => {
  it.each([0, 1, 3])('lets a client in after %i challenges, with method and last data in CONNACK', async (rounds) => {
    const { riddle, test } = started();
    Object.assign(riddle, { isLate, rounds });
    const client = test.client(5);
    sendConnect(client);
    for (let round = 0; round < rounds; round++) {
      const challenge = await client.expect(AUTH);
      expect(challenge.reasonCode).toBe(CONTINUE_AUTHENTICATION); // [MQTT-4.12.0-2]
      expect(challenge.properties?.authenticationMethod).toBe(METHOD);
      expect(text(challenge.properties?.authenticationData)).toBe('question');
      client.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    }
    const { reasonCode, properties } = await client.expect(CONNACK);
    expect(reasonCode).toBe(ReasonCode.SUCCESS);
    expect(properties?.authenticationMethod).toBe(METHOD); // [MQTT-4.12.0-5]
    expect(text(properties?.authenticationData)).toBe('well done');
    expect(riddle.begun[0]).toMatchObject({ clientId: 'a', protocolVersion: 5 });
    await client.expectNothing();
  });

  it('refuses a wrong answer with CONNACK; the rule is for the log alone', async () => {
    const { riddle, test } = started();
    riddle.isLate = isLate;
    const client = test.client(5);
    sendConnect(client);
    await client.expect(AUTH);
    client.send(auth(CONTINUE_AUTHENTICATION, 'guess'));
    await expectRefusal(client, ReasonCode.NOT_AUTHORIZED); // [MQTT-4.12.0-4]
    expect(test.log.lines.join('\n')).toContain('Client a [127.0.0.1:5] not admitted: riddle:2');
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 0 });
  });

  it('goes on with traffic while a client authenticates again', async () => {
    const { riddle, test } = started();
    riddle.isLate = isLate;
    const client = await admitted(test);
    await client.subscribe('t');
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.publish('t', 'meanwhile');
    expect((await client.expectMessage()).text).toBe('meanwhile');
    client.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    const { reasonCode, properties } = await client.expect(AUTH);
    expect(reasonCode).toBe(ReasonCode.SUCCESS);
    expect(properties?.authenticationMethod).toBe(METHOD);
    expect(text(properties?.authenticationData)).toBe('well done');
    await client.expectNothing();
  });

  it('ends the connection when authenticating again fails, and publishes the will', async () => {
    const { riddle, test } = started();
    riddle.isLate = isLate;
    const watcher = await admitted(test, 'watcher');
    await watcher.subscribe('will');
    const client = await admitted(test);
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.send(auth(CONTINUE_AUTHENTICATION, 'guess'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED); // [MQTT-4.12.1-2]
    await client.expectClose();
    expect((await watcher.expectMessage()).text).toBe('a died');
  });
});

describe('enhanced authentication', () => {
  it('with a method that is not offered is refused', async () => {
    const { test } = started();
    const client = test.client(5);
    sendConnect(client, 'ann', 'unheard of');
    await expectRefusal(client, ReasonCode.BAD_AUTHENTICATION_METHOD); // [MQTT-4.12.0-1]
  });

  it('is refused by a broker that has none', async () => {
    const client = new TestBroker().client(5);
    sendConnect(client);
    await expectRefusal(client, ReasonCode.BAD_AUTHENTICATION_METHOD);
  });

  it('gives the client the name that the authenticator found', async () => {
    const { test } = started();
    const users: (string | undefined)[] = [];
    test.broker.on('connect', ({ username }) => users.push(username));
    await admitted(test);
    expect(users).toEqual(['ann']);
  });

  it('leaves an older connection of that client alone until it has succeeded', async () => {
    const { test } = started();
    const first = await admitted(test);
    const second = test.client(5);
    sendConnect(second);
    await second.expect(AUTH);
    await first.expectNothing();
    second.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    await second.expect(CONNACK);
    expect((await first.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.SESSION_TAKEN_OVER);
  });

  it.each([
    ['a PINGREQ', { type: PacketType.PINGREQ } as const],
    ['another method', auth(CONTINUE_AUTHENTICATION, 'answer', 'other')],
    ['the wish to authenticate again', auth(REAUTHENTICATE, 'answer')],
    ['an AUTH without a method', { type: AUTH, reasonCode: ReasonCode.SUCCESS } as const],
    [
      'a second CONNECT',
      { type: PacketType.CONNECT, protocolVersion: 5, clean: true, keepAlive: 0, clientId: 'a' } as const,
    ],
  ])('under way is a protocol error with %s', async (_, packet) => {
    const { test } = started();
    const client = test.client(5);
    sendConnect(client);
    await client.expect(AUTH);
    client.send(packet);
    await expectRefusal(client, ReasonCode.PROTOCOL_ERROR);
  });

  it('under way ends with a DISCONNECT, without a will', async () => {
    const { test } = started();
    const watcher = await admitted(test, 'watcher');
    await watcher.subscribe('will');
    const client = test.client(5);
    sendConnect(client);
    await client.expect(AUTH);
    client.disconnect();
    await client.expectClose();
    await watcher.expectNothing();
  });

  it('has the time that there is for CONNECT', async () => {
    const test = new TestBroker({ enhancedAuthenticator: new Riddle(), settings: { connectTimeoutMs: 10_000 } });
    const client = test.client(5);
    sendConnect(client);
    await client.expect(AUTH);
    test.clock.advance(9_000);
    expect(test.broker.gauges.connections).toBe(1);
    test.clock.advance(1_200);
    await expectRefusal(client, ReasonCode.SERVER_BUSY);
  });

  it('done again has the same time', async () => {
    const test = new TestBroker({ enhancedAuthenticator: new Riddle(), settings: { connectTimeoutMs: 10_000 } });
    const [slow, quick] = [await admitted(test), await admitted(test, 'b')];
    for (const client of [slow, quick]) {
      client.send(auth(REAUTHENTICATE, 'ann'));
      await client.expect(AUTH);
    }
    quick.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    await quick.expect(AUTH);
    test.clock.advance(9_000);
    await slow.expectNothing();
    test.clock.advance(1_200);
    expect((await slow.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    await slow.expectClose();
    test.clock.advance(100_000);
    await quick.expectNothing();
  });

  it('done again leaves no time limit behind when the client goes', async () => {
    const { test } = started();
    const client = await admitted(test);
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.cut();
    await client.expectClose();
    const before = test.log.lines.length;
    test.clock.advance(120_000);
    expect(test.log.lines.slice(before)).toEqual([]);
  });

  it('reads on while it is done again, however long the authenticator takes', async () => {
    const { riddle, test } = started();
    const client = await admitted(test);
    await client.subscribe('t');
    let answer = (_step: AuthenticationStep): void => {};
    riddle.answer = () => new Promise((resolve) => (answer = resolve));
    client.send(auth(REAUTHENTICATE, 'ann'));
    client.publish('t', 'meanwhile');
    expect((await client.expectMessage()).text).toBe('meanwhile');
    answer({ admitted: true, username: 'ann', rule: 'riddle:1' });
    expect(await client.expect(AUTH)).toEqual({
      type: AUTH,
      reasonCode: ReasonCode.SUCCESS,
      properties: { authenticationMethod: METHOD },
    });
  });

  it('is a protocol error with an answer that nobody asked for yet', async () => {
    const { riddle, test } = started();
    const client = await admitted(test);
    riddle.answer = () => new Promise(() => {});
    client.send(auth(REAUTHENTICATE, 'ann'), auth(CONTINUE_AUTHENTICATION, 'answer'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    await client.expectClose();
  });

  it('does nothing any more for a client that has gone', async () => {
    const { riddle, test } = started();
    const first = await admitted(test);
    const answers: ((step: AuthenticationStep) => void)[] = [];
    riddle.answer = () => new Promise((resolve) => answers.push(resolve));
    const second = test.client(5);
    const third = test.client(5);
    sendConnect(second);
    sendConnect(third);
    while (answers.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const client of [second, third]) {
      client.cut();
      await client.expectClose();
    }
    const { packetsSent } = test.broker.counters;
    answers[0]({ admitted: true, username: 'ann', rule: 'riddle:1' });
    answers[1]({ challenge: bytes('question') });
    await new Promise((resolve) => setImmediate(resolve));
    expect(test.broker.counters.packetsSent).toBe(packetsSent);
    await first.expectNothing();
    expect([...second.inbox, ...third.inbox]).toEqual([]);
    expect(test.broker.gauges).toMatchObject({ connections: 1, clientsConnected: 1 });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the user database is gone');
      },
    ],
    ['fails later', () => Promise.reject(new Error('the user database is gone'))],
  ])('lets nobody in, and lets nobody stay, when the authenticator %s', async (_, answer) => {
    const { riddle, test } = started();
    const inside = await admitted(test);
    riddle.answer = answer;
    inside.send(auth(REAUTHENTICATE, 'ann'));
    const farewell = await inside.expect(DISCONNECT);
    expect(farewell.reasonCode).toBe(ReasonCode.UNSPECIFIED_ERROR);
    expect(farewell.properties?.reasonString).not.toContain('database');
    const outside = test.client(5);
    sendConnect(outside);
    await expectRefusal(outside, ReasonCode.UNSPECIFIED_ERROR);
    expect(test.log.lines.filter((line) => line.includes('the user database is gone'))).toHaveLength(2);
  });

  it('may ask without data, and be answered without', async () => {
    const { riddle, test } = started();
    const client = test.client(5);
    riddle.answer = () => Promise.resolve({ challenge: undefined });
    sendConnect(client);
    const question = { type: AUTH, reasonCode: CONTINUE_AUTHENTICATION, properties: { authenticationMethod: METHOD } };
    expect(await client.expect(AUTH)).toEqual(question);
    riddle.answer = () => Promise.resolve({ admitted: true, username: undefined, rule: 'riddle:3' });
    client.send({ type: AUTH, reasonCode: CONTINUE_AUTHENTICATION, properties: { authenticationMethod: METHOD } });
    expect((await client.expect(CONNACK)).properties).not.toHaveProperty('authenticationData');
  });

  it('ends with PACKET_TOO_LARGE when the client takes no packet as large as the question', async () => {
    const { test } = started();
    const client = test.client(5);
    const properties = { authenticationMethod: METHOD, authenticationData: bytes('ann'), maximumPacketSize: 20 };
    sendConnect(client, 'ann', METHOD, 'a', { properties });
    await expectRefusal(client, ReasonCode.PACKET_TOO_LARGE); // [MQTT-3.1.2-24]
  });

  it('hands the password on with CONNECT alone', async () => {
    const { riddle, test } = started();
    const client = test.client(5);
    sendConnect(client, 'ann', METHOD, 'a', { username: 'the user', password: bytes('the password') });
    await client.expect(AUTH);
    client.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    await client.expect(CONNACK);
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    expect(riddle.begun.map(({ username, password }) => [username, text(password)])).toEqual([
      ['the user', 'the password'],
      ['the user', ''],
    ]);
  });

  it('tells a code that only CONNACK knows as NOT_AUTHORIZED when it fails later', async () => {
    const { riddle, test } = started();
    const client = await admitted(test);
    riddle.refusal = ReasonCode.BAD_USER_NAME_OR_PASSWORD;
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.send(auth(CONTINUE_AUTHENTICATION, 'guess'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    expect(test.log.lines).toContain('Client a [127.0.0.1:5] not admitted: riddle:2');
  });

  it('ends the connection when the method is not offered any more', async () => {
    const { riddle, test } = started();
    const client = await admitted(test);
    riddle.method = null;
    client.send(auth(REAUTHENTICATE, 'ann'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.BAD_AUTHENTICATION_METHOD);
  });

  it('is not for clients without a method, nor the plain authenticator for those with one', async () => {
    const riddle = new Riddle();
    const asked: string[] = [];
    const authenticator: Authenticator = {
      authenticate: ({ clientId, username }) => {
        asked.push(clientId);
        return { admitted: true, username, rule: 'all' };
      },
    };
    const test = new TestBroker({ authenticator, enhancedAuthenticator: riddle });
    await test.connected('plain', 5);
    await admitted(test);
    expect(asked).toEqual(['plain']);
    expect(riddle.begun.map(({ clientId }) => clientId)).toEqual(['a']);
  });

  it('is in the log as other packets are, without its data', async () => {
    const log = new RecordingLog();
    log.types = 0xff;
    const test = new TestBroker({ enhancedAuthenticator: new Riddle(), log });
    await admitted(test);
    const lines = log.lines.filter((line) => line.includes('AUTH'));
    expect(lines).toEqual(['Sending AUTH to a (rc24, riddle)', 'Received AUTH from a (rc24, riddle)']);
    expect(log.lines.join()).not.toMatch(/question|answer/);
  });

  it.each([
    ['continues what has ended', auth(CONTINUE_AUTHENTICATION, 'answer')],
    ['names another method', auth(REAUTHENTICATE, 'ann', 'other')],
    ['says success', auth(ReasonCode.SUCCESS, '')],
  ])('is a protocol error when AUTH %s', async (_, packet) => {
    const { test } = started();
    const client = await admitted(test);
    client.send(packet);
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
    await client.expectClose();
  });

  it('is a protocol error when AUTH asks again while asked already', async () => {
    const { test } = started();
    const client = await admitted(test);
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.send(auth(REAUTHENTICATE, 'ann'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
  });

  it('is a protocol error of a client without a method in CONNECT', async () => {
    const { test } = started();
    const client = await test.connected('plain', 5);
    client.send(auth(REAUTHENTICATE, 'ann'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.PROTOCOL_ERROR);
  });

  it('as another user ends the connection', async () => {
    const { riddle, test } = started();
    const client = await admitted(test);
    riddle.impostor = 'bob';
    client.send(auth(REAUTHENTICATE, 'ann'));
    await client.expect(AUTH);
    client.send(auth(CONTINUE_AUTHENTICATION, 'answer'));
    expect((await client.expect(DISCONNECT)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
  });

  it('leaves out method and data of clients that named none', async () => {
    const { test } = started();
    const client = test.client(5);
    const { properties } = await client.connect({ clientId: 'plain' });
    expect(properties).not.toHaveProperty('authenticationMethod'); // [MQTT-4.12.0-6]
    expect(properties).not.toHaveProperty('authenticationData');
  });
});
