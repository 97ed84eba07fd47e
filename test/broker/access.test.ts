import type { Admission, Authenticator, Authorizer, Credentials, Decision, Principal } from '@cauldron/broker';
import { ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK, PUBREC, PUBREL, PUBCOMP, PINGRESP } = PacketType;

/** Answers that are held back until the test gives them. */
class Answers {
  isLate = false;
  readonly #waiting: (() => void)[] = [];

  answer<Answer>(answer: Answer | Error): Answer | Promise<Answer> {
    if (!this.isLate) {
      if (answer instanceof Error) throw answer;
      return answer;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Gives all answers that are held back; resolves when whatever follows from them has happened. */
  async release(): Promise<void> {
    for (const give of this.#waiting.splice(0)) give();
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Everything is allowed but what stands in `denied`, as `USER ACTION TOPIC`. */
class Rules extends Answers implements Authorizer {
  readonly unrestricted = false;
  version = 1;
  readonly denied = new Set<string>();
  readonly asked: string[] = [];
  fault: Error | null = null;

  mayPublish(client: Principal, topic: string): Decision | Promise<Decision> {
    return this.answer(this.fault ?? this.#judge(client, 'publish', topic));
  }

  maySubscribe(client: Principal, filter: string): Decision | Promise<Decision> {
    return this.answer(this.fault ?? this.#judge(client, 'subscribe', filter));
  }

  mayReceive(client: Principal, topic: string): Decision {
    return this.#judge(client, 'receive', topic);
  }

  #judge({ username }: Principal, action: string, topic: string): Decision {
    const question = `${username} ${action} ${topic}`;
    this.asked.push(question);
    return { allowed: !this.denied.has(question), rule: `rules:7: ${question}` };
  }
}

/** Knows everybody but `stranger`, who is refused. */
class Door extends Answers implements Authenticator {
  fault: Error | null = null;

  authenticate({ username }: Credentials): Admission | Promise<Admission> {
    const refusal = { reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD, reason: 'not known here', rule: 'users:3' };
    return this.answer(
      this.fault ??
        (username === 'stranger' ? { admitted: false, ...refusal } : { admitted: true, username, rule: 'users:1' }),
    );
  }
}

describe.each([
  ['at once', false],
  ['later', true],
] as const)('an authenticator that answers %s', (_, isLate) => {
  function started() {
    const door = new Door();
    door.isLate = isLate;
    return { door, test: new TestBroker({ authenticator: door }) };
  }

  it.each([4, 5] as const)('lets clients in or refuses them; the log has the rule (version %i)', async (version) => {
    const { door, test } = started();
    const known = test.client(version);
    const welcome = known.connect({ clientId: 'a', username: 'ann' });
    const stranger = test.client(version);
    const refusal = stranger.connect({ clientId: 'b', username: 'stranger' });
    await settled();
    await door.release();
    expect((await welcome).reasonCode).toBe(0);
    const { reasonCode, properties } = await refusal;
    if (version === 5) {
      expect(reasonCode).toBe(ReasonCode.BAD_USER_NAME_OR_PASSWORD);
      expect(properties?.reasonString).toBe('not known here');
    } else expect(reasonCode).toBe(ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD);
    await stranger.expectClose();
    // The rule is for the log alone.
    expect(test.log.lines.join('\n')).toContain('Client b [127.0.0.1:5] not admitted: users:3');
    expect(JSON.stringify(properties ?? {})).not.toContain('users:3');
    expect(test.broker.gauges.clientsConnected).toBe(1);
  });

  it('that fails lets nobody in; the log says what happened', async () => {
    const { door, test } = started();
    door.fault = new Error('the user database is gone');
    const client = test.client(5);
    const answer = client.connect({ clientId: 'a' });
    await settled();
    await door.release();
    const { reasonCode, properties } = await answer;
    expect(reasonCode).toBe(ReasonCode.UNSPECIFIED_ERROR);
    expect(properties?.reasonString).not.toContain('database');
    await client.expectClose();
    expect(test.log.lines.join('\n')).toContain('the user database is gone');
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 0 });
  });
});

describe('while an authenticator thinks', () => {
  it('nothing more is read of that client, and others go on', async () => {
    const door = new Door();
    const test = new TestBroker({ authenticator: door });
    const other = await test.connected('other');
    door.isLate = true;
    const client = test.client(4);
    const answer = client.connect({ clientId: 'a' });
    client.publish('t', 'x', { qos: 1 });
    client.send({ type: PacketType.PINGREQ });
    await settled();
    expect(client.inbox).toEqual([]);
    expect(test.broker.counters.publishReceived).toBe(0);
    await other.expectNothing();
    await door.release();
    await answer;
    await client.expect(PUBACK);
    await client.expect(PINGRESP);
  });

  it('a client that goes takes nobody’s place, and leaves no session', async () => {
    const door = new Door();
    const test = new TestBroker({ authenticator: door });
    const first = await test.connected('a');
    door.isLate = true;
    const second = test.client(4);
    void second.connect({ clientId: 'a' }).catch(() => {});
    const third = test.client(4);
    void third.connect({ clientId: 'b' }).catch(() => {});
    await settled();
    second.cut();
    third.cut();
    await settled();
    await door.release();
    await first.expectNothing();
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 1, sessions: 1 });
  });

  it('the time limit to CONNECT goes on', async () => {
    const door = new Door();
    door.isLate = true;
    const test = new TestBroker({ authenticator: door, settings: { connectTimeoutMs: 5000 } });
    const client = test.client(5);
    const answer = client.connect({ clientId: 'a' });
    await settled();
    test.clock.advance(6000);
    expect((await answer).reasonCode).toBe(ReasonCode.SERVER_BUSY);
    await client.expectClose();
    await door.release();
    expect(test.broker.gauges).toMatchObject({ clientsConnected: 0, sessions: 0 });
  });
});

describe.each([
  ['at once', false],
  ['later', true],
] as const)('an authorizer that answers %s', (_, isLate) => {
  async function started(version: 4 | 5) {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const client = await test.connected('client', version, { username: 'ann' });
    rules.isLate = isLate;
    return { rules, test, client };
  }

  it.each([4, 5] as const)('denies PUBLISH by reason code in 5.0, silently before (version %i)', async (version) => {
    const { rules, test, client } = await started(version);
    const watcher = await test.connected('watcher', 5, { username: 'bob' });
    rules.isLate = false;
    await watcher.subscribe('#', 2);
    rules.isLate = isLate;
    rules.denied.add('ann publish secret');
    const said = version === 5 ? ReasonCode.NOT_AUTHORIZED : ReasonCode.SUCCESS;
    for (let round = 0; round < 2; round++) {
      client.publish('secret', 'x');
      client.publish('secret', 'x', { qos: 1, packetId: 1 });
      client.publish('secret', 'x', { qos: 2, packetId: 2 });
      client.publish('secret', 'x', { retain: true });
      for (let i = 0; i < 4; i++) {
        await settled();
        await rules.release();
      }
      const first = await client.expect(PUBACK);
      expect(first).toMatchObject({ packetId: 1, reasonCode: said });
      if (version === 5) expect(first.properties?.reasonString).toBe('not authorised');
      expect(await client.expect(PUBREC)).toMatchObject({ packetId: 2, reasonCode: said });
      if (version === 4) {
        client.acknowledge(PUBREL, 2);
        await client.expect(PUBCOMP);
      }
    }
    await watcher.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect(test.log.lines).toContain("Denied PUBLISH from client to 'secret': rules:7: ann publish secret");
  });

  it.each([4, 5] as const)('denies SUBSCRIBE for each filter (version %i)', async (version) => {
    const { rules, test, client } = await started(version);
    rules.denied.add('ann subscribe secret/#');
    const answer = client.subscribe([{ filter: 'open' }, { filter: 'secret/#' }, { filter: 'open/too' }], 1);
    for (let i = 0; i < 4; i++) {
      await settled();
      await rules.release();
    }
    const { reasonCodes, properties } = await answer;
    expect(reasonCodes).toEqual([1, version === 5 ? ReasonCode.NOT_AUTHORIZED : ReasonCode.UNSPECIFIED_ERROR, 1]);
    if (version === 5) expect(properties?.reasonString).toBe('not authorised');
    expect(test.log.lines).toContain("Denied SUBSCRIBE from client to 'secret/#': rules:7: ann subscribe secret/#");
    expect(test.broker.gauges.subscriptions).toBe(2);
  });

  it('is asked once for each client and topic, and the answers keep the order of packets', async () => {
    const { rules, test, client } = await started(5);
    const watcher = await test.connected('watcher', 5, { username: 'bob' });
    rules.isLate = false;
    await watcher.subscribe('#', 1);
    rules.isLate = isLate;
    rules.asked.length = 0;
    const sent = ['a', 'a', 'b', 'a', 'b', 'c'];
    for (const [i, topic] of sent.entries()) client.publish(topic, `${i}`, { qos: 1, packetId: i + 1 });
    for (let i = 0; i < sent.length; i++) {
      await settled();
      // One question at a time: nothing behind it is read.
      expect(rules.waiting).toBeLessThanOrEqual(1);
      await rules.release();
    }
    for (const [i, topic] of sent.entries()) {
      expect(await client.expect(PUBACK)).toMatchObject({ packetId: i + 1, reasonCode: 0 });
      expect(await watcher.expectMessage()).toMatchObject({ topic, text: `${i}` });
    }
    expect(rules.asked.filter((question) => question.includes('publish'))).toEqual([
      'ann publish a',
      'ann publish b',
      'ann publish c',
    ]);
  });
});

describe('an authorizer', () => {
  it('that fails later allows nothing; the log says what happened', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const client = await test.connected('client', 5);
    rules.isLate = true;
    rules.fault = new Error('the rules are gone');
    client.publish('t', 'x', { qos: 1 });
    await settled();
    await rules.release();
    expect((await client.expect(PUBACK)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
    const answer = client.subscribe('t');
    await settled();
    await rules.release();
    expect((await answer).reasonCodes).toEqual([ReasonCode.NOT_AUTHORIZED]);
    expect(test.log.lines.join('\n')).toContain('the authorizer failed: Error: the rules are gone');
  });

  it('whose rules change before its answer is there is asked again for the next message', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const client = await test.connected('client', 5, { username: 'ann' });
    rules.isLate = true;
    client.publish('t', 'asked before', { qos: 1 });
    await settled();
    rules.denied.add('ann publish t');
    rules.version++;
    await rules.release();
    expect((await client.expect(PUBACK)).reasonCode).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    client.publish('t', 'asked after', { qos: 1 });
    await settled();
    await rules.release();
    expect((await client.expect(PUBACK)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
  });

  it('that answers after the client has gone is not heard', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const other = await test.connected('other', 5);
    await other.subscribe('t');
    const client = await test.connected('client', 5);
    rules.isLate = true;
    client.publish('t', 'x');
    await settled();
    client.cut();
    await settled();
    await rules.release();
    await other.expectNothing();
  });

  it('decides for each topic what a subscription brings, retained messages too', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const publisher = await test.connected('publisher', 5, { username: 'bob' });
    for (const topic of ['open', 'secret']) await publishThrough(publisher, topic, 'kept', { qos: 1, retain: true });
    rules.denied.add('ann receive secret');
    const client = await test.connected('client', 5, { username: 'ann' });
    await client.subscribe('#');
    expect(await client.expectMessage()).toMatchObject({ topic: 'open', retain: true });
    for (const qos of [0, 1] as const) {
      publisher.publish('secret', 'x', { qos });
      if (qos === 1) {
        expect((await publisher.expect(PUBACK)).reasonCode).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
      }
    }
    publisher.publish('open', 'x');
    expect(await client.expectMessage()).toMatchObject({ topic: 'open', retain: false });
    await client.expectNothing();
  });

  it('is asked once about each member of a shared subscription and topic, until the rules change', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const publisher = await test.connected('publisher', 5, { username: 'bob' });
    const members = [
      await test.connected('m1', 5, { username: 'ann' }),
      await test.connected('m2', 5, { username: 'carl' }),
    ];
    for (const member of members) await member.subscribe('$share/g/#');
    rules.asked.length = 0;
    for (let i = 0; i < 6; i++) publisher.publish('t', 'x');
    await publisher.settle();
    expect(rules.asked.sort()).toEqual(['ann receive t', 'bob publish t', 'carl receive t']);
    rules.denied.add('ann receive t');
    rules.version++;
    for (let i = 0; i < 6; i++) test.broker.publish('t', 'x');
    for (const member of members) await member.settle();
    expect(members.map(({ inbox }) => inbox.length)).toEqual([3, 9]);
  });

  it('whose rules change is obeyed by the very next message, in both directions', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const publisher = await test.connected('publisher', 5, { username: 'bob' });
    const client = await test.connected('client', 5, { username: 'ann' });
    await client.subscribe('t');
    for (let i = 0; i < 3; i++) {
      await publishThrough(publisher, 't', 'allowed', { qos: 1 });
      await client.expectMessage();
    }
    rules.denied.add('ann receive t');
    rules.version++;
    expect(await publishThrough(publisher, 't', 'x', { qos: 1 })).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    await client.expectNothing();
    rules.denied.add('bob publish t');
    rules.denied.delete('ann receive t');
    rules.version++;
    expect(await publishThrough(publisher, 't', 'x', { qos: 1 })).toBe(ReasonCode.NOT_AUTHORIZED);
    rules.denied.clear();
    rules.version++;
    expect(await publishThrough(publisher, 't', 'x', { qos: 1 })).toBe(ReasonCode.SUCCESS);
    expect((await client.expectMessage()).text).toBe('x');
  });

  it('is asked again when another user resumes the session', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const lasting = { clean: false, properties: { sessionExpiryInterval: 100 } };
    const other = await test.connected('other', 5, { username: 'carl' });
    const ann = await test.connected('client', 5, { ...lasting, username: 'ann' });
    await ann.subscribe('news', 1);
    rules.denied.add('bob publish t');
    rules.denied.add('bob receive news');
    for (let i = 0; i < 2; i++) {
      await publishThrough(ann, 't', 'x', { qos: 1 });
      await publishThrough(other, 'news', 'x', { qos: 1 });
      ann.acknowledge(PUBACK, (await ann.expectMessage()).packetId ?? 0);
    }
    const bob = await test.connected('client', 5, { ...lasting, username: 'bob' });
    expect(await publishThrough(bob, 't', 'x', { qos: 1 })).toBe(ReasonCode.NOT_AUTHORIZED);
    expect(await publishThrough(other, 'news', 'x', { qos: 1 })).toBe(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    await bob.expectNothing();
  });

  it('decides about wills when they are published', async () => {
    const rules = new Rules();
    const test = new TestBroker({ authorizer: rules });
    const watcher = await test.connected('watcher', 5, { username: 'bob' });
    await watcher.subscribe('will/#');
    rules.denied.add('ann publish will/no');
    for (const topic of ['will/no', 'will/yes']) {
      const will = { topic, payload: new Uint8Array(1), qos: 0, retain: false } as const;
      const client = await test.connected(topic, 5, { username: 'ann', will });
      client.cut();
      await client.expectClose();
    }
    expect((await watcher.expectMessage()).topic).toBe('will/yes');
    await watcher.expectNothing();
    expect(test.log.lines).toContain("Denied will of client will/no to 'will/no': rules:7: ann publish will/no");
  });
});
