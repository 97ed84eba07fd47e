import { strftime } from './strftime.js';

/** The time at which something is printed, as formats need it. */
export class Moment {
  /** Whole seconds since 1970. */
  seconds = 0;
  /** 0 to 999,999,999. The clock of Node tells about a quarter of a microsecond. */
  nanoseconds = 0;
  /** What is in these fields is of this second. */
  #localSeconds = Number.NaN;
  #local = new Date(0);
  #isoDateTime = '';
  #isoZone = '';

  /** @param atMs ms since 1970, with fractions */
  set(atMs: number): void {
    this.seconds = Math.floor(atMs / 1_000);
    this.nanoseconds = Math.min(999_999_999, Math.floor((atMs - this.seconds * 1_000) * 1e6));
  }

  /** In whole seconds; its getters tell local time. */
  get local(): Date {
    if (this.#localSeconds !== this.seconds) this.#localize();
    return this.#local;
  }

  /** `2026-05-01T12:00:00`, local time. */
  get isoDateTime(): string {
    if (this.#localSeconds !== this.seconds) this.#localize();
    return this.#isoDateTime;
  }

  /** Its distance from UTC: `+0200`. */
  get isoZone(): string {
    if (this.#localSeconds !== this.seconds) this.#localize();
    return this.#isoZone;
  }

  #localize(): void {
    const local = new Date(this.seconds * 1_000);
    this.#localSeconds = this.seconds;
    this.#local = local;
    this.#isoDateTime = `${strftime('F', local)}T${strftime('T', local)}`;
    this.#isoZone = strftime('z', local);
  }
}

/** ms since 1970, with fractions. Follows when the clock of the machine is set. */
export function preciseNow(): number {
  const precise = performance.timeOrigin + performance.now();
  const coarse = Date.now();
  return Math.abs(precise - coarse) < 50 ? precise : coarse;
}
