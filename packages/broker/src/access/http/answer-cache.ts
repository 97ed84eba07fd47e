/** More are not remembered: the oldest is forgotten. */
const MAX_ENTRIES = 20_000;

/** Answers for a while, by what was asked. */
export class AnswerCache<Answer> {
  readonly #lifeMs: number;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, { readonly answer: Answer; readonly untilMs: number }>();

  /** `lifeMs` 0: nothing is remembered. */
  constructor(lifeMs: number, nowMs: () => number) {
    this.#lifeMs = lifeMs;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Answer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#nowMs() < entry.untilMs) return entry.answer;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, answer: Answer): void {
    if (this.#lifeMs === 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { answer, untilMs: this.#nowMs() + this.#lifeMs });
    if (this.#entries.size <= MAX_ENTRIES) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
