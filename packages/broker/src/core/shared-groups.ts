/** A member of a shared subscription, as far as the choice among them goes. */
export interface GroupMember {
  /** May change at any time, and nobody need tell. */
  readonly connected: boolean;
}

/**
 * The members of one shared subscription, who take turns: the connected ones; while none is connected, the absent ones,
 * whose sessions keep the message. (Section 4.8.2 leaves the choice to the server.)
 *
 * The two kinds are kept apart, so that a thousand sessions that nobody came back for do not make every message slow.
 * A member that went is noticed when its turn comes. One that came back is noticed because each turn looks at one
 * absent member more: after as many turns as there are absent ones, at the latest.
 */
export class SharedGroup<M extends GroupMember> {
  readonly #present: M[] = [];
  readonly #absent: M[] = [];
  /** Whose turn is next among the present, and among the absent; and which absent member is looked at next. */
  #presentTurn = 0;
  #absentTurn = 0;
  #lookAt = 0;

  get size(): number {
    return this.#present.length + this.#absent.length;
  }

  /** The caller has made sure that `member` is not in the group. */
  add(member: M): void {
    if (member.connected) this.#present.push(member);
    else this.#absent.push(member);
  }

  /** False if `member` was not in the group. */
  remove(member: M): boolean {
    const at = this.#present.indexOf(member);
    if (at >= 0) {
      this.#present.splice(at, 1);
      if (at < this.#presentTurn) this.#presentTurn--;
      return true;
    }
    const absentAt = this.#absent.indexOf(member);
    if (absentAt < 0) return false;
    this.#absent.splice(absentAt, 1);
    if (absentAt < this.#absentTurn) this.#absentTurn--;
    return true;
  }

  /** Whose turn it is among those whom `suits` accepts, or among all; null when there is nobody. */
  pick(suits: ((member: M) => boolean) | null = null): M | null {
    this.#lookForReturned(1);
    const present = this.#pickPresent(suits);
    if (present !== null || this.#absent.length === 0) return present;
    this.#lookForReturned(this.#absent.length);
    return this.#pickPresent(suits) ?? this.#pickAbsent(suits);
  }

  /** All members, for a report: one that changes its place meanwhile may be met twice, or not at all. */
  *all(): Generator<M> {
    for (const members of [this.#present, this.#absent]) yield* members;
  }

  /** Whether `suits` accepts any member. Takes nobody's turn. */
  some(suits: (member: M) => boolean): boolean {
    return this.#present.some(suits) || this.#absent.some(suits);
  }

  #pickPresent(suits: ((member: M) => boolean) | null): M | null {
    const present = this.#present;
    for (let passed = 0; passed < present.length; ) {
      if (this.#presentTurn >= present.length) this.#presentTurn = 0;
      const member = present[this.#presentTurn];
      if (!member.connected) {
        takeOut(present, this.#presentTurn);
        this.#absent.push(member);
        continue;
      }
      this.#presentTurn++;
      if (suits === null || suits(member)) return member;
      passed++;
    }
    return null;
  }

  #pickAbsent(suits: ((member: M) => boolean) | null): M | null {
    const absent = this.#absent;
    for (let passed = 0; passed < absent.length; passed++) {
      if (this.#absentTurn >= absent.length) this.#absentTurn = 0;
      const member = absent[this.#absentTurn++];
      if (suits === null || suits(member)) return member;
    }
    return null;
  }

  /** Looks at `count` of the absent members, in turn. */
  #lookForReturned(count: number): void {
    const absent = this.#absent;
    for (let left = count; left > 0 && absent.length > 0; left--) {
      if (this.#lookAt >= absent.length) this.#lookAt = 0;
      const member = absent[this.#lookAt];
      if (member.connected) {
        takeOut(absent, this.#lookAt);
        this.#present.push(member);
      } else {
        this.#lookAt++;
      }
    }
  }
}

/** Removes one member at the price of the order: the last one takes its place. */
function takeOut<M>(members: M[], at: number): void {
  members[at] = members[members.length - 1];
  members.length--;
}
