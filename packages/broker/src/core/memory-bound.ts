import type { Context } from './context.js';
import type { Memory } from './ports/memory.js';

/** Once the limit was reached, all goes on as usual when this part of it is in use: not with every message anew. */
const RECOVERED_AT = 0.9;

/** Collecting garbage may take this part of the time at most. */
const COLLECTING_SHARE = 0.05;

/**
 * Watches `memory_limit`. Garbage counts as memory until it is collected, so before anything is refused it is collected,
 * and only what is left counts. What follows from a shortage is the matter of `StoreShortage`.
 */
export class MemoryBound {
  readonly #context: Context;
  readonly #memory: Memory;
  #isReached = false;
  #mayCollectAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: Context, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** Called now and then; it costs nothing while there is no limit. */
  check(): void {
    const { memoryLimitBytes } = this.#context.settings;
    const isLimited = memoryLimitBytes < Number.POSITIVE_INFINITY;
    if (!isLimited && !this.#isReached) return;
    const bound = this.#isReached ? memoryLimitBytes * RECOVERED_AT : memoryLimitBytes;
    let usedBytes = this.#memory.usedBytes();
    if (usedBytes >= bound) {
      if (!this.#collect()) return;
      usedBytes = this.#memory.usedBytes();
    }
    const isReached = usedBytes >= bound;
    if (isReached === this.#isReached) return;
    this.#isReached = isReached;
    const usage = isLimited ? `${megabytes(usedBytes)} of ${megabytes(memoryLimitBytes)}` : megabytes(usedBytes);
    this.#context.shortage.memoryChanged(isReached, usage);
  }

  /**
   * Why a broker with so much memory would refuse everything from the start on: what it has loaded needs more. Null: it
   * would not.
   */
  problemWith(limitBytes: number): string | null {
    if (limitBytes === Number.POSITIVE_INFINITY) return null;
    this.#memory.collect();
    const usedBytes = this.#memory.usedBytes();
    if (usedBytes < limitBytes * RECOVERED_AT) return null;
    const { retained, sessions } = this.#context;
    const leastBytes = Math.ceil((usedBytes / RECOVERED_AT) * 1.1);
    return `memory_limit is ${limitBytes} bytes, but the broker needs ${usedBytes} at rest, with ${sessions.size} sessions and ${retained.size} retained messages. Set it to ${leastBytes} at least; twice as much leaves room for messages that wait.`;
  }

  /** False: it was done a moment ago, and takes long. */
  #collect(): boolean {
    const { clock } = this.#context;
    const startedMs = clock.monotonicMs();
    if (startedMs < this.#mayCollectAtMs) return false;
    this.#memory.collect();
    const endedMs = clock.monotonicMs();
    this.#mayCollectAtMs = endedMs + (endedMs - startedMs) / COLLECTING_SHARE;
    return true;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
