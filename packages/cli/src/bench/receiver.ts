import { type Board, Slot, type Times } from './board.js';
import { ageUs, hasMark, payloadSize, type SizeRange, sequenceOf, streamOf } from './payload.js';
import { SequenceChecker, type Tally } from './sequence-checker.js';

/** What the receivers of one worker have in common. */
export interface ReceiverSetting {
  readonly board: Board;
  /** Those of the worker. */
  readonly counts: Float64Array;
  readonly times: Times;
  readonly clock: () => number;
  readonly mark: number;
  readonly size: SizeRange;
  /** Time from which on messages are measured (microseconds of the run). */
  measureFromUs: number;
  /** Called when a message came. */
  onDelivery: () => void;
}

/** What a subscriber found. */
export interface Verification extends Tally {
  missing: number;
  /** Payloads that nobody has published so. */
  damaged: number;
}

/** What one subscriber gets: measured, and checked. */
export class Receiver {
  readonly #checker: SequenceChecker;
  readonly #setting: ReceiverSetting;
  #damaged = 0;

  /** @param streams those that it is to get, in ascending order */
  constructor(streams: readonly number[], setting: ReceiverSetting) {
    this.#checker = new SequenceChecker(streams);
    this.#setting = setting;
  }

  receive(payload: Uint8Array): void {
    const { counts, times, clock, mark, size, measureFromUs, onDelivery } = this.#setting;
    // In the end publishers clear what was retained.
    if (payload.length === 0) return;
    if (!hasMark(payload, mark)) {
      this.#damaged++;
      return;
    }
    const nowUs = clock();
    const age = ageUs(payload, nowUs);
    const stream = streamOf(payload);
    const sequence = sequenceOf(payload);
    if (payload.length !== payloadSize(size, stream, sequence)) this.#damaged++;
    const { received } = this.#checker.tally;
    this.#checker.receive(stream, sequence);
    if (this.#checker.tally.received === received) return;
    counts[Slot.delivered]++;
    counts[Slot.deliveredBytes] += payload.length;
    if (nowUs - age >= measureFromUs) times.delivery.record(age);
    onDelivery();
  }

  /** When nothing is expected to come any more. */
  verify(): Verification {
    const missing = this.#checker.missing(this.#setting.board.sent);
    return { ...this.#checker.tally, missing, damaged: this.#damaged };
  }
}
