/** Up to here each value has a bucket of its own; beyond, buckets get wider so that they stay below a thousandth of their value. */
const EXACT = 2_048;
const EXACT_BITS = 11;
/** Buckets for each doubling of the values beyond. */
const HALF = EXACT / 2;
/** Values are below 2 to this power: with microseconds that is over an hour. */
const BITS = 32;
const HIGHEST = 2 ** BITS - 1;

/** How many buckets a histogram has. */
export const BUCKETS = EXACT + (BITS - EXACT_BITS) * HALF;

/**
 * How often which values were measured, to three significant digits, in memory that does not grow. Values are whole numbers
 * from 0 to 2^32 - 1; what is beyond counts as the nearest of these.
 */
export class Histogram {
  readonly #counts: Float64Array<ArrayBufferLike>;

  /**
   * @param counts of `BUCKETS` numbers; in shared memory, another thread can look at them meanwhile. Default: own ones, all 0.
   */
  constructor(counts: Float64Array<ArrayBufferLike> = new Float64Array(BUCKETS)) {
    this.#counts = counts;
  }

  record(value: number): void {
    this.#counts[bucketOf(value)]++;
  }

  /** Adds what another one has counted. */
  add(other: Histogram): void {
    const counts = this.#counts;
    other.#counts.forEach((count, i) => {
      counts[i] += count;
    });
  }

  /** What has been counted since `earlier`, a copy of this one. */
  since(earlier: Histogram): Histogram {
    return new Histogram(this.#counts.map((count, i) => count - earlier.#counts[i]));
  }

  copy(): Histogram {
    return new Histogram(this.#counts.slice());
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * The value that so many percent of all do not exceed: a bit more than the measured one, by less than a thousandth.
   * @param percent 0 for the smallest, 100 for the largest. @returns null when nothing was measured
   */
  percentile(percent: number): number | null {
    const { count } = this;
    if (count === 0) return null;
    const wanted = Math.max(1, Math.ceil((count * percent) / 100 - 1e-9));
    let passed = 0;
    const bucket = this.#counts.findIndex((inBucket) => {
      passed += inBucket;
      return passed >= wanted;
    });
    return highestOf(bucket);
  }
}

function bucketOf(value: number): number {
  const whole = value < 0 ? 0 : value > HIGHEST ? HIGHEST : Math.floor(value);
  if (whole < EXACT) return whole;
  const shift = BITS - EXACT_BITS - Math.clz32(whole);
  return shift * HALF + (whole >>> shift);
}

/** The largest value that falls into a bucket. */
function highestOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const shift = Math.floor(bucket / HALF) - 1;
  return (bucket - shift * HALF + 1) * 2 ** shift - 1;
}
