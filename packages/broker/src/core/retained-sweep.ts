import type { Context } from './context.js';
import type { RetainedRecord } from './retained-record.js';
import type { RetainedSearch } from './retained-tree.js';

/** Levels of topics that are looked at in one tick: a ms or two of work, and a million topics are done in a minute or two. */
const LEVELS_PER_TICK = 2000;

/**
 * Looks for retained messages that have expired, every `retain_expiry_interval`, a slice at each tick. Without it they go
 * when somebody asks for their topic, which may never happen.
 */
export class RetainedSweep {
  readonly #context: Context;
  /** What is still to be searched; empty: nothing is under way. */
  #searches: RetainedSearch<RetainedRecord>[] = [];
  /** When the last one began, by the wheel's clock. */
  #begunAtMs: number;

  constructor(context: Context) {
    this.#context = context;
    this.#begunAtMs = context.wheel.now;
  }

  /** Called at each tick. */
  tick(): void {
    if (this.#searches.length === 0 && !this.#begins()) return;
    const { clock, retained } = this.#context;
    const [search] = this.#searches;
    for (let left = LEVELS_PER_TICK; left > 0 && !search.done; ) {
      const before = search.visited;
      const record = search.step(left);
      left -= search.visited - before;
      if (record?.isExpired(clock)) retained.expire(record);
    }
    if (search.done) this.#searches.shift();
  }

  #begins(): boolean {
    const { retained, settings, wheel } = this.#context;
    const { retainExpiryIntervalMs } = settings;
    if (retainExpiryIntervalMs === 0 || wheel.now - this.#begunAtMs < retainExpiryIntervalMs) return false;
    this.#begunAtMs = wheel.now;
    this.#searches = retained.searches();
    return true;
  }
}
