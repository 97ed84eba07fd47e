/**
 * When the messages of an open loop are due: evenly, however slow the answers are. Each worker has its share of the
 * messages, and its own moments between those of the others. Times in microseconds.
 */
export class OpenSchedule {
  readonly #startUs: number;
  readonly #intervalUs: number;
  #next = 0;

  /**
   * @param startUs when the first message of the first worker is due
   * @param perSecond of this worker
   * @param share of an interval by which this worker is behind the first: from 0, below 1
   */
  constructor(startUs: number, perSecond: number, share: number) {
    this.#intervalUs = 1e6 / perSecond;
    this.#startUs = startUs + share * this.#intervalUs;
  }

  /** When the next message is due. */
  get nextUs(): number {
    return this.#startUs + this.#next * this.#intervalUs;
  }

  /** Goes on to the message after the next. */
  advance(): void {
    this.#next++;
  }
}
