import { type Authorizer, type Decision, LogType, Message, type Principal } from '@cauldron/broker';
import type { Connect } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { publishThrough, takeTexts } from '../support/exchange.js';
import { TestBroker } from '../support/test-broker.js';

const LASTING: Partial<Connect> = { clean: false, properties: { sessionExpiryInterval: 1000 } };

/** Everybody may do everything, but for some who may not publish; it may answer when the test says so. */
class Writers implements Authorizer {
  unrestricted = false;
  version = 1;
  /** Client ids and user names. */
  readonly barred = new Set<string>();
  readonly asked: Principal[] = [];
  isLate = false;
  fault: Error | null = null;
  readonly #waiting: (() => void)[] = [];

  mayPublish(client: Principal): Decision | Promise<Decision> {
    this.asked.push(client);
    const allowed = !this.barred.has(client.clientId) && !this.barred.has(client.username ?? '');
    const decision = { allowed, rule: 'writers:7' };
    if (!this.isLate) return decision;
    const { fault } = this;
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => (fault === null ? resolve(decision) : reject(fault)));
    });
  }

  maySubscribe(): Decision {
    return { allowed: true, rule: '' };
  }

  mayReceive(): Decision {
    return { allowed: true, rule: '' };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Gives the answers that are held back; resolves when whatever follows from them has happened. */
  async release(): Promise<void> {
    for (const give of this.#waiting.splice(0)) give();
    for (let i = 0; i < 6; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface Subject {
  readonly test: TestBroker;
  readonly writers: Writers;
}

/** A broker in which anna's device and bob's have each published a retained message, and are still there. */
async function withTwoMessages(): Promise<Subject> {
  const writers = new Writers();
  const test = new TestBroker({ authorizer: writers });
  for (const username of ['anna', 'bob']) {
    const device = await test.connected(`device of ${username}`, 5, { username });
    await publishThrough(device, `t/${username}`, `by ${username}`, { qos: 1, retain: true });
  }
  writers.asked.length = 0;
  return { test, writers };
}

/** What a client gets that subscribes now. */
async function retained(test: TestBroker, filter = 't/#'): Promise<string[]> {
  const client = await test.connected('reader', 5);
  await client.subscribe(filter, 1);
  client.acknowledgeAll();
  await client.settle();
  const texts = client.inbox
    .splice(0)
    .map((packet) => ('payload' in packet ? Buffer.from(packet.payload).toString() : '?'));
  client.disconnect();
  await client.expectClose();
  return texts.sort();
}

describe('check_retain_source', () => {
  it('withholds what somebody published who may not write there any more, until the right is back', async () => {
    const { test, writers } = await withTwoMessages();
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
    expect(writers.asked).toEqual([
      { clientId: 'device of anna', username: 'anna', address: expect.any(String), access: '' },
      { clientId: 'device of bob', username: 'bob', address: expect.any(String), access: '' },
    ]);
    writers.barred.add('anna');
    test.log.types |= LogType.DEBUG;
    expect(await retained(test)).toEqual(['by bob']);
    expect(test.log.lines.join('\n')).toContain(
      "Withheld the retained message of device of anna for 't/anna': writers:7",
    );
    writers.barred.clear();
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
  });

  it('asks for the user who published, by whatever name the client goes now, or after it has gone', async () => {
    const { test, writers } = await withTwoMessages();
    await test.connected('device of anna', 5, { username: 'carol' });
    writers.barred.add('anna');
    expect(await retained(test)).toEqual(['by bob']);
    writers.barred.clear();
    writers.barred.add('carol');
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
  });

  it('knows the publishers after a restart', async () => {
    const { test, writers } = await withTwoMessages();
    test.restart();
    writers.barred.add('bob');
    expect(await retained(test)).toEqual(['by anna']);
  });

  it('holds for retained wills', async () => {
    const { test, writers } = await withTwoMessages();
    const will = { topic: 't/will', payload: Buffer.from('will'), qos: 1, retain: true } as const;
    const client = await test.connected('mortal', 5, { username: 'dora', will });
    client.cut();
    await client.expectClose();
    expect(await retained(test, 't/will')).toEqual(['will']);
    writers.barred.add('dora');
    expect(await retained(test, 't/will')).toEqual([]);
  });

  it('does not ask for what the broker itself or a hook published, nor where nobody knows who did', async () => {
    const { test, writers } = await withTwoMessages();
    await test.broker.publish('t/own', 'own', { retain: true });
    test.broker.on('publish', ({ topic, payload, qos }) => {
      if (topic !== 't/hook') return undefined;
      return new Message(topic, payload, qos, true, null, '', Number.POSITIVE_INFINITY);
    });
    const client = await test.connected('hooked', 5);
    await publishThrough(client, 't/hook', 'hook', { qos: 1 });
    const unknown = new Message('t/old', Buffer.from('old'), 1, true, null, 'device of anna', Number.POSITIVE_INFINITY);
    test.store.append({ kind: 'retained', message: unknown.keep() });
    test.restart();
    writers.barred.add('anna').add('bob').add('hooked');
    expect(await retained(test)).toEqual(['hook', 'old', 'own']);
  });

  it('is a setting: false asks nobody', async () => {
    const { test, writers } = await withTwoMessages();
    test.broker.settings.checkRetainSource = false;
    writers.barred.add('anna');
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
    expect(writers.asked).toEqual([]);
  });

  it.each([
    ['1', 1],
    ['0', 0],
  ] as const)('waits for an authorizer that answers later, and goes on with what it says (QoS %s)', async (_, qos) => {
    const { test, writers } = await withTwoMessages();
    writers.isLate = true;
    writers.barred.add('anna');
    const client = await test.connected('reader', 5, LASTING);
    await client.subscribe('t/#', qos);
    await client.expectNothing();
    expect(writers.waiting).toBe(1);
    await test.broker.publish('t/live', 'live', { qos: 1 });
    expect(await takeTexts(client, 1)).toEqual(['live']);
    while (writers.waiting > 0) await writers.release();
    expect(await takeTexts(client, 1)).toEqual(['by bob']);
    await client.expectNothing();
  });

  it('withholds what an authorizer fails to answer for, and does not mind a client that is gone by then', async () => {
    const { test, writers } = await withTwoMessages();
    writers.isLate = true;
    writers.fault = new Error('no connection');
    test.log.types |= LogType.DEBUG;
    const client = await test.connected('reader', 5);
    await client.subscribe('t/anna', 1);
    await writers.release();
    await client.expectNothing();
    expect(test.log.lines.join('\n')).toContain('the authorizer failed: Error: no connection');
    writers.fault = null;
    await client.subscribe('t/anna', 1);
    await client.settle();
    client.cut();
    await client.expectClose();
    await writers.release();
    writers.isLate = false;
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
  });

  it('asks nobody while everybody may do everything', async () => {
    const { test, writers } = await withTwoMessages();
    writers.unrestricted = true;
    expect(await retained(test)).toEqual(['by anna', 'by bob']);
    expect(writers.asked).toEqual([]);
  });
});
