/** What a broker can do wrong here, in the order of the sheet, with what the sheet calls it. */
export const VIOLATIONS = {
  lost: 'Messages lost',
  duplicate: 'Messages delivered twice',
  disorder: 'Messages out of order',
  corrupt: 'Messages not as published',
  retained: 'Retained messages stale, lost or resurrected',
  subscription: 'Subscriptions lost or undead',
  session: 'Sessions lost or undead',
  will: 'Wills that should not have come',
  broker: 'Breakdowns of the broker',
} as const;

export type ViolationKind = keyof typeof VIOLATIONS;

export interface Violation {
  readonly kind: ViolationKind;
  /** One sentence: what is wrong. */
  readonly text: string;
  /** What led to it, oldest first. */
  readonly history: readonly string[];
}

/** Of each kind, so that one that comes often does not hide the others. */
const SHOWN_OF_EACH = 3;

/** The violations that were found: all are counted, the first of each kind are kept. */
export class Findings {
  readonly #counts = new Map<ViolationKind, number>();
  readonly #first: Violation[] = [];

  /** `history` is called only if the violation is one to keep. */
  add(kind: ViolationKind, text: string, history: () => readonly string[]): void {
    const count = this.count(kind);
    this.#counts.set(kind, count + 1);
    if (count < SHOWN_OF_EACH) this.#first.push({ kind, text, history: history() });
  }

  count(kind: ViolationKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** The first few of each kind, in the order in which they were found. */
  get first(): readonly Violation[] {
    return this.#first;
  }
}
