import type { Client, Message, MessageHandler } from '@cauldron/client';
import { describe, expect, it } from 'vitest';
import { readRetained } from './retained-reader.js';

/** A broker that answers after 10 ms, and sends messages at times of its own. Waiting is what moves the time. */
class SlowBroker {
  nowMs = 0;
  roundTripMs = 10;
  roundTrips = 0;
  isSubscribed = false;
  reasonCodes: readonly number[] = [];
  readonly #messages: { readonly atMs: number; readonly topic: string; readonly retain: boolean }[];
  #handler: MessageHandler | null = null;

  /** @param messages topics with the times when they come; a time below 0 stands for a live message at that time */
  constructor(messages: Readonly<Record<string, number>>) {
    this.#messages = Object.entries(messages).map(([topic, ms]) => ({ topic, atMs: Math.abs(ms), retain: ms >= 0 }));
  }

  get client(): Client {
    const fake = {
      subscribe: async (_filters: unknown, _options: unknown, handler: MessageHandler) => {
        this.#handler = handler;
        this.isSubscribed = true;
        this.#advance(this.roundTripMs);
        return {
          reasonCodes: this.reasonCodes,
          unsubscribe: async () => {
            this.isSubscribed = false;
          },
        };
      },
      unsubscribe: async () => {
        this.roundTrips++;
        this.#advance(this.roundTripMs);
      },
    };
    return fake as unknown as Client;
  }

  readonly clock = {
    nowMs: () => this.nowMs,
    after: (delayMs: number, callback: () => void) => {
      queueMicrotask(() => {
        this.#advance(delayMs);
        callback();
      });
      return () => {};
    },
  };

  #advance(ms: number): void {
    this.nowMs += ms;
    while (this.#messages.length > 0 && this.#messages[0].atMs <= this.nowMs) {
      const message = this.#messages.shift();
      this.#handler?.({ ...message, payload: new Uint8Array(0) } as unknown as Message, this.client);
    }
  }
}

async function topicsOf(broker: SlowBroker, filters: readonly string[], quietMs = 100): Promise<string[]> {
  const topics: string[] = [];
  await readRetained(broker.client, filters, ({ topic }) => topics.push(topic), { quietMs, clock: broker.clock });
  expect(broker.isSubscribed).toBe(false);
  return topics;
}

describe('readRetained', () => {
  it('is over when nothing came for the quiet time after a round trip', async () => {
    const broker = new SlowBroker({});
    expect(await topicsOf(broker, ['#'])).toEqual([]);
    expect([broker.roundTrips, broker.nowMs]).toEqual([1, 120]);
  });

  it('asks again as long as messages come', async () => {
    const broker = new SlowBroker({ a: 5, b: 90, c: 200, late: 5_000 });
    expect(await topicsOf(broker, ['#'])).toEqual(['a', 'b', 'c']);
    expect(broker.roundTrips).toBe(3);
  });

  it('is patient with a broker that is far away', async () => {
    const broker = new SlowBroker({ a: 2_000, b: 5_000 });
    broker.roundTripMs = 1_000;
    expect(await topicsOf(broker, ['#'])).toEqual(['a', 'b']);
  });

  it('takes no messages that are published now, and does not wait for their end', async () => {
    const broker = new SlowBroker({ a: 5, live: -50 });
    expect(await topicsOf(broker, ['#'])).toEqual(['a']);
    expect(broker.roundTrips).toBe(1);
  });

  it('ends when it is told to', async () => {
    const broker = new SlowBroker({ a: 5, b: 30, c: 60, d: 90 });
    const end = new AbortController();
    const topics: string[] = [];
    const onMessage = ({ topic }: Message) => {
      if (topics.push(topic) === 2) end.abort();
    };
    await readRetained(broker.client, ['#'], onMessage, { quietMs: 100, signal: end.signal, clock: broker.clock });
    expect([topics, broker.isSubscribed]).toEqual([['a', 'b'], false]);
  });

  it('tells which filters were refused', async () => {
    const broker = new SlowBroker({});
    broker.reasonCodes = [0, 0x87, 1];
    const options = { quietMs: 100, clock: broker.clock };
    expect(await readRetained(broker.client, ['a/#', 'b/#', 'c'], () => {}, options)).toEqual(['b/#']);
  });

  it('waits no longer than for one message of each filter without wildcards', async () => {
    const broker = new SlowBroker({ a: 5, b: 7 });
    expect(await topicsOf(broker, ['a', 'b'], 60_000)).toEqual(['a', 'b']);
    expect(broker.roundTrips).toBe(0);
  });
});
