/**
 * What the subscription tree and the retained tree have in common: a node for each level of a topic, which finds, takes
 * and gives up children. Most nodes of a real tree have one child or none, so a Map is made for the second one only.
 */
export abstract class TopicNode<N extends TopicNode<N>> {
  /** The text between two slashes; the key under which the parent holds this node. */
  readonly level: string;
  /** The child, while there is one only; else null. */
  onlyChild: N | null = null;
  /** The children by level, while there are two or more; else null. */
  children: Map<string, N> | null = null;

  constructor(level: string) {
    this.level = level;
  }

  findChild(level: string): N | null {
    const only = this.onlyChild;
    if (only !== null) return only.level === level ? only : null;
    return this.children?.get(level) ?? null;
  }

  /** The caller has made sure that there is no child of this level yet. */
  addChild(node: N): void {
    if (this.children !== null) {
      this.children.set(node.level, node);
    } else if (this.onlyChild !== null) {
      this.children = new Map([
        [this.onlyChild.level, this.onlyChild],
        [node.level, node],
      ]);
      this.onlyChild = null;
    } else {
      this.onlyChild = node;
    }
  }

  /**
   * The caller has made sure that `node` is a child. When one child is left, the Map is let go but not changed: an
   * iterator over it still comes to that child.
   */
  removeChild(node: N): void {
    const children = this.children;
    if (children === null) {
      this.onlyChild = null;
      return;
    }
    children.delete(node.level);
    if (children.size > 1) return;
    for (const last of children.values()) this.onlyChild = last;
    this.children = null;
  }

  get hasChildren(): boolean {
    return this.onlyChild !== null || this.children !== null;
  }

  /** One after the other, for a reader who takes its time: what is added or removed meanwhile is met, or not. */
  *eachChild(): Generator<N> {
    if (this.onlyChild !== null) yield this.onlyChild;
    else if (this.children !== null) yield* this.children.values();
  }
}

/**
 * All nodes below `root`, each before its children, which have a depth more than it; those of `root` have 0. No recursion,
 * however deep a tree is, and nothing is collected.
 */
export function* nodesBelow<N extends TopicNode<N>>(root: N): Generator<{ readonly node: N; readonly depth: number }> {
  const stack = [root.eachChild()];
  while (stack.length > 0) {
    const next = stack[stack.length - 1].next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    yield { node: next.value, depth: stack.length - 1 };
    stack.push(next.value.eachChild());
  }
}

/** Where the level that begins at `start` ends: at the next slash or at the end of the topic. */
export function endOfLevel(topic: string, start: number): number {
  const slash = topic.indexOf('/', start);
  return slash === -1 ? topic.length : slash;
}

/**
 * Characters that a kept level may hold in memory beyond its own. A substring can be a view of the string that it was
 * cut from, so the level of a short topic could keep alive a topic of 65,535 bytes which was removed long ago.
 */
const KEPT_CHARACTERS = 256;

/** Levels that are remembered; then that begins anew. */
const SHARED_LEVELS = 4_096;

/**
 * Levels as nodes keep them. A million topics that end with `state` share one text, as long as other levels do not come
 * in between in large numbers.
 */
export class KeptLevels {
  readonly #shared = new Map<string, string>();

  /** The level from `start` to `end`, fit to be kept: it does not hold a much longer topic in memory. */
  of(topic: string, start: number, end: number): string {
    const level = topic.substring(start, end);
    const known = this.#shared.get(level);
    if (known !== undefined) return known;
    // Joining copies; the substring then is a view of the copy.
    const kept = topic.length - level.length <= KEPT_CHARACTERS ? level : ` ${level}`.substring(1);
    if (this.#shared.size >= SHARED_LEVELS) this.#shared.clear();
    this.#shared.set(kept, kept);
    return kept;
  }
}
