import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** Of the thread that reads it: nanoseconds on a processor, nanoseconds of waiting for one, turns. */
const SCHEDULE = '/proc/thread-self/schedstat';
const RESOLUTION_MS = 2;

/**
 * How long the event loop of this thread stands still, for which it is to blame itself: time in which the machine gave the
 * processor to somebody else does not count, where it tells (Linux).
 */
export class EventLoopPauses {
  #longestMs = 0;
  #atMs = performance.now();
  #waitedMs = waitedMs();
  readonly #timer = setInterval(() => this.#look(), RESOLUTION_MS);

  /** Ends the measurement; gives the longest pause. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#longestMs;
  }

  #look(): void {
    const nowMs = performance.now();
    const waited = waitedMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#atMs - (waited - this.#waitedMs));
    this.#atMs = nowMs;
    this.#waitedMs = waited;
  }
}

function waitedMs(): number {
  try {
    return Number(readFileSync(SCHEDULE, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
