import {
  PacketType,
  type Publish,
  ReasonCode,
  type Suback,
  type Subscribe,
  topicMatches,
  type Unsubscribe,
} from '@cauldron/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../client.js';
import { Deferred } from '../deferred.js';
import { ConnectionLost, SubscribeRefused } from '../errors.js';
import type { SubscribeOptions } from '../options.js';
import { failureOf, publish, turn } from '../scripted-server.test-support.js';
import { Receipt } from '../session/receipt.js';
import type { Delivery } from './active-subscription.js';
import { Inbox } from './inbox.js';
import { Message, NO_PARAMS } from './message.js';
import { json, type PayloadCodec } from './payload-codec.js';
import { Subscriber } from './subscriber.js';
import type { MessageHandler, Subscription } from './subscription.js';
import { topic } from './typed-topic.js';

/** Takes the place of everything between the subscriptions and the server. */
class Bench {
  readonly client = {} as Client;
  /** Packet ids in the order in which the messages were done with. */
  readonly settled: number[] = [];
  readonly refusals: (ReasonCode | undefined)[] = [];
  readonly congestion: boolean[] = [];
  readonly undecodable: string[] = [];
  dropped = 0;
  readonly subscribed: string[][] = [];
  readonly unsubscribed: string[][] = [];
  /** What the server answers to the next SUBSCRIBE, or null: when `answer` is called. */
  reasonCodes: readonly ReasonCode[] | null = [];
  answer: (reasonCodes: readonly ReasonCode[]) => void = () => {};
  unsubscribeAnswer: Promise<void> = Promise.resolve();
  readonly inbox: Inbox;
  readonly subscriber: Subscriber;

  constructor({
    maximumBytes = 1e6,
    onMessage = null,
  }: { maximumBytes?: number; onMessage?: MessageHandler | null } = {}) {
    this.inbox = new Inbox(
      {
        congested: () => void this.congestion.push(this.inbox.isCongested),
        undecodable: ({ topic }) => void this.undecodable.push(topic),
        dropped: (count) => {
          this.dropped += count;
        },
      },
      maximumBytes,
    );
    this.subscriber = new Subscriber(
      this.client,
      this.inbox,
      { subscribe: (request) => this.#subscribe(request), unsubscribe: (request) => this.#unsubscribe(request) },
      onMessage,
    );
  }

  subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
    handler: MessageHandler | null = null,
  ) {
    const list = typeof filters === 'string' ? [filters] : filters;
    return this.subscriber.subscribe(list, options, { codec: null, paramsOf: null, handler });
  }

  receive(topic: string, payload = '', more: Partial<Publish> = {}): void {
    const packet = publish(topic, payload, more);
    const { qos, packetId = 0 } = packet;
    const receipt =
      qos === 0
        ? null
        : new Receipt(packetId, qos, {
            settled: (one) => {
              this.settled.push(one.packetId);
              this.refusals.push(one.refusal?.reasonCode);
            },
          });
    this.inbox.receive(new Message(packet, receipt, packet.payload, NO_PARAMS));
  }

  async #subscribe({ subscriptions }: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    this.subscribed.push(subscriptions.map(({ filter }) => filter));
    const { reasonCodes } = this;
    if (reasonCodes !== null) return { type: PacketType.SUBACK, packetId: 1, reasonCodes };
    const later = new Deferred<Suback>();
    this.answer = (codes) => later.resolve({ type: PacketType.SUBACK, packetId: 1, reasonCodes: codes });
    return later.promise;
  }

  async #unsubscribe({ filters }: Omit<Unsubscribe, 'packetId'>) {
    this.unsubscribed.push([...filters]);
    await this.unsubscribeAnswer;
    return { type: PacketType.UNSUBACK, packetId: 2, reasonCodes: filters.map(() => ReasonCode.SUCCESS) };
  }
}

const qos1 = (packetId: number): Partial<Publish> => ({ qos: 1, packetId });

/** Reads messages until the loop ends; each is worked on until `next` is called. */
function loopOver<T, P>(subscription: Subscription<T, P>) {
  const topics: string[] = [];
  const iterator = subscription[Symbol.asyncIterator]();
  return {
    topics,
    iterator,
    async next(): Promise<boolean> {
      const { done, value } = await iterator.next();
      if (!done) topics.push(value.topic);
      return !done;
    },
  };
}

async function uncaughtDuring(work: () => Promise<unknown>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    await work();
    await turn();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return uncaught;
}

describe('a loop over a subscription', () => {
  it('gets every message from the moment of the call, in order', async () => {
    const bench = new Bench();
    bench.reasonCodes = null;
    const subscribing = bench.subscribe('a/#');
    bench.receive('a/1');
    bench.answer([ReasonCode.SUCCESS]);
    const loop = loopOver(await subscribing);
    bench.receive('a/2');
    bench.receive('b');
    await loop.next();
    await loop.next();
    const third = loop.next();
    bench.receive('a/3');
    await third;
    expect(loop.topics).toEqual(['a/1', 'a/2', 'a/3']);
  });

  it('acknowledges a message when it asks for the next one', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('a'));
    bench.receive('a', '', qos1(1));
    bench.receive('a', '', qos1(2));
    await loop.next();
    expect(bench.settled).toEqual([]);
    await loop.next();
    expect(bench.settled).toEqual([1]);
    const third = loop.next();
    expect(bench.settled).toEqual([1, 2]);
    bench.receive('a', '', qos1(3));
    await third;
    expect(bench.settled).toEqual([1, 2]);
  });

  it('unsubscribes when it is left, and acknowledges what it was given and what waits', async () => {
    const bench = new Bench();
    const seen: string[] = [];
    const subscription = await bench.subscribe('a/#');
    for (const id of [1, 2, 3]) bench.receive(`a/${id}`, '', qos1(id));
    for await (const message of subscription) {
      seen.push(message.topic);
      break;
    }
    expect(seen).toEqual(['a/1']);
    expect(bench.settled).toEqual([1, 2, 3]);
    expect(bench.unsubscribed).toEqual([['a/#']]);
    for await (const { topic } of subscription) seen.push(topic);
    expect(seen).toEqual(['a/1']);
  });

  it('is left at once, although the server does not answer', async () => {
    const bench = new Bench();
    bench.unsubscribeAnswer = new Promise(() => {});
    const subscription = await bench.subscribe('a');
    bench.receive('a');
    for await (const _ of subscription) break;
    expect(bench.unsubscribed).toEqual([['a']]);
  });

  it('takes what the server sends before it has heard of the end, so that nobody else does', async () => {
    const others: string[] = [];
    const bench = new Bench({ onMessage: ({ topic }) => others.push(topic) });
    const answered = new Deferred<void>();
    bench.unsubscribeAnswer = answered.promise;
    const subscription = await bench.subscribe('a');
    const ending = subscription.unsubscribe();
    bench.receive('a', '', qos1(1));
    expect(bench.settled).toEqual([1]);
    answered.resolve();
    await ending;
    bench.receive('a', '', qos1(2));
    expect(others).toEqual(['a']);
  });

  it('ends with its signal', async () => {
    const bench = new Bench();
    const stop = new AbortController();
    const loop = loopOver(await bench.subscribe('a', { signal: stop.signal }));
    const next = loop.next();
    stop.abort();
    expect(await next).toBe(false);
    expect(bench.unsubscribed).toEqual([['a']]);
  });

  it('ends when the client disconnects, and leaves what waits to the server', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('a'));
    bench.receive('a', '', qos1(1));
    bench.receive('a', '', qos1(2));
    await loop.next();
    bench.inbox.end(null);
    bench.receive('a', '', qos1(3));
    expect(await loop.next()).toBe(false);
    expect(bench.settled).toEqual([1]);
  });

  it('throws what the client failed with, once, after the messages that had come, but for those with QoS 2', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('a/#'));
    bench.receive('a/1', '', { qos: 2, packetId: 1 });
    bench.receive('a/2', '', qos1(2));
    bench.receive('a/3');
    const lost = new ConnectionLost('gone');
    bench.inbox.end(lost);
    expect([await loop.next(), await loop.next()]).toEqual([true, true]);
    expect(await failureOf(loop.next())).toBe(lost);
    expect(await loop.next()).toBe(false);
    expect(loop.topics).toEqual(['a/2', 'a/3']);
  });

  it('throws what the client failed with while it waits', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('a'));
    const waiting = [failureOf(loop.next()), loop.next()];
    const lost = new ConnectionLost('gone');
    bench.inbox.end(lost);
    expect(await Promise.all(waiting)).toEqual([lost, false]);
  });

  it('throws a refusal when the server has lost the subscription and does not take it again', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe(['a', 'b']));
    const next = failureOf(loop.next());
    bench.subscriber.lost('a', ReasonCode.NOT_AUTHORIZED);
    bench.subscriber.lost('b', ReasonCode.QUOTA_EXCEEDED);
    expect(await next).toMatchObject({ name: 'SubscribeRefused', filters: ['b'], reasonCodes: [0x97] });
  });

  it('may ask ahead', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('#'));
    const all = Promise.all([loop.next(), loop.next()]);
    bench.receive('a');
    bench.receive('b');
    await all;
    expect(loop.topics).toEqual(['a', 'b']);
  });

  it('keeps the order of a long queue', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe('#'));
    for (let i = 0; i < 5_000; i++) bench.receive(String(i));
    for (let i = 0; i < 5_000; i++) await loop.next();
    expect(loop.topics).toEqual(Array.from({ length: 5_000 }, (_, i) => String(i)));
  });
});

describe('a subscription with a handler', () => {
  it('gives messages to it, with the client, and acknowledges them when it returns', async () => {
    const bench = new Bench();
    const seen: unknown[] = [];
    await bench.subscribe('a', {}, (message, client) => {
      seen.push([message.text(), client === bench.client, bench.settled.length]);
    });
    bench.receive('a', 'x', qos1(1));
    expect(seen).toEqual([['x', true, 0]]);
    expect(bench.settled).toEqual([1]);
  });

  it('acknowledges a message when the promise of the handler is settled, however that ends', async () => {
    const bench = new Bench();
    const work = [new Deferred<void>(), new Deferred<void>()];
    let next = 0;
    await bench.subscribe('a', {}, () => work[next++].promise);
    bench.receive('a', '', qos1(1));
    bench.receive('a', '', qos1(2));
    await turn();
    expect(bench.settled).toEqual([]);
    const failed = new Error('handler');
    const uncaught = await uncaughtDuring(async () => {
      work[1].reject(failed);
      await turn();
      work[0].resolve();
    });
    expect(bench.settled).toEqual([2, 1]);
    expect(uncaught).toEqual([failed]);
  });

  it('is not iterable', async () => {
    const bench = new Bench();
    const subscription = await bench.subscribe('a', {}, () => {});
    expect(() => subscription[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  it('gives nothing to it after unsubscribe', async () => {
    const bench = new Bench();
    const seen: string[] = [];
    const subscription = await bench.subscribe('a', {}, ({ topic }) => seen.push(topic));
    await subscription.unsubscribe();
    bench.receive('a', '', qos1(1));
    expect(seen).toEqual([]);
    expect(bench.settled).toEqual([1]);
  });

  it('unsubscribes at the end of the block that uses it', async () => {
    const bench = new Bench();
    const subscription = await bench.subscribe('a', {}, () => {});
    await subscription[Symbol.asyncDispose]();
    expect(bench.unsubscribed).toEqual([['a']]);
  });
});

describe('a message for several subscriptions', () => {
  it('goes to each once, and is acknowledged when all are done', async () => {
    const bench = new Bench();
    const seen: string[] = [];
    const loop = loopOver(await bench.subscribe(['a/+', 'a/#']));
    await bench.subscribe('$share/group/a/1', {}, () => seen.push('shared'));
    bench.receive('a/1', '', qos1(1));
    expect(seen).toEqual(['shared']);
    await loop.next();
    expect(bench.settled).toEqual([]);
    await loop.iterator.return?.();
    expect(loop.topics).toEqual(['a/1']);
    expect(bench.settled).toEqual([1]);
  });

  it('is acknowledged at once when it is for nobody', () => {
    const bench = new Bench();
    bench.receive('a', '', qos1(1));
    expect(bench.settled).toEqual([1]);
  });

  it('finds the subscriptions that a search through all filters finds, while filters come and go', async () => {
    const level = fc.constantFrom('a', 'b', '');
    const name = fc
      .array(level, { minLength: 1, maxLength: 3 })
      .map((levels) => levels.join('/'))
      .filter((text) => text !== '');
    const filter = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', '+', ''), { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
      .filter((text) => text !== '');
    const step = fc.record({ add: fc.boolean(), filter, topic: name });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (script) => {
        const bench = new Bench();
        const active = new Map<string, Subscription>();
        const seen: string[] = [];
        for (const { add, filter: one, topic: received } of script) {
          const subscription = active.get(one);
          if (add && subscription === undefined) active.set(one, await bench.subscribe(one, {}, () => seen.push(one)));
          else if (!add && subscription !== undefined) {
            await subscription.unsubscribe();
            active.delete(one);
          }
          bench.receive(received);
          expect(seen.splice(0).sort()).toEqual([...active.keys()].filter((key) => topicMatches(key, received)).sort());
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the filters of subscriptions', () => {
  it('are unsubscribed from when nobody else uses them', async () => {
    const bench = new Bench();
    const first = await bench.subscribe(['a', 'b']);
    const second = await bench.subscribe('a');
    await first.unsubscribe();
    await first.unsubscribe();
    expect(bench.unsubscribed).toEqual([['b']]);
    await second.unsubscribe();
    expect(bench.unsubscribed).toEqual([['b'], ['a']]);
  });

  it('that the server refuses get no messages', async () => {
    const bench = new Bench();
    bench.reasonCodes = [ReasonCode.SUCCESS, ReasonCode.NOT_AUTHORIZED];
    const seen: string[] = [];
    const subscription = await bench.subscribe(['yes', 'no'], {}, ({ topic }) => seen.push(topic));
    bench.receive('yes');
    bench.receive('no');
    expect(seen).toEqual(['yes']);
    expect(subscription.reasonCodes).toEqual([ReasonCode.SUCCESS, ReasonCode.NOT_AUTHORIZED]);
    await subscription.unsubscribe();
    expect(bench.unsubscribed).toEqual([['yes']]);
  });

  it('that the server refuses all of are an error', async () => {
    const bench = new Bench();
    bench.reasonCodes = [ReasonCode.NOT_AUTHORIZED, ReasonCode.QUOTA_EXCEEDED];
    const error = await failureOf(bench.subscribe(['a', 'b']));
    expect(error).toBeInstanceOf(SubscribeRefused);
    expect(error).toMatchObject({ filters: ['a', 'b'], reasonCodes: [0x87, 0x97] });
    bench.receive('a', '', qos1(1));
    expect(bench.settled).toEqual([1]);
  });

  it('end their subscriptions when the client unsubscribes from all of them', async () => {
    const bench = new Bench();
    const loop = loopOver(await bench.subscribe(['a', 'b']));
    const next = loop.next();
    await bench.subscriber.unsubscribe(['a'], {});
    bench.receive('a');
    bench.receive('b');
    expect(await next).toBe(true);
    await bench.subscriber.unsubscribe(['b'], {});
    expect(await loop.next()).toBe(false);
    expect(loop.topics).toEqual(['b']);
  });

  it('go to a subscription that begins while the server has not heard of the end of another one', async () => {
    const bench = new Bench();
    const answered = new Deferred<void>();
    bench.unsubscribeAnswer = answered.promise;
    const seen: string[] = [];
    await bench.subscribe('a', {}, () => seen.push('first'));
    const ending = bench.subscriber.unsubscribe(['a'], {});
    await bench.subscribe('a', {}, () => seen.push('second'));
    answered.resolve();
    await ending;
    bench.receive('a');
    expect(seen).toEqual(['second']);
  });

  it('are given back when the signal comes before the answer of the server', async () => {
    const bench = new Bench();
    bench.reasonCodes = null;
    const stop = new AbortController();
    const failed = failureOf(bench.subscribe('a', { signal: stop.signal }));
    stop.abort('enough');
    expect(await failed).toBe('enough');
    expect(bench.unsubscribed).toEqual([]);
    bench.answer([ReasonCode.SUCCESS]);
    await turn();
    expect(bench.unsubscribed).toEqual([['a']]);
  });

  it('are not asked for when the signal has come already', async () => {
    const bench = new Bench();
    expect(await failureOf(bench.subscribe('a', { signal: AbortSignal.abort('no') }))).toBe('no');
    expect(bench.subscribed).toEqual([]);
  });
});

describe('decoding', () => {
  /** Decodes JSON when the test says so, with numbers below 0 being invalid. */
  class SlowCodec implements PayloadCodec<number> {
    readonly begun: Deferred<void>[] = [];

    encode(value: number): string {
      return String(value);
    }

    async decode(payload: Uint8Array): Promise<number> {
      const gate = new Deferred<void>();
      this.begun.push(gate);
      await gate.promise;
      const value = Number(new TextDecoder().decode(payload));
      if (value < 0) throw new RangeError('below 0');
      return value;
    }
  }

  function decoding<T>(bench: Bench, codec: PayloadCodec<T>, handler: Delivery<T, unknown>['handler'] = null) {
    return bench.subscriber.subscribe<T, unknown>(['#'], {}, { codec, paramsOf: null, handler });
  }

  it('gives messages a value, and parameters of a typed topic', async () => {
    const bench = new Bench();
    const temperature = topic('home/{room}/temperature', json<{ celsius: number }>());
    const seen: unknown[] = [];
    await bench.subscriber.subscribe(
      [temperature.filter],
      {},
      {
        codec: temperature.codec,
        paramsOf: (name) => temperature.paramsOf(name),
        handler: ({ value, params, payload }) => seen.push([value.celsius, params.room, payload.length]),
      },
    );
    bench.receive('home/kitchen/temperature', '{"celsius":21.5}');
    expect(seen).toEqual([[21.5, 'kitchen', 16]]);
  });

  it('tells of payloads that do not decode, refuses them, and goes on', async () => {
    const bench = new Bench();
    const seen: unknown[] = [];
    await decoding(bench, json<unknown>(), ({ value }) => seen.push(value));
    bench.receive('bad', '{', qos1(1));
    bench.receive('good', '[1]', qos1(2));
    expect(seen).toEqual([[1]]);
    expect(bench.undecodable).toEqual(['bad']);
    expect(bench.settled).toEqual([1, 2]);
    expect(bench.refusals).toEqual([ReasonCode.PAYLOAD_FORMAT_INVALID, undefined]);
  });

  it('keeps the order of messages where it takes time', async () => {
    const bench = new Bench();
    const codec = new SlowCodec();
    const seen: number[] = [];
    await decoding(bench, codec, ({ value }) => seen.push(value));
    bench.receive('a', '1', qos1(1));
    bench.receive('a', '-2', qos1(2));
    bench.receive('a', '3', qos1(3));
    for (const expected of [[1], [1], [1, 3]]) {
      expect(codec.begun).toHaveLength(1);
      codec.begun.pop()?.resolve();
      await turn();
      expect(seen).toEqual(expected);
    }
    expect(bench.settled).toEqual([1, 2, 3]);
    bench.receive('a', '4');
    codec.begun[0].resolve();
    await turn();
    expect(seen).toEqual([1, 3, 4]);
  });

  it('gives nothing to a subscription that has ended meanwhile', async () => {
    const bench = new Bench();
    const codec = new SlowCodec();
    const seen: number[] = [];
    const subscription = await decoding(bench, codec, ({ value }) => seen.push(value));
    bench.receive('a', '1', qos1(1));
    bench.receive('a', '2', qos1(2));
    await subscription.unsubscribe();
    codec.begun[0].resolve();
    await turn();
    expect(codec.begun).toHaveLength(1);
    expect(seen).toEqual([]);
    expect(bench.settled.sort()).toEqual([1, 2]);
  });
});

describe('messages that wait', () => {
  it('make the inbox congested when they are too many, until half of them are taken', async () => {
    const bench = new Bench({ maximumBytes: 10_000 });
    const loop = loopOver(await bench.subscribe('a'));
    const payload = 'x'.repeat(1_000);
    for (let i = 0; i < 8; i++) bench.receive('a', payload);
    expect(bench.congestion).toEqual([]);
    bench.receive('a', payload);
    expect(bench.congestion).toEqual([true]);
    for (let i = 0; i < 4; i++) await loop.next();
    expect(bench.congestion).toEqual([true]);
    await loop.next();
    expect(bench.congestion).toEqual([true, false]);
  });

  it('count while an asynchronous handler works on them', async () => {
    const bench = new Bench({ maximumBytes: 1_000 });
    const work = new Deferred<void>();
    await bench.subscribe('a', {}, () => work.promise);
    bench.receive('a', 'x'.repeat(2_000));
    expect(bench.congestion).toEqual([true]);
    work.resolve();
    await turn();
    expect(bench.congestion).toEqual([true, false]);
  });

  it('count while they are decoded', async () => {
    const bench = new Bench({ maximumBytes: 1_000 });
    const gate = new Deferred<void>();
    const codec: PayloadCodec<number> = { encode: String, decode: () => gate.promise.then(() => 1) };
    const seen: unknown[] = [];
    await bench.subscriber.subscribe(
      ['a'],
      {},
      { codec, paramsOf: null, handler: (message) => seen.push(message.value) },
    );
    for (let i = 0; i < 8; i++) bench.receive('a');
    expect(bench.congestion).toEqual([true]);
    gate.resolve();
    await turn();
    expect(bench.congestion).toEqual([true, false]);
    expect(seen).toHaveLength(8);
  });

  it('no longer count when their subscription is over', async () => {
    const bench = new Bench({ maximumBytes: 1_000 });
    const subscription = await bench.subscribe('a');
    bench.receive('a', 'x'.repeat(2_000));
    await subscription.unsubscribe();
    expect(bench.congestion).toEqual([true, false]);
  });

  it.each([
    ['for a loop', null],
    ['for a handler', () => new Promise(() => {})],
  ] as const)('%s are dropped with QoS 0 when far too many do, and counted', async (_, handler) => {
    const bench = new Bench({ maximumBytes: 1_000 });
    await bench.subscribe('a', {}, handler);
    const payload = 'x'.repeat(1_000);
    for (let i = 0; i < 100; i++) bench.receive('a', payload);
    const room = Math.floor(64_000 / 1_128) + 1;
    expect(bench.dropped).toBe(100 - room);
    bench.receive('a', payload, qos1(1));
    expect(bench.dropped).toBe(100 - room);
  });
});

describe('onMessage', () => {
  it('takes what no subscription matches', async () => {
    const seen: string[] = [];
    const bench = new Bench({ onMessage: ({ topic }) => seen.push(topic) });
    await bench.subscribe('a', {}, () => {});
    bench.receive('a', '', qos1(1));
    bench.receive('b', '', qos1(2));
    expect(seen).toEqual(['b']);
    expect(bench.settled).toEqual([1, 2]);
  });
});
