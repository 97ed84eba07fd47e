import { type Client, type PublishOptions, PublishRefused, type PublishResult } from '@cauldron/client';

/**
 * Publishes a long row of messages without letting them pile up: while one batch is on its way to the broker the next
 * may be handed over, and no more.
 */
export class Publisher {
  readonly #client: Client;
  readonly #topic: string;
  readonly #options: PublishOptions;
  readonly #warn: (text: string) => void;
  #batch: Promise<PublishResult>[] = [];
  #underWay: Promise<PromiseSettledResult<PublishResult>[]> = Promise.resolve([]);

  /** @param warn told of each message that the broker did not want */
  constructor(client: Client, topic: string, options: PublishOptions, warn: (text: string) => void) {
    this.#client = client;
    this.#topic = topic;
    this.#options = options;
    this.#warn = warn;
  }

  /** Adds a message to the batch. */
  publish(payload: string | Uint8Array): void {
    const result = this.#client.publish(this.#topic, payload, this.#options);
    // Messages with QoS 0 share their promise.
    if (result !== this.#batch.at(-1)) this.#batch.push(result);
  }

  /** Ends the batch. @returns when there is room for another one. @throws the error that ended the connection */
  async nextBatch(): Promise<void> {
    const before = this.#underWay;
    this.#underWay = Promise.allSettled(this.#batch);
    this.#batch = [];
    this.#report(await before);
  }

  /** @returns when everything has been published. @throws the error that ended the connection */
  async finish(): Promise<void> {
    await this.nextBatch();
    await this.nextBatch();
  }

  #report(results: PromiseSettledResult<PublishResult>[]): void {
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof PublishRefused)) throw result.reason;
      this.#warn(`Warning: Publish to ${this.#topic} failed: ${result.reason.reason}.\n`);
    }
  }
}
