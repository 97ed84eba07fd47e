/** What stands in a ranking. */
export interface Named {
  readonly name: string;
}

export interface Ranked<Item> {
  readonly item: Item;
  /** -1: none was given. */
  readonly priority: number;
}

/** As far as priorities go. */
const PRIORITY_LIMIT = 100_000;

/** The priority of what comes without one. */
export const NO_PRIORITY = -1;

export function limitedPriority(priority: number): number {
  return Math.max(-PRIORITY_LIMIT, Math.min(PRIORITY_LIMIT, Math.trunc(priority)));
}

/** Things with a priority, the highest first; those of the same priority by their names. */
export class Ranking<Item extends Named> {
  #ranked: Ranked<Item>[] = [];

  /** False: it is there already, and keeps its priority. */
  add(item: Item, priority: number): boolean {
    if (this.has(item)) return false;
    this.#ranked.push({ item, priority });
    this.#ranked.sort((a, b) => b.priority - a.priority || compareNames(a.item, b.item));
    return true;
  }

  /** False: it was not there. */
  remove(item: Item): boolean {
    const left = this.#ranked.filter((ranked) => ranked.item !== item);
    const isThere = left.length < this.#ranked.length;
    this.#ranked = left;
    return isThere;
  }

  has(item: Item): boolean {
    return this.#ranked.some((ranked) => ranked.item === item);
  }

  get all(): readonly Ranked<Item>[] {
    return this.#ranked;
  }

  clear(): void {
    this.#ranked = [];
  }
}

/** As Mosquitto orders names, as far as they have no characters beyond the basic plane, which come earlier here. */
export function compareNames(a: Named, b: Named): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
