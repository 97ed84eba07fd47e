import {
  type Authorizer,
  DEFAULT_LISTENER,
  type Decision,
  type ListenerPolicy,
  type Principal,
} from '@cauldron/broker';
import { ConnectReturnCode, PacketType, type ProtocolVersion, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const LASTING = { clean: false, properties: { sessionExpiryInterval: 1000 } };

/** Everything is allowed, but what stands in `denied`, as `USER ACTION TOPIC`, from the next change on. */
class Rules implements Authorizer {
  readonly unrestricted = false;
  version = 1;
  asked = 0;
  #denied = new Set<string>();

  deny(...denied: string[]): void {
    this.#denied = new Set(denied);
    this.version++;
  }

  mayPublish = (client: Principal, topic: string): Decision => this.#judge(client, 'publish', topic);
  maySubscribe = (client: Principal, filter: string): Decision => this.#judge(client, 'subscribe', filter);
  mayReceive = (client: Principal, topic: string): Decision => this.#judge(client, 'receive', topic);

  #judge({ username }: Principal, action: string, topic: string): Decision {
    this.asked++;
    const question = `${username} ${action} ${topic}`;
    return { allowed: !this.#denied.has(question), rule: `rules:7: ${question}` };
  }
}

function started(settings = {}) {
  const rules = new Rules();
  return { rules, test: new TestBroker({ authorizer: rules, settings }) };
}

/** Topic and text of all that the client is sent. */
async function messages(client: TestClient): Promise<string[]> {
  client.acknowledgeAll();
  for (const packet of client.inbox.splice(0)) {
    if (packet.type === PacketType.PUBLISH && packet.packetId !== undefined) {
      client.acknowledge(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetId);
    }
    client.inbox.push(packet);
  }
  await client.settle();
  return client.inbox.flatMap((packet) =>
    packet.type === PacketType.PUBLISH ? [`${packet.topic} ${new TextDecoder().decode(packet.payload)}`] : [],
  );
}

const ann = { username: 'ann', ...LASTING };

describe('messages that wait for a client', () => {
  it.each([0, 1, 2] as const)('are not for it any more if the rules changed meanwhile (QoS %i)', async (qos) => {
    const { rules, test } = started({ queueQoS0Messages: true });
    const client = await test.connected('client', 5, ann);
    await client.subscribe('#', 2);
    client.cut();
    const publisher = await test.connected('publisher', 5, { username: 'pub' });
    await publishThrough(publisher, 'secret', '1', { qos });
    await publishThrough(publisher, 'open', '2', { qos });
    await publisher.settle();
    rules.deny('ann receive secret');
    await publishThrough(publisher, 'secret', '3', { qos });
    await publishThrough(publisher, 'open', '4', { qos });
    await publisher.settle();
    const again = await test.connected('client', 5, ann);
    expect(await messages(again)).toEqual(['open 2', 'open 4']);
    expect(test.broker.counters.publishDropped).toBe(1);
    expect(test.log.lines.join('\n')).toContain(
      "Dropping messages for client client: the access rules do not let it have them any more (topic 'secret').",
    );
    // They are gone for good.
    rules.deny();
    again.cut();
    await (await test.connected('client', 5, ann)).expectNothing();
  });

  it('are not for it while it is connected, either', async () => {
    const { rules, test } = started({ maxInflightMessages: 1 });
    const client = await test.connected('client', 5, { username: 'ann' });
    await client.subscribe('#', 1);
    const publisher = await test.connected('publisher', 5, { username: 'pub' });
    for (const topic of ['open', 'secret', 'open']) await publishThrough(publisher, topic, topic, { qos: 1 });
    rules.deny('ann receive secret');
    expect((await takeMessage(client)).text).toBe('open');
    expect((await takeMessage(client)).text).toBe('open');
    await client.expectNothing();
  });

  it('are not for another user who comes with the same client id, even those that were in flight', async () => {
    const { rules, test } = started();
    rules.deny('eve receive secret');
    const client = await test.connected('client', 5, ann);
    await client.subscribe('#', 2);
    const publisher = await test.connected('publisher', 5, { username: 'pub' });
    for (const qos of [1, 2] as const) {
      await publishThrough(publisher, 'secret', 'flies', { qos });
      await publishThrough(publisher, 'open', 'flies', { qos });
    }
    await client.settle();
    client.cut();
    await publishThrough(publisher, 'secret', 'waits', { qos: 1 });
    await publishThrough(publisher, 'open', 'waits', { qos: 1 });
    const eve = await test.connected('client', 5, { username: 'eve', ...LASTING });
    expect(await messages(eve)).toEqual(['open flies', 'open flies', 'open waits']);
    expect(test.broker.counters.publishDropped).toBe(3);
  });

  it('are asked about again after a restart of the broker, which may have begun with other rules', async () => {
    const { rules, test } = started();
    const client = await test.connected('client', 5, ann);
    await client.subscribe('#', 1);
    client.cut();
    const publisher = await test.connected('publisher', 5, { username: 'pub' });
    for (const topic of ['secret', 'open']) await publishThrough(publisher, topic, 'x', { qos: 1 });
    rules.deny('ann receive secret');
    test.restart();
    const again = await test.connected('client', 5, ann);
    expect(await takeMessage(again)).toMatchObject({ topic: 'open' });
    await again.expectNothing();
  });

  it('are not asked about if nothing changed', async () => {
    const { rules, test } = started();
    const client = await test.connected('client', 5, ann);
    await client.subscribe('#', 1);
    client.cut();
    const publisher = await test.connected('publisher', 5, { username: 'pub' });
    for (let i = 0; i < 5; i++) await publishThrough(publisher, 'open', 'x', { qos: 1 });
    const again = await test.connected('client', 5, ann);
    const { asked } = rules;
    for (let i = 0; i < 5; i++) await takeMessage(again);
    expect(rules.asked).toBe(asked);
  });
});

it('a will goes out by the rights that its client has when it goes, whatever somebody does when it is gone', async () => {
  const { rules, test } = started();
  test.broker.on('disconnect', () => rules.deny('ann publish will'));
  const watcher = await test.connected('watcher', 5, { username: 'watcher' });
  await watcher.subscribe('will');
  const will = { topic: 'will', payload: new TextEncoder().encode('gone'), qos: 0 as QoS, retain: false };
  (await test.connected('client', 5, { username: 'ann', will })).cut();
  expect((await takeMessage(watcher)).text).toBe('gone');
});

const BEFORE: ListenerPolicy = { ...DEFAULT_LISTENER, name: 'before' };

async function connected(
  test: TestBroker,
  clientId: string,
  listener: ListenerPolicy,
  version: ProtocolVersion = 5,
  connect = {},
): Promise<TestClient> {
  const client = test.client(version, listener);
  await client.connect({ clientId, ...connect });
  return client;
}

describe.each([3, 4, 5] as const)('when the policy of its listener changes, a client of version %i', (version) => {
  async function changed(change: Partial<ListenerPolicy> | null, connect = {}) {
    const test = new TestBroker();
    const elsewhere = await connected(test, 'elsewhere', { ...BEFORE }, version, connect);
    const client = await connected(test, 'client', BEFORE, version, connect);
    const after = change === null ? null : { ...BEFORE, ...change };
    test.broker.replacePolicies(new Map([[BEFORE, after]]));
    await elsewhere.expectNothing();
    return { test, client, after: after ?? BEFORE };
  }

  async function expectGone(
    { test, client }: { test: TestBroker; client: TestClient },
    code: ReasonCode,
    text: string,
  ) {
    if (version === 5) {
      const { reasonCode, properties } = await client.expect(PacketType.DISCONNECT);
      expect(reasonCode).toBe(code);
      expect(properties?.reasonString).toContain(text);
    }
    await client.expectClose();
    expect(test.log.lines.join('\n')).toContain(text);
    expect(test.broker.gauges.clientsConnected).toBe(1);
  }

  it('goes if it has no user name, and has to have one now', async () => {
    await expectGone(await changed({ allowAnonymous: false }), ReasonCode.NOT_AUTHORIZED, 'allow_anonymous is false');
    const { client } = await changed({ allowAnonymous: false }, { username: 'ann' });
    await client.expectNothing();
  });

  it('goes if its protocol version is not taken any more', async () => {
    const acceptedVersions = ([3, 4, 5] as const).filter((other) => other !== version);
    await expectGone(await changed({ acceptedVersions }), ReasonCode.NOT_AUTHORIZED, 'protocol version');
    const { client } = await changed({ acceptedVersions: [version] });
    await client.expectNothing();
  });

  it('goes if user names come from elsewhere now', async () => {
    await expectGone(await changed({ usernameFrom: 'identity' }), ReasonCode.NOT_AUTHORIZED, 'user names');
  });

  it('goes if its id has to be its user name now, and is not', async () => {
    await expectGone(await changed({ usesUsernameAsClientId: true }), ReasonCode.NOT_AUTHORIZED, 'user name');
  });

  it('goes if its topics are others now', async () => {
    await expectGone(await changed({ mountPoint: 'm/' }), ReasonCode.ADMINISTRATIVE_ACTION, 'mount_point');
  });

  it('goes if its listener is no more', async () => {
    await expectGone(await changed(null), ReasonCode.ADMINISTRATIVE_ACTION, 'listener');
  });

  it('stays otherwise, and has the QoS that it was told, or else that of now', async () => {
    const { client } = await changed({ maximumQoS: 1, maxTopicAliasesFromClient: 0, allowEmptyClientId: false });
    client.publish('x', 'y', { qos: 2 });
    if (version === 5) expect((await client.expect(PacketType.PUBREC)).reasonCode).toBeLessThan(0x80);
    else await client.expectClose();
  });

  it('follows a second change, too', async () => {
    const { client, test, after } = await changed({ maximumQoS: 1 });
    test.broker.replacePolicies(new Map([[after, { ...after, allowAnonymous: false }]]));
    if (version === 5) await client.expect(PacketType.DISCONNECT);
    await client.expectClose();
  });
});

describe('when the policy of a listener changes', () => {
  it('who connects later obeys the new one, even on a connection that was there before', async () => {
    const test = new TestBroker();
    const client = test.client(4, BEFORE);
    test.broker.replacePolicies(new Map([[BEFORE, { ...BEFORE, mountPoint: 'm/' }]]));
    const watcher = await test.connected('watcher');
    await watcher.subscribe('#');
    await client.connect({ clientId: 'client' });
    client.publish('x', 'y');
    expect(await takeMessage(watcher)).toMatchObject({ topic: 'm/x' });
  });

  it('a client about whom somebody is deciding is told to try again', async () => {
    const test = new TestBroker({ authenticator: { authenticate: () => new Promise(() => {}) } });
    const [old, v5] = [test.client(4, BEFORE), test.client(5, BEFORE)];
    const answers = [old.connect({ clientId: 'a' }), v5.connect({ clientId: 'b' })];
    await new Promise<void>((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => setImmediate(resolve));
    test.broker.replacePolicies(new Map([[BEFORE, { ...BEFORE, allowAnonymous: false }]]));
    expect((await answers[0]).reasonCode).toBe(ConnectReturnCode.SERVER_UNAVAILABLE);
    expect((await answers[1]).reasonCode).toBe(ReasonCode.SERVER_BUSY);
  });

  it('topic aliases go on as the client was told', async () => {
    const test = new TestBroker();
    const client = await connected(test, 'client', BEFORE);
    test.broker.replacePolicies(new Map([[BEFORE, { ...BEFORE, maxTopicAliasesFromClient: 0 }]]));
    client.publish('x', 'y', { qos: 1, properties: { topicAlias: 10 } });
    expect((await client.expect(PacketType.PUBACK)).reasonCode).toBeLessThan(0x80);
  });

  it('a will of a client that has to go is published', async () => {
    const test = new TestBroker();
    const watcher = await test.connected('watcher');
    await watcher.subscribe('will');
    const will = { topic: 'will', payload: new TextEncoder().encode('gone'), qos: 0 as QoS, retain: false };
    await connected(test, 'client', BEFORE, 4, { will });
    test.broker.replacePolicies(new Map([[BEFORE, { ...BEFORE, allowAnonymous: false }]]));
    expect((await takeMessage(watcher)).text).toBe('gone');
  });
});

it('clients whose id is not allowed any more go when the settings change', async () => {
  const test = new TestBroker();
  const client = await test.connected('x-1', 5);
  const other = await test.connected('dev-1', 5);
  test.broker.settings.clientIdPrefix = 'dev-';
  test.broker.settingsChanged();
  expect((await client.expect(PacketType.DISCONNECT)).reasonCode).toBe(ReasonCode.NOT_AUTHORIZED);
  await other.expectNothing();
});
