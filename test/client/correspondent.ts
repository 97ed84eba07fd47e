import type { Client } from '@cauldron/client';

/** Numbers that may be on their way to the server at once, each as a message with QoS 1 and one with QoS 2. */
const WINDOW = 10;
/** Numbers that may be on their way to the other one at once, so that they do not pile up in the server. */
const AHEAD = 40;

/**
 * Writes numbers to somebody, and notes those that it gets. It runs in Node and in a browser, and knows nothing of what
 * happens to the network.
 */
export class Correspondent {
  /** Numbers that were written: 0 up to below this. */
  sent = 0;
  /** Numbers that came, by the QoS of their messages. */
  readonly received: Readonly<Record<1 | 2, number[]>> = { 1: [], 2: [] };
  readonly #client: Client;
  readonly #to: string;
  readonly #from: string;
  #isWriting = true;
  #waiting: { count: number; resolve: () => void }[] = [];

  constructor(client: Client, to: string, from: string) {
    this.#client = client;
    this.#to = to;
    this.#from = from;
  }

  /** Resolves when it can get messages: with QoS 2 by a handler that takes its time, with QoS 1 in a loop. */
  async listen(): Promise<void> {
    await this.#client.subscribe(`${this.#from}/2`, { qos: 2 }, async (message) => {
      this.#note(2, message.text());
      // Some work, which a cut may interrupt: the server then sends the message again before it is done.
      if (Number(message.text()) % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
    });
    const subscription = await this.#client.subscribe(`${this.#from}/1`, { qos: 1 });
    void (async () => {
      for await (const message of subscription) this.#note(1, message.text());
    })();
  }

  /** Writes to the other one until `stopWriting`. Resolves when the server has all of it. */
  async write(other: Correspondent): Promise<void> {
    const underWay = new Set<Promise<unknown>>();
    while (this.#isWriting) {
      const number = String(this.sent++);
      const published = Promise.all(
        ([1, 2] as const).map((qos) => this.#client.publish(`${this.#to}/${qos}`, number, { qos })),
      );
      const done: Promise<unknown> = published.finally(() => underWay.delete(done));
      underWay.add(done);
      if (underWay.size >= WINDOW) await Promise.race(underWay);
      while (this.#isWriting && this.sent - other.received[2].length > AHEAD) await other.untilReceived(1);
    }
    await Promise.all(underWay);
  }

  stopWriting(): void {
    this.#isWriting = false;
  }

  /** Resolves when so many more messages have come. */
  untilReceived(count: number): Promise<void> {
    if (count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count: this.#count + count, resolve }));
  }

  /** Resolves when the last of all numbers has come with either QoS: if not all have, they are lost. */
  async untilLast(number: number): Promise<void> {
    while (this.received[1].at(-1) !== number || this.received[2].at(-1) !== number) await this.untilReceived(1);
  }

  get #count(): number {
    return this.received[1].length + this.received[2].length;
  }

  #note(qos: 1 | 2, text: string): void {
    this.received[qos].push(Number(text));
    const { length } = this.#waiting;
    if (length === 0) return;
    const ready = this.#waiting.filter(({ count }) => count <= this.#count);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.#count);
    for (const { resolve } of ready) resolve();
  }
}
