import { endOfLevel, KeptLevels, nodesBelow, TopicNode } from './topic-node.js';

/** The values of one filter once there are two. A class of its own, so that no `T` can be taken for it. */
class Values<T> extends Set<T> {}

/** No value, the only value (the usual case, so it needs no collection), or all of them. */
type Held<T> = T | Values<T> | null;

class FilterNode<T extends object> extends TopicNode<FilterNode<T>> {
  /** The `+` below this node: kept apart, since every topic that comes here has to look for it. */
  plus: FilterNode<T> | null = null;
  /** What was added for the filter that ends here. */
  values: Held<T> = null;
  /** What was added for the filter that ends here and `/#`: `#` needs no node, it matches all that comes this far. */
  subtreeValues: Held<T> = null;

  get isEmpty(): boolean {
    return this.values === null && this.subtreeValues === null && this.plus === null && !this.hasChildren;
  }

  override *eachChild(): Generator<FilterNode<T>> {
    if (this.plus !== null) yield this.plus;
    yield* super.eachChild();
  }
}

/** One level of the filters in a tree. */
export interface FilterLevel<T> {
  /** 0 for the first level of a filter. */
  readonly depth: number;
  readonly level: string;
  /** What was added for the filter that ends here. */
  readonly values: Iterable<T>;
}

const DOLLAR = 0x24;

/**
 * The subscription index: topic filters to values, where a value is one object for each subscription, owned by the
 * caller. Filters and topics must be valid (the codec has seen to it). They are taken as they are: nothing is
 * normalized, an empty level is a level. A shared subscription is added without its `$share/group/`.
 *
 * What was found for a topic stays right as long as `version` is the same.
 */
export class TopicTree<T extends object> {
  readonly #root = new FilterNode<T>('');
  readonly #levels = new KeptLevels();
  #size = 0;
  #version = 0;
  // Scratch of `match` and `remove`, kept so that they need not allocate. It may name nodes that have left the tree;
  // those hold no value.
  #frontier: FilterNode<T>[] = [];
  #nextFrontier: FilterNode<T>[] = [];
  readonly #path: FilterNode<T>[] = [];

  /** How many pairs of filter and value there are. */
  get size(): number {
    return this.#size;
  }

  /** Raised by every change. */
  get version(): number {
    return this.#version;
  }

  /** Adds `value` for `filter`; changes nothing if it is there already. */
  add(filter: string, value: T): void {
    const isSubtree = filter.endsWith('#');
    const length = lengthOfLevels(filter, isSubtree);
    let node = this.#root;
    for (let start = 0, end = 0; start <= length; start = end + 1) {
      end = endOfLevel(filter, start);
      const level = filter.substring(start, end);
      if (level === '+') {
        node.plus ??= new FilterNode<T>(level);
        node = node.plus;
        continue;
      }
      let child = node.findChild(level);
      if (child === null) {
        child = new FilterNode<T>(this.#levels.of(filter, start, end));
        node.addChild(child);
      }
      node = child;
    }
    const held = isSubtree ? node.subtreeValues : node.values;
    if (holds(held, value)) return;
    if (isSubtree) node.subtreeValues = withValue(held, value);
    else node.values = withValue(held, value);
    this.#size++;
    this.#version++;
  }

  /** Takes `value` away from `filter`; false if it was not there. Branches that are left empty go too. */
  remove(filter: string, value: T): boolean {
    const isSubtree = filter.endsWith('#');
    const length = lengthOfLevels(filter, isSubtree);
    const path = this.#path;
    let depth = 0;
    let node = this.#root;
    for (let start = 0, end = 0; start <= length; start = end + 1) {
      end = endOfLevel(filter, start);
      const level = filter.substring(start, end);
      const child = level === '+' ? node.plus : node.findChild(level);
      if (child === null) return false;
      path[depth++] = node;
      node = child;
    }
    const held = isSubtree ? node.subtreeValues : node.values;
    if (!holds(held, value)) return false;
    if (isSubtree) node.subtreeValues = withoutValue(held, value);
    else node.values = withoutValue(held, value);
    this.#size--;
    this.#version++;
    while (depth > 0 && node.isEmpty) {
      const parent = path[--depth];
      if (parent.plus === node) parent.plus = null;
      else parent.removeChild(node);
      node = parent;
    }
    return true;
  }

  /**
   * All levels, each before those below it, for a report. The reader may take its time: what is added or removed meanwhile
   * is met, or not.
   */
  *levels(): Generator<FilterLevel<T>> {
    yield* subtreeLevel(this.#root, 0);
    for (const { node, depth } of nodesBelow(this.#root)) {
      yield { depth, level: node.level, values: listOf(node.values) };
      yield* subtreeLevel(node, depth + 1);
    }
  }

  /**
   * Appends to `out` the values of all filters that match `topic`, in no particular order. A value that was added for
   * several of them is appended for each.
   */
  match(topic: string, out: T[]): void {
    // The nodes that the levels so far lead to, one level at a time: no recursion, however deep a topic is.
    let frontier = this.#frontier;
    let next = this.#nextFrontier;
    const root = this.#root;
    let hidesWildcards = topic.charCodeAt(0) === DOLLAR; // [MQTT-4.7.2-1] true while at the first level of a $-topic
    if (!hidesWildcards) append(root.subtreeValues, out);
    frontier[0] = root;
    let count = 1;
    for (let start = 0, end = 0; start <= topic.length && count > 0; start = end + 1) {
      end = endOfLevel(topic, start);
      const level = topic.substring(start, end);
      let found = 0;
      for (let i = 0; i < count; i++) {
        const node = frontier[i];
        const child = node.findChild(level);
        if (child !== null) {
          next[found++] = child;
          append(child.subtreeValues, out); // `a/#` matches `a` too: section 4.7.1.2
        }
        const plus = node.plus;
        if (plus !== null && !hidesWildcards) {
          next[found++] = plus;
          append(plus.subtreeValues, out);
        }
      }
      hidesWildcards = false;
      const done = frontier;
      frontier = next;
      next = done;
      count = found;
    }
    for (let i = 0; i < count; i++) append(frontier[i].values, out);
  }
}

/** Where the levels of a filter end that lead to a node: before the `/#`, if there is one (-1: there are no levels). */
function lengthOfLevels(filter: string, isSubtree: boolean): number {
  return isSubtree ? filter.length - 2 : filter.length;
}

function holds<T extends object>(held: Held<T>, value: T): boolean {
  return held === value || (held instanceof Values && held.has(value));
}

function withValue<T extends object>(held: Held<T>, value: T): Held<T> {
  if (held === null) return value;
  if (held instanceof Values) return held.add(value);
  return new Values<T>([held, value]);
}

function withoutValue<T extends object>(held: Held<T>, value: T): Held<T> {
  if (!(held instanceof Values)) return null;
  held.delete(value);
  if (held.size > 1) return held;
  for (const last of held) return last;
  return null;
}

/** The `#` below a node, if there is one. */
function* subtreeLevel<T extends object>({ subtreeValues }: FilterNode<T>, depth: number): Generator<FilterLevel<T>> {
  if (subtreeValues !== null) yield { depth, level: '#', values: listOf(subtreeValues) };
}

function listOf<T extends object>(held: Held<T>): Iterable<T> {
  if (held === null) return [];
  return held instanceof Values ? held : [held];
}

function append<T extends object>(held: Held<T>, out: T[]): void {
  if (held === null) return;
  if (held instanceof Values) for (const value of held) out.push(value);
  else out.push(held);
}
