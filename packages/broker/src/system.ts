import { randomFillSync } from 'node:crypto';
import type { Clock } from './core/ports/clock.js';
import type { Random } from './core/ports/random.js';

/** The machine's clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every(intervalMs, tick) {
    const timer = setInterval(tick, intervalMs).unref();
    return () => clearInterval(timer);
  },
};

/** The system's source of unpredictable bytes. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};
