/** Texts that are told apart; what comes beyond them is counted together. */
const MOST_TEXTS = 20;
const OTHERS = 'other errors';

/** What went wrong, and how often. */
export class ErrorTally {
  readonly #counts = new Map<string, number>();

  add(text: string, count = 1): void {
    const key = this.#counts.has(text) || this.#counts.size < MOST_TEXTS ? text : OTHERS;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** The most frequent first. */
  get entries(): (readonly [text: string, count: number])[] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}
