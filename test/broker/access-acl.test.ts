import { type Authorizer, DEFAULT_LISTENER, type Decision, type Principal } from '@cauldron/broker';
import { AclRules, parseAclFile } from '@cauldron/broker/acl';
import { PacketType, type QoS, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeMessage } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';
import type { TestClient } from '../support/test-client.js';

const { PUBACK, PUBREC } = PacketType;
const LASTING = { clean: false, properties: { sessionExpiryInterval: 1000 } };

/** The lines of an ACL file, which can be changed. `admin` may do all. */
class Lines implements Authorizer {
  readonly unrestricted = false;
  version = 1;
  #rules = new AclRules(parseAclFile('acl', ''));

  constructor(...lines: string[]) {
    this.say(...lines);
  }

  say(...lines: string[]): void {
    this.#rules = new AclRules(parseAclFile('acl', [...lines, 'user admin', 'topic #', 'topic $SYS/#'].join('\n')));
    this.version++;
  }

  mayPublish(client: Principal, topic: string): Decision {
    return this.#rules.mayPublish(client, topic);
  }

  maySubscribe(): Decision {
    return this.#rules.maySubscribe();
  }

  mayReceive(client: Principal, topic: string): Decision {
    return this.#rules.mayReceive(client, topic);
  }
}

function started(lines: readonly string[], settings = {}) {
  const rules = new Lines(...lines);
  return { rules, test: new TestBroker({ authorizer: rules, settings }) };
}

/** Of all that came and comes, each seen through. */
async function topicsThatCame(client: TestClient): Promise<string[]> {
  client.acknowledgeAll();
  for (const packet of [...client.inbox]) {
    if (packet.type !== PacketType.PUBLISH || packet.packetId === undefined) continue;
    client.acknowledge(packet.qos === 1 ? PUBACK : PUBREC, packet.packetId);
  }
  await client.settle();
  return client.inbox.flatMap((packet) => (packet.type === PacketType.PUBLISH ? [packet.topic] : []));
}

const will = (topic: string) => {
  return { topic, payload: new TextEncoder().encode('gone'), qos: 0 as QoS, retain: false };
};

describe.each([4, 5] as const)('what an ACL file does not give to a client of version %i', (version) => {
  const refused = version === 5 ? ReasonCode.NOT_AUTHORIZED : ReasonCode.SUCCESS;

  it('cannot be published: 5.0 is told, before that it is acknowledged, and it goes nowhere', async () => {
    const { test } = started(['user ann', 'topic write open', 'topic read secret']);
    const watcher = await test.connected('watcher', 5, { username: 'admin' });
    await watcher.subscribe('#', 2);
    const client = await test.connected('client', version, { username: 'ann' });
    client.publish('secret', 'x');
    client.publish('secret', 'x', { qos: 1, packetId: 1, retain: true });
    client.publish('secret', 'x', { qos: 2, packetId: 2 });
    client.publish('open', 'x');
    expect((await client.expect(PUBACK)).reasonCode).toBe(refused);
    expect((await client.expect(PUBREC)).reasonCode).toBe(refused);
    expect((await takeMessage(watcher)).topic).toBe('open');
    await watcher.expectNothing();
    expect(test.broker.gauges.retained).toBe(0);
    expect(test.log.lines).toContain("Denied PUBLISH from client to 'secret': acl: no line allows it");
  });

  it('can be subscribed to, as with Mosquitto, and is never delivered, at no QoS', async () => {
    const { test } = started(['user ann', 'topic read open/#', 'topic deny open/secret', 'topic write secret']);
    const client = await test.connected('client', version, { username: 'ann' });
    const { reasonCodes } = await client.subscribe(
      ['#', 'secret', 'open/secret'].map((filter) => ({ filter })),
      2,
    );
    expect(reasonCodes).toEqual([2, 2, 2]);
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    for (const qos of [0, 1, 2] as const) {
      for (const topic of ['secret', 'open/secret', 'open/x']) await publishThrough(publisher, topic, 'x', { qos });
    }
    await publisher.settle();
    expect(await topicsThatCame(client)).toEqual(['open/x', 'open/x', 'open/x']);
  });

  it('is not among the retained messages that a new subscription brings', async () => {
    const { test } = started(['user ann', 'topic read open/#', 'topic deny open/secret']);
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    for (const topic of ['secret', 'open/secret', 'open/x']) {
      await publishThrough(publisher, topic, 'x', { qos: 1, retain: true });
    }
    const client = await test.connected('client', version, { username: 'ann' });
    await client.subscribe('#', 1);
    expect(await topicsThatCame(client)).toEqual(['open/x']);
  });

  it('is not where its will goes', async () => {
    const { test } = started(['user ann', 'topic write open']);
    const watcher = await test.connected('watcher', 5, { username: 'admin' });
    await watcher.subscribe('#');
    for (const topic of ['secret', 'open']) {
      (await test.connected(`client-${topic}`, version, { username: 'ann', will: will(topic) })).cut();
    }
    expect((await takeMessage(watcher)).topic).toBe('open');
    await watcher.expectNothing();
    expect(test.log.lines).toContain("Denied will of client client-secret to 'secret': acl: no line allows it");
  });

  it('goes to other members of its shared subscription', async () => {
    const { test } = started(['user ann', 'topic read open', 'user bob', 'topic read #']);
    const [ann, bob] = [
      await test.connected('a', version, { username: 'ann' }),
      await test.connected('b', version, { username: 'bob' }),
    ];
    for (const member of [ann, bob]) await member.subscribe('$share/g/#');
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    for (let i = 0; i < 6; i++) publisher.publish('secret', 'x');
    for (let i = 0; i < 2; i++) publisher.publish('open', 'x');
    await publisher.settle();
    expect(await topicsThatCame(ann)).toEqual(['open']);
    expect((await topicsThatCame(bob)).filter((topic) => topic === 'secret')).toHaveLength(6);
  });

  it('does not come with the session of another user that it takes over', async () => {
    const { test } = started(['user ann', 'topic read #', 'user eve', 'topic read open']);
    const ann = await test.connected('client', version, { username: 'ann', ...LASTING });
    await ann.subscribe('#', 1);
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    await publishThrough(publisher, 'secret', 'in flight', { qos: 1 });
    await ann.settle();
    ann.cut();
    for (const topic of ['secret', 'open']) await publishThrough(publisher, topic, 'queued', { qos: 1 });
    const eve = await test.connected('client', version, { username: 'eve', ...LASTING });
    await publishThrough(publisher, 'secret', 'now', { qos: 1 });
    expect(await topicsThatCame(eve)).toEqual(['open']);
  });

  it('is all below $SYS but the state of a bridge, as far as writing goes', async () => {
    const { test } = started(['user ann', 'topic readwrite $SYS/#', 'topic readwrite #']);
    const watcher = await test.connected('watcher', 5, { username: 'admin' });
    await watcher.subscribe('$SYS/#');
    const client = await test.connected('client', version, { username: 'ann' });
    const state = '$SYS/broker/connection/home/state';
    client.publish('$SYS/broker/uptime', 'x', { qos: 1 });
    client.publish(state, '1', { qos: 1 });
    expect((await client.expect(PUBACK)).reasonCode).toBe(refused);
    expect((await client.expect(PUBACK)).reasonCode).toBe(ReasonCode.SUCCESS);
    expect((await takeMessage(watcher)).topic).toBe(state);
    await watcher.expectNothing();
  });

  it('is looked for below its mount point', async () => {
    const { test } = started(['user ann', 'topic readwrite m/open', 'topic readwrite secret']);
    const watcher = await test.connected('watcher', 5, { username: 'admin' });
    await watcher.subscribe('#');
    const client = test.client(version, { ...DEFAULT_LISTENER, mountPoint: 'm/' });
    await client.connect({ clientId: 'client', username: 'ann' });
    await client.subscribe('#');
    client.publish('secret', 'x', { qos: 1 });
    expect((await client.expect(PUBACK)).reasonCode).toBe(refused);
    client.publish('open', 'x');
    watcher.publish('m/secret', 'x');
    await watcher.settle();
    expect(await topicsThatCame(client)).toEqual(['open']);
    expect((await takeMessage(watcher)).topic).toBe('m/open');
  });
});

describe.each([4, 5] as const)('a right that is taken from a connected client of version %i', (version) => {
  const ALL = ['user ann', 'topic #'];
  const LESS = ['user ann', 'topic #', 'topic deny secret/#'];

  it('to publish ends with the next message', async () => {
    const { rules, test } = started(ALL);
    const watcher = await test.connected('watcher', 5, { username: 'admin' });
    await watcher.subscribe('#');
    const client = await test.connected('client', version, { username: 'ann' });
    for (let i = 0; i < 3; i++) client.publish('secret/x', 'before');
    await client.settle();
    rules.say(...LESS);
    for (let i = 0; i < 3; i++) client.publish('secret/x', 'after');
    client.publish('open', 'after');
    await client.settle();
    for (let i = 0; i < 3; i++) expect((await takeMessage(watcher)).text).toBe('before');
    expect((await takeMessage(watcher)).topic).toBe('open');
    await watcher.expectNothing();
  });

  it('to receive ends with the next message, and for what waits', async () => {
    const { rules, test } = started(ALL, { maxInflightMessages: 1 });
    const client = await test.connected('client', version, { username: 'ann' });
    await client.subscribe('#', 1);
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    for (const topic of ['open', 'secret/1', 'secret/2']) await publishThrough(publisher, topic, 'x', { qos: 1 });
    rules.say(...LESS);
    await publishThrough(publisher, 'secret/3', 'x', { qos: 1 });
    await publishThrough(publisher, 'last', 'x', { qos: 1 });
    expect((await takeMessage(client)).topic).toBe('open');
    expect((await takeMessage(client)).topic).toBe('last');
    await client.expectNothing();
  });

  it.each([0, 1, 2] as const)('ends for retained messages that are on their way to it (QoS %i)', async (qos) => {
    const { rules, test } = started(ALL, { maxInflightMessages: 1, checkRetainSource: false });
    const publisher = await test.connected('publisher', 5, { username: 'admin' });
    for (let i = 0; i < 40; i++) {
      await publishThrough(publisher, `secret/${i}`, 'x'.repeat(60_000), { qos: 1, retain: true });
    }
    const client = await test.connected('client', version, { username: 'ann' });
    // With QoS 0 the socket is what it waits for, else the acknowledgement of the first.
    if (qos === 0) client.pause();
    const suback = client.subscribe('#', qos);
    await publisher.settle();
    rules.say(...LESS);
    if (qos === 0) client.resume();
    await suback;
    const came = await topicsThatCame(client);
    if (qos > 0) expect(came).toEqual(['secret/0']);
    else expect(came.length).toBeLessThan(20);
  });
});
