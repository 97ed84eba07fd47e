const MINUTES = [1, 5, 15] as const;

/**
 * How much of something there is in a minute, averaged over the last 1, 5 and 15 minutes. Each average forgets what was
 * before by `e^(-t / its minutes)`, as the load averages of Unix and of Mosquitto do.
 */
export class LoadAverages {
  #count: number;
  readonly #perMinute: Record<(typeof MINUTES)[number], number> = { 1: 0, 5: 0, 15: 0 };

  /** `count`: what has been counted so far, which is no load. */
  constructor(count: number) {
    this.#count = count;
  }

  /** `count`: how many there are by now, so many seconds after the last call. */
  update(count: number, elapsedS: number): void {
    if (elapsedS <= 0) return;
    const perMinute = ((count - this.#count) * 60) / elapsedS;
    this.#count = count;
    for (const minutes of MINUTES) {
      const weight = Math.exp(-elapsedS / (minutes * 60));
      this.#perMinute[minutes] = perMinute + weight * (this.#perMinute[minutes] - perMinute);
    }
  }

  /** With two digits behind the point, by the names of their topics. */
  *texts(): Generator<readonly [name: '1min' | '5min' | '15min', text: string]> {
    for (const minutes of MINUTES) yield [`${minutes}min`, this.#perMinute[minutes].toFixed(2)];
  }
}
