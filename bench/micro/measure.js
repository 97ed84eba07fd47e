// What a piece of work costs beside a plain loop, which is the same everywhere and for ever: the ratio of the two is what
// can be compared from one run to the next, on a machine that does other things, too.

/**
 * @typedef {import('./works.js').Work} Work
 */

/** CPU time of one measured stretch, in milliseconds: long beside the clock's step, short beside a turn of the scheduler. */
const STRETCH_MS = 3;
const WARM_UP_MS = 60;

const SOURCE = Buffer.alloc(4096, 'the quick brown fox');
const TARGET = Buffer.alloc(4096);
let sum = 0;

/** The plain loop: bytes are read, hashed and copied. */
function plainLoop() {
  let hash = sum;
  for (let i = 0; i < SOURCE.length; i++) {
    const byte = SOURCE[i];
    hash = (Math.imul(hash, 31) + byte) | 0;
    TARGET[i] = byte ^ (hash & 1);
  }
  sum = hash;
}

/** CPU time of this process, in milliseconds. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * How often something has to run to fill a stretch.
 * @param {() => void} run
 */
function timesFor(run) {
  const giveUp = cpuMs() + WARM_UP_MS;
  let times = 0;
  while (cpuMs() < giveUp) {
    run();
    times++;
  }
  return Math.max(1, Math.round((times * STRETCH_MS) / WARM_UP_MS));
}

/**
 * Milliseconds of CPU time for one run.
 * @param {() => void} run
 * @param {number} times
 */
function stretch(run, times) {
  const before = cpuMs();
  for (let i = 0; i < times; i++) run();
  return (cpuMs() - before) / times;
}

/** One work, measured as long as its best gets better. */
export class Measurement {
  work;
  #times;
  #plainTimes;
  #bestMs = Number.POSITIVE_INFINITY;
  #bestPlainMs = Number.POSITIVE_INFINITY;

  /** @param {Work} work */
  constructor(work) {
    this.work = work;
    this.#times = timesFor(work.run);
    this.#plainTimes = timesFor(plainLoop);
  }

  /**
   * Measures the work and the loop in turns. The best of each counts: what disturbs can only add.
   * @param {number} passes
   */
  go(passes) {
    for (let pass = 0; pass < passes; pass++) {
      this.#bestPlainMs = Math.min(this.#bestPlainMs, stretch(plainLoop, this.#plainTimes));
      this.#bestMs = Math.min(this.#bestMs, stretch(this.work.run, this.#times));
    }
  }

  /** CPU time of one operation, in nanoseconds. */
  get nanoseconds() {
    return (this.#bestMs * 1e6) / this.work.operations;
  }

  /** CPU time of one operation by that of the plain loop over 4 KB. */
  get ratio() {
    return this.#bestMs / this.work.operations / this.#bestPlainMs;
  }
}
