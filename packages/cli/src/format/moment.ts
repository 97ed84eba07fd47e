/** The time at which something is printed, as formats need it. */
export class Moment {
  /** Whole seconds since 1970. */
  seconds = 0;
  /** 0 to 999,999,999. The clock of Node tells about a quarter of a microsecond. */
  nanoseconds = 0;
  #local = new Date(0);
  #localSeconds = 0;

  /** @param atMs ms since 1970, with fractions */
  set(atMs: number): void {
    this.seconds = Math.floor(atMs / 1_000);
    this.nanoseconds = Math.min(999_999_999, Math.floor((atMs - this.seconds * 1_000) * 1e6));
  }

  /** In whole seconds; its getters tell local time. */
  get local(): Date {
    if (this.#localSeconds !== this.seconds) {
      this.#localSeconds = this.seconds;
      this.#local = new Date(this.seconds * 1_000);
    }
    return this.#local;
  }
}

/** ms since 1970, with fractions. Follows when the clock of the machine is set. */
export function preciseNow(): number {
  const precise = performance.timeOrigin + performance.now();
  const coarse = Date.now();
  return Math.abs(precise - coarse) < 50 ? precise : coarse;
}
