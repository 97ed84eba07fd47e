import { randomFillSync } from 'node:crypto';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './core/ports/clock.js';
import type { Memory } from './core/ports/memory.js';
import type { Random } from './core/ports/random.js';

/** The machine's clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every(intervalMs, tick) {
    const timer = setInterval(tick, intervalMs).unref();
    return () => clearInterval(timer);
  },
  soon: (action) => {
    setImmediate(action);
  },
  afterReads: (action) => {
    setImmediate(action);
  },
};

/** The system's source of unpredictable bytes. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

/** Memory of the process: V8's heap, and what lies outside of it and belongs to it, such as buffers. */
export const systemMemory: Memory = {
  usedBytes() {
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    return heapBytes + externalBytes;
  },
  collect() {
    collector ??= exposedCollector();
    collector();
  },
};

let collector: (() => void) | null = null;

/** V8 shows its collector to contexts that are made after this flag was set, and to no others. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? () => found() : () => {};
}

/**
 * By what V8 multiplies its young generation when much in it has survived; 1: it stays as large as it is. Counts for the
 * whole process. A V8 that does not know it goes on as it would.
 */
export function growYoungGenerationBy(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}
