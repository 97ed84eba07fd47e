import { endOfLevel, KeptLevels, nodesBelow, TopicNode } from './topic-node.js';

class RetainedNode<T extends object> extends TopicNode<RetainedNode<T>> {
  value: T | null = null;
  /** The tree's count of new topics when this one got a value: what is newer than a search is no part of it. */
  born = 0;
}

/**
 * The retained messages by topic, one value for each. Topics and filters must be valid (the codec has seen to it) and
 * are taken as they are: an empty level is a level.
 */
export class RetainedTree<T extends object> {
  // [MQTT-4.7.2-1] Topics that begin with $ have a root of their own, where a leading wildcard does not look.
  readonly #root = new RetainedNode<T>('');
  readonly #dollarRoot = new RetainedNode<T>('');
  readonly #levels = new KeptLevels();
  #size = 0;
  #births = 0;
  readonly #path: RetainedNode<T>[] = [];

  /** How many topics have a value. */
  get size(): number {
    return this.#size;
  }

  get(topic: string): T | undefined {
    let node: RetainedNode<T> | null = this.#rootOf(topic);
    for (let start = 0, end = 0; start <= topic.length && node !== null; start = end + 1) {
      end = endOfLevel(topic, start);
      node = node.findChild(topic.substring(start, end));
    }
    return node?.value ?? undefined;
  }

  /** Sets the value of `topic`, and returns the one before it. */
  set(topic: string, value: T): T | null {
    let node = this.#rootOf(topic);
    for (let start = 0, end = 0; start <= topic.length; start = end + 1) {
      end = endOfLevel(topic, start);
      let child = node.findChild(topic.substring(start, end));
      if (child === null) {
        child = new RetainedNode<T>(this.#levels.of(topic, start, end));
        node.addChild(child);
      }
      node = child;
    }
    if (node.value === null) {
      this.#size++;
      node.born = ++this.#births;
    }
    const before = node.value;
    node.value = value;
    return before;
  }

  /** Takes the value of `topic` away; false if it had none. Branches that are left empty go too. */
  delete(topic: string): boolean {
    const path = this.#path;
    let depth = 0;
    let node = this.#rootOf(topic);
    for (let start = 0, end = 0; start <= topic.length; start = end + 1) {
      end = endOfLevel(topic, start);
      const child = node.findChild(topic.substring(start, end));
      if (child === null) return false;
      path[depth++] = node;
      node = child;
    }
    if (node.value === null) return false;
    node.value = null;
    this.#size--;
    while (depth > 0 && node.value === null && !node.hasChildren) {
      const parent = path[--depth];
      parent.removeChild(node);
      node = parent;
    }
    return true;
  }

  /**
   * Begins a search for all topics that match `filter`, in no particular order. Nothing is collected: the search may
   * take as long as its reader likes, and the tree may change meanwhile. Of the topics that have a value now, it finds
   * those that still have one when it gets there, with the value of that moment, each once. A topic that gets its
   * first value later (or again, after `delete`) is not found: whoever subscribed before the search got it live.
   */
  match(filter: string): RetainedSearch<T> {
    return new RetainedSearch<T>(this.#rootOf(filter), filter, this.#births);
  }

  /** Searches that find all topics, one after the other, as `match` does. */
  searches(): RetainedSearch<T>[] {
    return [this.#root, this.#dollarRoot].map((root) => new RetainedSearch<T>(root, '#', this.#births));
  }

  /** All levels of all topics, each before those below it, for a report; what changes meanwhile is met, or not. */
  *levels(): Generator<{ readonly depth: number; readonly level: string; readonly value: T | null }> {
    for (const root of [this.#root, this.#dollarRoot]) {
      for (const { node, depth } of nodesBelow(root)) yield { depth, level: node.level, value: node.value };
    }
  }

  #rootOf(topic: string): RetainedNode<T> {
    return topic.startsWith('$') ? this.#dollarRoot : this.#root;
  }
}

/** A search in progress, made by `RetainedTree.match`. It keeps a stack of its own: no recursion, however deep a tree. */
export class RetainedSearch<T extends object> implements IterableIterator<T> {
  readonly #levels: readonly string[];
  readonly #lastBirth: number;
  /** What is still to be visited: a node, or the rest of the children of one. */
  readonly #stack: (RetainedNode<T> | Iterator<RetainedNode<T>>)[];
  /** For each entry of the stack: how many levels of the filter have led there. */
  readonly #depths: number[] = [0];
  #visited = 0;

  /** Called by the tree, whose count of births so far is `lastBirth`. */
  constructor(root: RetainedNode<T>, filter: string, lastBirth: number) {
    this.#levels = filter.split('/');
    this.#lastBirth = lastBirth;
    this.#stack = [root];
  }

  /** True when all has been found. */
  get done(): boolean {
    return this.#stack.length === 0;
  }

  /** Nodes that were looked at so far: what the search has cost. */
  get visited(): number {
    return this.#visited;
  }

  /**
   * The next value; null after `limit` nodes without one, or when nothing is left (see `done`). A filter like `+/+/x`
   * may pass a million nodes and find nothing: a caller that must not keep others waiting goes on in a later turn.
   */
  step(limit: number): T | null {
    for (let visits = 0; visits < limit && this.#stack.length > 0; visits++) {
      this.#visited++;
      const top = this.#stack.length - 1;
      const depth = this.#depths[top];
      let node = this.#stack[top];
      if (!(node instanceof RetainedNode)) {
        const next = node.next();
        if (next.done === true) {
          this.#pop();
          continue;
        }
        node = next.value;
      } else {
        this.#pop();
      }
      const value = this.#visit(node, depth);
      if (value !== null) return value;
    }
    return null;
  }

  next(): IteratorResult<T, undefined> {
    const value = this.step(Number.POSITIVE_INFINITY);
    return value === null ? { done: true, value: undefined } : { done: false, value };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** Puts on the stack where the search goes on below `node`, and returns the value of `node` if that is a find. */
  #visit(node: RetainedNode<T>, depth: number): T | null {
    if (depth === this.#levels.length) return this.#valueOf(node);
    const level = this.#levels[depth];
    if (level === '#') {
      this.#pushChildren(node, depth);
      return this.#valueOf(node); // `a/#` matches `a` too: section 4.7.1.2
    }
    if (level === '+') {
      this.#pushChildren(node, depth + 1);
    } else {
      const child = node.findChild(level);
      if (child !== null) this.#push(child, depth + 1);
    }
    return null;
  }

  #valueOf(node: RetainedNode<T>): T | null {
    return node.born <= this.#lastBirth ? node.value : null;
  }

  /**
   * The iterator of a Map stands changes: it passes over what was removed, and comes to what was added, which is too
   * young to be found. A Map that its node has let go still holds the child that was left (see `removeChild`).
   */
  #pushChildren(node: RetainedNode<T>, depth: number): void {
    if (node.onlyChild !== null) this.#push(node.onlyChild, depth);
    else if (node.children !== null) this.#push(node.children.values(), depth);
  }

  #push(entry: RetainedNode<T> | Iterator<RetainedNode<T>>, depth: number): void {
    this.#stack.push(entry);
    this.#depths.push(depth);
  }

  #pop(): void {
    this.#stack.pop();
    this.#depths.pop();
  }
}
