/** Milliseconds since the run began. No two are equal, so that they also tell what came first. */
export type Moment = number;

/** What is still to come. */
export const OPEN: Moment = Number.POSITIVE_INFINITY;

/** Between two moments that the clock cannot tell apart. */
const STEP_MS = 1e-6;
const NOTES_FOR_EACH = 400;
const HISTORY_LINES = 16;

/** One line of a history. */
export interface Note {
  readonly at: Moment;
  readonly text: string;
}

/** What happened to the broker and to its clients: what the history of a violation is made of. */
export class Timeline {
  readonly #clockMs: () => number;
  readonly #notes = new Map<string, Note[]>();
  #last: Moment = 0;
  #kills = 0;

  /** @param clockMs milliseconds since the run began, never falling */
  constructor(clockMs: () => number) {
    this.#clockMs = clockMs;
  }

  /** How often the broker was killed, up to the last time that all it had sent before was read. */
  get kills(): number {
    return this.#kills;
  }

  now(): Moment {
    this.#last = Math.max(this.#clockMs(), this.#last + STEP_MS);
    return this.#last;
  }

  /** Whom it is about: the id of a client, a topic, or 'broker'. Old notes are forgotten. */
  note(subject: string, text: string): Moment {
    const at = this.now();
    const notes = this.#notes.get(subject);
    if (notes === undefined) this.#notes.set(subject, [{ at, text }]);
    else if (notes.push({ at, text }) > 2 * NOTES_FOR_EACH) notes.splice(0, NOTES_FOR_EACH);
    return at;
  }

  /** The broker is about to be killed; what it has sent before may still come. */
  killing(when = ''): void {
    this.note('broker', `the broker is killed${when} (${this.#kills + 1})`);
  }

  /** It is gone, and nothing of it comes any more. */
  killed(): void {
    this.#kills++;
  }

  /** The lines of these subjects since a moment, mixed with lines of the caller's own, oldest first. */
  history(subjects: readonly string[], since: Moment, own: readonly Note[] = []): string[] {
    const noted = subjects.flatMap((subject) => this.#notes.get(subject) ?? []).filter(({ at }) => at >= since);
    const all = [...noted, ...own].sort((a, b) => a.at - b.at);
    const lines = all.map(({ at, text }) => `${(at / 1000).toFixed(3).padStart(9)} s  ${text}`);
    if (lines.length <= HISTORY_LINES) return lines;
    const half = HISTORY_LINES / 2;
    return [...lines.slice(0, half), `            (${lines.length - HISTORY_LINES} more)`, ...lines.slice(-half)];
  }
}
