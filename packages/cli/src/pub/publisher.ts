import {
  type Client,
  ConnectionLost,
  MessageExpired,
  type PublishOptions,
  PublishRefused,
  type PublishResult,
} from '@cauldron/client';

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

  /** Ends the batch. @returns when there is room for another one. @throws the error that ended the client */
  async nextBatch(): Promise<void> {
    const before = this.#underWay;
    this.#underWay = Promise.allSettled(this.#batch);
    this.#batch = [];
    this.#report(await before);
  }

  /** @returns when everything has been published. @throws the error that ended the client */
  async finish(): Promise<void> {
    await this.nextBatch();
    await this.nextBatch();
  }

  #report(results: PromiseSettledResult<PublishResult>[]): void {
    for (const { reason } of results.filter((result) => result.status === 'rejected')) {
      if (reason instanceof PublishRefused) {
        this.#warn(`Warning: Publish to ${this.#topic} failed: ${reason.reason}.\n`);
      } else if (reason instanceof MessageExpired) {
        this.#warn(`Warning: ${reason.message}.\n`);
      } else if (reason instanceof ConnectionLost && this.#client.state !== 'closed') {
        // The client connects again; with QoS 0 that is all that is promised.
        this.#warn(`Warning: Messages with QoS 0 were lost with the connection.\n`);
      } else {
        throw reason;
      }
    }
  }
}
