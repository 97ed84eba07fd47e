import type { Clock } from './ports/clock.js';

/** A read of no more than this has a few messages in it, which may wait for those of others. */
const SMALL_READ_BYTES = 4096;

/** After so many turns it is known whether waiting pays. */
const TRIAL_TURNS = 32;

/** It does if a turn has at least so many reads on average. */
const PAYING_READS = 2;

/** While it does not, so many reads go by before it is tried again. */
const READS_BETWEEN_TRIALS = 512;

/**
 * When that leaves which a read has produced. Where many publishers have sent a message each, it waits until all of them
 * were read: then a subscriber of them all gets one write. What comes of a large read leaves at once, while it is in the
 * caches of the processor; and so does all while messages come one by one, since waiting has its price.
 */
export class ReadTurns {
  readonly #clock: Clock;
  readonly #flush: () => void;
  #isWaiting = false;
  #turns = 0;
  /** In these turns. */
  #reads = 0;
  /** Reads that do not wait, before the next trial. */
  #atOnce = 0;

  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Called at the end of each read, of so many bytes. */
  readDone(bytes: number): void {
    if (bytes > SMALL_READ_BYTES) {
      this.#flush();
      return;
    }
    if (this.#atOnce > 0) {
      this.#atOnce--;
      this.#flush();
      return;
    }
    this.#reads++;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#clock.afterReads(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isWaiting = false;
    this.#flush();
    if (++this.#turns < TRIAL_TURNS) return;
    if (this.#reads < this.#turns * PAYING_READS) this.#atOnce = READS_BETWEEN_TRIALS;
    this.#turns = this.#reads = 0;
  };
}
