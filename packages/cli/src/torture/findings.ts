/** What a broker can do wrong here, in the order of the sheet, with what the sheet calls it. */
export const VIOLATIONS = {
  lost: 'Messages lost',
  duplicate: 'Messages delivered twice',
  disorder: 'Messages out of order',
  corrupt: 'Messages not as published',
  retained: 'Retained messages stale, lost or resurrected',
  subscription: 'Subscriptions lost or undead',
  session: 'Sessions lost or undead',
  will: 'Wills lost or undead',
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

/** What was looked at: without it, that nothing was found would say nothing. */
export interface Checks {
  /** Messages that came to a session for the first time. */
  deliveries: number;
  /** Topics, each at each time, whose retained message was looked for. */
  retained: number;
  /** Answers that say whether a subscription was there. */
  subscriptions: number;
  /** CONNACKs that say whether a session was there. */
  sessions: number;
  /** Wills that came, and those that had to stay away. */
  wills: number;
}

/** Of each kind, so that one that comes often does not hide the others. */
const SHOWN_OF_EACH = 3;

/** The violations that were found: all are counted, the first of each kind are kept. */
export class Findings {
  readonly checks: Checks = { deliveries: 0, retained: 0, subscriptions: 0, sessions: 0, wills: 0 };
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
