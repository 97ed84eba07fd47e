import type { TransportFactory } from '@cauldron/client';
import { Slot } from './board.js';
import type { LoadSetting } from './load-setting.js';
import { type LaneOwner, MessageLane } from './message-lane.js';
import { ageUs, hasMark, payloadSize, sequenceOf, streamOf } from './payload.js';
import { SequenceChecker, type Tally } from './sequence-checker.js';

/** What the receivers of one worker have in common. */
export interface ReceiverSetting extends LoadSetting {
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
export class Receiver implements LaneOwner {
  readonly lane: MessageLane;
  readonly #checker: SequenceChecker;
  readonly #setting: ReceiverSetting;
  #damaged = 0;

  /** @param through how the broker is reached @param streams those that it is to get, in ascending order */
  constructor(through: TransportFactory, streams: readonly number[], setting: ReceiverSetting) {
    this.lane = new MessageLane(through, setting.version, this);
    this.#checker = new SequenceChecker(streams);
    this.#setting = setting;
  }

  /** The broker has accepted a connection. */
  begin(sessionPresent: boolean): void {
    this.lane.isOnline = true;
    if (!sessionPresent) this.lane.forget();
  }

  message(bytes: Uint8Array, at: number, end: number): void {
    const { counts, times, clock, mark, size, measureFromUs, onDelivery } = this.#setting;
    // In the end publishers clear what was retained.
    if (at === end) return;
    if (!hasMark(bytes, at, end, mark)) {
      this.#damaged++;
      return;
    }
    const nowUs = clock();
    const age = ageUs(bytes, at, nowUs);
    const stream = streamOf(bytes, at);
    const sequence = sequenceOf(bytes, at);
    if (end - at !== payloadSize(size, stream, sequence)) this.#damaged++;
    if (!this.#checker.receive(stream, sequence)) return;
    counts[Slot.delivered]++;
    counts[Slot.deliveredBytes] += end - at;
    if (nowUs - age >= measureFromUs) times.delivery.record(age);
    onDelivery();
  }

  answered(): void {
    this.#setting.errors.add('A subscriber got an acknowledgement, although it has not published');
  }

  cut(): void {}

  drained(): void {}

  /** When nothing is expected to come any more. */
  verify(): Verification {
    const missing = this.#checker.missing(this.#setting.board.sent);
    return { ...this.#checker.tally, missing, damaged: this.#damaged };
  }
}

/** What several have found together. */
export function sumOfVerifications(parts: readonly Verification[]): Verification {
  const sum: Verification = { received: 0, duplicated: 0, outOfOrder: 0, stray: 0, missing: 0, damaged: 0 };
  for (const part of parts) {
    for (const name of Object.keys(sum) as (keyof Verification)[]) sum[name] += part[name];
  }
  return sum;
}
