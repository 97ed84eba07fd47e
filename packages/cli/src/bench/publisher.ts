import type { Client, PublishOptions } from '@cauldron/client';
import { type Board, Slot, type Times } from './board.js';
import type { ErrorTally } from './error-tally.js';
import { payloadSize, type SizeRange, writeHead } from './payload.js';

/** What the publishers of one worker have in common. */
export interface PublisherSetting {
  readonly board: Board;
  /** Those of the worker. */
  readonly counts: Float64Array;
  readonly times: Times;
  readonly errors: ErrorTally;
  readonly clock: () => number;
  readonly mark: number;
  readonly size: SizeRange;
  readonly options: PublishOptions;
  /** Time from which on messages are measured (microseconds of the run). */
  measureFromUs: number;
  /** Called when a publisher has room for another message. */
  onRoom: () => void;
}

/** Messages with QoS 0 that were handed over together: the client has one promise for all of them. */
interface Batch {
  readonly handedOver: Promise<unknown>;
  messages: number;
  deliveries: number;
}

/** One client that publishes to its topics by turns. */
export class Publisher {
  /** Messages on their way: the network, at QoS 1 and 2 the broker, has not taken them. */
  pending = 0;
  /** Messages that may still be published. */
  left: number;
  readonly #client: Client;
  readonly #topics: readonly string[];
  readonly #firstStream: number;
  readonly #setting: PublisherSetting;
  #nextTopic = 0;
  #batch: Batch | null = null;

  /** @param quota how many messages it may publish */
  constructor(
    client: Client,
    topics: readonly string[],
    firstStream: number,
    quota: number,
    setting: PublisherSetting,
  ) {
    this.#client = client;
    this.#topics = topics;
    this.#firstStream = firstStream;
    this.left = quota;
    this.#setting = setting;
    void client.closed.then(() => {
      this.left = 0;
      setting.onRoom();
    });
  }

  /**
   * Publishes a message.
   * @param dueUs when it should have been sent
   * @returns how many deliveries that makes due
   */
  publish(dueUs: number): number {
    const { board, counts, mark, size: range, options } = this.#setting;
    const topic = this.#nextTopic;
    this.#nextTopic = topic + 1 === this.#topics.length ? 0 : topic + 1;
    const stream = this.#firstStream + topic;
    const sequence = board.sent[stream]++;
    const deliveries = board.receivers[stream];
    const size = payloadSize(range, stream, sequence);
    const payload = new Uint8Array(size);
    writeHead(payload, mark, stream, sequence, dueUs);
    this.left--;
    this.pending++;
    counts[Slot.published]++;
    counts[Slot.publishedBytes] += size;
    counts[Slot.due] += deliveries;
    const taken = this.#client.publish(this.#topics[topic], payload, options);
    if (options.qos === 0) this.#handOver(taken, deliveries);
    else
      taken.then(
        () => this.#acknowledged(dueUs),
        (error: Error) => this.#failed(error, 1, deliveries),
      );
    return deliveries;
  }

  #handOver(handedOver: Promise<unknown>, deliveries: number): void {
    if (handedOver === this.#batch?.handedOver) {
      this.#batch.messages++;
      this.#batch.deliveries += deliveries;
      return;
    }
    const batch = { handedOver, messages: 1, deliveries };
    this.#batch = batch;
    handedOver.then(
      () => this.#settle(batch.messages),
      (error: Error) => this.#failed(error, batch.messages, batch.deliveries),
    );
  }

  #acknowledged(dueUs: number): void {
    const { clock, measureFromUs, times } = this.#setting;
    if (dueUs >= measureFromUs) times.acknowledgement.record(clock() - dueUs);
    this.#settle(1);
  }

  #failed({ message }: Error, messages: number, deliveries: number): void {
    const { counts, errors } = this.#setting;
    errors.add(`Not published: ${message}`, messages);
    counts[Slot.refused] += messages;
    counts[Slot.refusedDeliveries] += deliveries;
    this.#settle(messages);
  }

  #settle(messages: number): void {
    const { counts, onRoom } = this.#setting;
    this.pending -= messages;
    counts[Slot.settled] += messages;
    onRoom();
  }
}
