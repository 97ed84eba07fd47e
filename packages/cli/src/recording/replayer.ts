import { type Clock, PublishRefused, systemClock } from '@cauldron/client';
import type { RecordedMessage } from './recorded-message.js';

/** What a batch may hold before the one in front of it has to be with the broker. */
const BATCH_MESSAGES = 500;
const BATCH_BYTES = 1_048_576;
/** A timer takes no longer delay. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export type ReplayClock = Pick<Clock, 'nowMs' | 'after'>;

export interface ReplayerOptions<M extends RecordedMessage> {
  /** How many times faster than it was recorded; Infinity: as fast as the broker takes it. */
  readonly speed: number;
  /** Resolved as `Client.publish` is. */
  readonly publish: (message: M) => Promise<unknown>;
  /** Told of each message that the broker did not want. */
  readonly onRefused: (message: M, error: PublishRefused) => void;
  /** Ends it; the reason is thrown. */
  readonly signal: AbortSignal;
  readonly clock?: ReplayClock;
}

/**
 * Publishes messages at their times. The first one is published at once; all others are due when as much time has gone by
 * since then as between them in the recording, whatever the messages in between took: what is late does not make
 * late what follows. A broker that is too slow holds it up, since two batches at most are on their way.
 */
export class Replayer<M extends RecordedMessage> {
  readonly #options: ReplayerOptions<M>;
  readonly #clock: ReplayClock;
  /** Aborted by what ended the connection. */
  readonly #failed = new AbortController();
  /** Aborted by that, and by the caller. */
  readonly #signal: AbortSignal;
  #batch: Promise<unknown>[] = [];
  #batchBytes = 0;
  #underWay: Promise<unknown> = Promise.resolve();
  #published = 0;
  #bytes = 0;
  #refused = 0;
  #latenessMs = 0;

  constructor(options: ReplayerOptions<M>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  /** Messages that were handed over, and the bytes of their payloads. */
  get published(): number {
    return this.#published;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get refused(): number {
    return this.#refused;
  }

  /** By how much the last message was behind its time. */
  get latenessMs(): number {
    return this.#latenessMs;
  }

  /**
   * @param batches messages in their order; those that are due together leave together
   * @returns when all messages are published, those with QoS 1 and 2 acknowledged
   * @throws the error that ended the connection; the signal's reason; what `batches` throws
   */
  async run(batches: AsyncIterable<readonly M[]>): Promise<void> {
    const { speed } = this.#options;
    let startMs: number | null = null;
    for await (const batch of batches) {
      this.#signal.throwIfAborted();
      for (const message of batch) {
        startMs ??= this.#clock.nowMs() - message.atMs / speed;
        const dueMs = startMs + message.atMs / speed;
        this.#latenessMs = speed === Number.POSITIVE_INFINITY ? 0 : Math.max(0, this.#clock.nowMs() - dueMs);
        if (this.#clock.nowMs() < dueMs) await this.#waitUntil(dueMs);
        this.#publish(message);
        if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) await this.#nextBatch();
      }
    }
    await this.#nextBatch();
    await this.#nextBatch();
  }

  async #waitUntil(dueMs: number): Promise<void> {
    for (;;) {
      const delayMs = dueMs - this.#clock.nowMs();
      if (delayMs <= 0) return;
      await this.#sleep(Math.min(delayMs, LONGEST_DELAY_MS));
    }
  }

  #sleep(delayMs: number): Promise<void> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const stop = () => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.#clock.after(delayMs, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }

  #publish(message: M): void {
    const result = this.#options.publish(message).catch((error: unknown) => {
      if (!(error instanceof PublishRefused)) return this.#failed.abort(error);
      this.#refused++;
      this.#options.onRefused(message, error);
    });
    this.#batch.push(result);
    this.#batchBytes += message.payload.length;
    this.#published++;
    this.#bytes += message.payload.length;
  }

  /** Waits until the batch before is with the broker. */
  async #nextBatch(): Promise<void> {
    const before = this.#underWay;
    this.#underWay = Promise.all(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    await before;
    this.#signal.throwIfAborted();
  }
}
