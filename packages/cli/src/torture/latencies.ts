import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Measured times, thinned out evenly once there are very many. */
export class Latencies {
  static readonly #MAXIMUM = 100_000;
  #samples: number[] = [];
  #every = 1;
  #count = 0;
  #max = 0;

  add(ms: number): void {
    this.#max = Math.max(this.#max, ms);
    if (this.#count++ % this.#every !== 0) return;
    this.#samples.push(ms);
    if (this.#samples.length < Latencies.#MAXIMUM) return;
    this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }

  /** Null when nothing was measured. */
  get percentiles(): Percentiles | null {
    if (this.#count === 0) return null;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return { count: this.#count, p50: at(0.5), p99: at(0.99), max: this.#max };
  }
}

const PROBES = 200;
const PROBE_BYTES = 4_096;
const PROBE_TIME_MS = 1_500;

/** How long the disk under this folder takes to commit a small file: write and fsync, again and again for a moment. */
export async function commitTimes(folder: string): Promise<Percentiles | null> {
  const path = join(folder, 'commit-times');
  const latencies = new Latencies();
  const bytes = Buffer.alloc(PROBE_BYTES, 1);
  const file = await open(path, 'w');
  try {
    const endsAt = performance.now() + PROBE_TIME_MS;
    for (let i = 0; i < PROBES && performance.now() < endsAt; i++) {
      const startedAt = performance.now();
      await file.write(bytes, 0, bytes.length, 0);
      await file.sync();
      latencies.add(performance.now() - startedAt);
    }
  } finally {
    await file.close();
    await rm(path);
  }
  return latencies.percentiles;
}
