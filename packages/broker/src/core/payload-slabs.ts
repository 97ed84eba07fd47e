/** Bytes: the sizes of slots are its multiples, so that numbers of eight bytes are aligned. */
const STEP = 16;
/** Bytes of the largest slot that shares memory with others. */
const LARGEST_SHARED = 1_024;
/** Bytes. */
const SLAB = 65_536;

/** A piece of memory that is divided into slots of one size. */
export class Slab {
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly numbers: Float64Array;
  /** Bytes. */
  readonly slotSize: number;
  /** Whether it is in its list of slabs with room; one that is full may be, until somebody looks there for room. */
  isListed = true;
  /** Slots that are free: the first `#freeCount` of these. */
  readonly #free: Uint16Array;
  #freeCount: number;

  /** `slots`: at most 65,536. */
  constructor(slotSize: number, slots: number) {
    this.bytes = new Uint8Array(slotSize * slots);
    this.numbers = new Float64Array(this.bytes.buffer);
    this.slotSize = slotSize;
    this.#free = new Uint16Array(slots);
    for (let i = 0; i < slots; i++) this.#free[i] = slots - 1 - i;
    this.#freeCount = slots;
  }

  get isFull(): boolean {
    return this.#freeCount === 0;
  }

  get isEmpty(): boolean {
    return this.#freeCount === this.#free.length;
  }

  /** Where a slot begins in `bytes` that is the caller's from now on. There must be one. */
  take(): number {
    return this.#free[--this.#freeCount] * this.slotSize;
  }

  giveBack(start: number): void {
    this.#free[this.#freeCount++] = start / this.slotSize;
  }
}

/**
 * Memory for many small pieces of bytes. A piece of 64 bytes in an array of its own takes three times as much; here it
 * takes what is missing to the next multiple of 16.
 */
export class PayloadSlabs {
  /** By size of slots: slabs that have room. */
  readonly #roomy: Slab[][] = Array.from({ length: LARGEST_SHARED / STEP + 1 }, () => []);
  /** By size of slots: how many of them have nothing but room. */
  readonly #empty: number[] = this.#roomy.map(() => 0);

  /** A slab that has a slot for this many bytes, which the caller takes. */
  slabFor(length: number): Slab {
    const step = Math.max(1, Math.ceil(length / STEP));
    if (step * STEP > LARGEST_SHARED) return new Slab(step * STEP, 1);
    const roomy = this.#roomy[step];
    for (let slab = roomy.at(-1); slab !== undefined; slab = roomy.at(-1)) {
      if (slab.isEmpty) this.#empty[step]--;
      if (!slab.isFull) return slab;
      slab.isListed = false;
      roomy.pop();
    }
    const slab = new Slab(step * STEP, Math.floor(SLAB / (step * STEP)));
    roomy.push(slab);
    return slab;
  }

  /** The slot that begins there is not needed any more. */
  giveBack(slab: Slab, start: number): void {
    if (slab.slotSize > LARGEST_SHARED) return;
    const step = slab.slotSize / STEP;
    slab.giveBack(start);
    if (!slab.isListed) {
      slab.isListed = true;
      this.#roomy[step].push(slab);
    }
    if (slab.isEmpty && ++this.#empty[step] > 1) this.#letGo(step, slab);
  }

  /** Slabs that are empty go, but for one, once they are more than half of those with room: that costs each slot little. */
  #letGo(step: number, last: Slab): void {
    const roomy = this.#roomy[step];
    if (this.#empty[step] * 2 <= roomy.length) return;
    const kept = roomy.filter((slab) => !slab.isEmpty || slab === last);
    for (const slab of roomy) slab.isListed = !slab.isEmpty || slab === last;
    this.#roomy[step] = kept;
    this.#empty[step] = 1;
  }
}
