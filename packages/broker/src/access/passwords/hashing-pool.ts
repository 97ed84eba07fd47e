import { availableParallelism } from 'node:os';

/** Node's pool has four threads, which files and names of hosts need, too. */
const MAX_THREADS = 3;
/** Some seconds of work, at 20 to 50 ms each: who waits longer has given up. */
const MAX_WAITING = 500;

export interface HashingLimits {
  /** At once, each with the memory that its kind of hash takes. Default: one fewer than processors, 1 to 3. */
  readonly threads?: number;
  /** Default 500. */
  readonly maxWaiting?: number;
}

/** Bounds how much hashing is done at once, and how much waits: the event loop keeps a processor, and memory its limit. */
export class HashingPool {
  readonly #threads: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ threads, maxWaiting = MAX_WAITING }: HashingLimits = {}) {
    this.#threads = threads ?? Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1));
    this.#maxWaiting = maxWaiting;
  }

  /** Does the work when it is its turn. Null: too much waits already. What it rejects with, the promise does. */
  run<Result>(work: () => Promise<Result>): Promise<Result> | null {
    if (this.#running < this.#threads) {
      this.#running++;
      return this.#do(work);
    }
    if (this.#waiting.length >= this.#maxWaiting) return null;
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#do(work));
  }

  async #do<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over; it is never free in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
