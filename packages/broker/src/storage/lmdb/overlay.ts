/**
 * What a table of the disk does not have yet: by name, the value or null for one that is removed. Two layers: what the
 * commit under way brings, and above it what has changed since.
 */
export class Overlay<V> {
  #pending = new Map<string, V | null>();
  #committing = new Map<string, V | null>();

  get isChanged(): boolean {
    return this.#pending.size > 0;
  }

  set(name: string, value: V | null): void {
    this.#pending.set(name, value);
  }

  /** Undefined: as the disk has it. Null: removed. */
  get(name: string): V | null | undefined {
    const pending = this.#pending.get(name);
    return pending === undefined ? this.#committing.get(name) : pending;
  }

  /** All that the disk does not have, without what is removed. */
  *values(): Generator<V> {
    for (const [name, value] of this.#committing) if (value !== null && !this.#pending.has(name)) yield value;
    for (const value of this.#pending.values()) if (value !== null) yield value;
  }

  /** By how many names it adds to what the disk has. */
  added(isOnDisk: (name: string) => boolean): number {
    let added = 0;
    for (const [name, value] of new Map([...this.#committing, ...this.#pending])) {
      added += (value === null ? 0 : 1) - (isOnDisk(name) ? 1 : 0);
    }
    return added;
  }

  /** What the commit that begins now has to bring. */
  begin(): ReadonlyMap<string, V | null> {
    this.#committing = this.#pending;
    this.#pending = new Map();
    return this.#committing;
  }

  settle(isCommitted: boolean): void {
    const committing = this.#committing;
    this.#committing = new Map();
    if (isCommitted) return;
    for (const [name, value] of this.#pending) committing.set(name, value);
    this.#pending = committing;
  }
}
