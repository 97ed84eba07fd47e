/** A member of a shared subscription, as far as the choice among them goes. */
export interface GroupMember {
  readonly connected: boolean;
}

/**
 * The members of one shared subscription, in turn: connected ones first; while none is connected, the absent ones, whose
 * sessions keep the message.
 */
export class SharedGroup<M extends GroupMember> {
  readonly #members: M[] = [];
  #turn = 0;

  get size(): number {
    return this.#members.length;
  }

  add(member: M): void {
    this.#members.push(member);
  }

  remove(member: M): boolean {
    const at = this.#members.indexOf(member);
    if (at < 0) return false;
    this.#members.splice(at, 1);
    if (at < this.#turn) this.#turn--;
    return true;
  }

  /** Whose turn it is; null when there is nobody. */
  pick(): M | null {
    const members = this.#members;
    const count = members.length;
    if (count === 0) return null;
    for (let i = 0; i < count; i++) {
      const at = (this.#turn + i) % count;
      if (!members[at].connected) continue;
      this.#turn = (at + 1) % count;
      return members[at];
    }
    const at = this.#turn % count;
    this.#turn = (at + 1) % count;
    return members[at];
  }
}
