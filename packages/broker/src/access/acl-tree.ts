import type { Decision } from '../core/ports/access.js';
import type { AclLine } from './acl-file.js';

const PLACEHOLDER = /%[uc]/;

/** Who asks, and the levels of what is asked about. One object is used again and again. */
export interface AclQuestion {
  levels: readonly string[];
  /** The user name and the client id as levels of a topic; null: lines with `%u` or `%c` have nothing to say. */
  username: string | null;
  clientId: string | null;
  wants: 'read' | 'write';
}

/** What a line says about what it matches. */
interface Verdict {
  /** Its place in the file: of two that match, the first one is named. */
  readonly number: number;
  readonly decision: Decision;
}

/** The lines for one filter: the first that denies, and the first that gives each of the two rights. */
class Leaf {
  deny: Verdict | null = null;
  read: Verdict | null = null;
  write: Verdict | null = null;

  add({ access, number }: AclLine, decision: Decision): void {
    const verdict = { number, decision };
    if (access === 'deny') this.deny ??= verdict;
    if (access === 'read' || access === 'readwrite') this.read ??= verdict;
    if (access === 'write' || access === 'readwrite') this.write ??= verdict;
  }
}

/** A level that has text around its placeholders. */
interface Template {
  readonly text: string;
  readonly node: Node;
}

class Node {
  readonly children = new Map<string, Node>();
  plus: Node | null = null;
  /** The level is the user name, or the client id. */
  user: Node | null = null;
  client: Node | null = null;
  readonly templates: Template[] = [];
  /** Of filters that end here. */
  leaf: Leaf | null = null;
  /** Of filters that end here with a `/#`: they match whatever comes this far. */
  subtree: Leaf | null = null;
}

/**
 * Lines of an ACL file, such as those of one user, in a tree of levels: what matches a topic is found without looking at
 * each line.
 */
export class AclTree {
  readonly #root = new Node();
  readonly #substitutes: boolean;
  #deny: Verdict | null = null;
  #grant: Verdict | null = null;

  /** `substitutes`: whether `%u` and `%c` in the lines mean the client's names. */
  constructor(substitutes: boolean) {
    this.#substitutes = substitutes;
  }

  /** Lines come in the order of the file. */
  add(line: AclLine, decision: Decision): void {
    const levels = line.topic.split('/');
    const isSubtree = levels.at(-1) === '#';
    if (isSubtree) levels.pop();
    let node = this.#root;
    for (const level of levels) node = this.#below(node, level);
    if (isSubtree) {
      node.subtree ??= new Leaf();
      node.subtree.add(line, decision);
    } else {
      node.leaf ??= new Leaf();
      node.leaf.add(line, decision);
    }
  }

  /** What the lines say: a denial before a grant, and of each the first in the file. Null: nothing. */
  decide(question: AclQuestion): Decision | null {
    this.#deny = null;
    this.#grant = null;
    this.#visit(this.#root, 0, question);
    return this.#verdict()?.decision ?? null;
  }

  #verdict(): Verdict | null {
    return this.#deny ?? this.#grant;
  }

  #below(node: Node, level: string): Node {
    if (level === '+') {
      node.plus ??= new Node();
      return node.plus;
    }
    if (this.#substitutes && PLACEHOLDER.test(level)) return this.#belowPlaceholder(node, level);
    let child = node.children.get(level);
    if (child === undefined) {
      child = new Node();
      node.children.set(level, child);
    }
    return child;
  }

  #belowPlaceholder(node: Node, level: string): Node {
    if (level === '%u') {
      node.user ??= new Node();
      return node.user;
    }
    if (level === '%c') {
      node.client ??= new Node();
      return node.client;
    }
    let template = node.templates.find(({ text }) => text === level);
    if (template === undefined) {
      template = { text: level, node: new Node() };
      node.templates.push(template);
    }
    return template.node;
  }

  #visit(node: Node, depth: number, question: AclQuestion): void {
    const { levels, username, clientId } = question;
    // A topic that begins with $ is meant only by lines that begin so by themselves, not by what a client calls itself.
    const isOwnKind = depth === 0 && levels[0].startsWith('$');
    if (node.subtree !== null && !isOwnKind) this.#consider(node.subtree, question);
    if (depth === levels.length) {
      if (node.leaf !== null) this.#consider(node.leaf, question);
      return;
    }
    const level = levels[depth];
    const child = node.children.get(level);
    if (child !== undefined) this.#visit(child, depth + 1, question);
    if (isOwnKind) return;
    if (node.plus !== null) this.#visit(node.plus, depth + 1, question);
    if (node.user !== null && level === username) this.#visit(node.user, depth + 1, question);
    if (node.client !== null && level === clientId) this.#visit(node.client, depth + 1, question);
    for (const { text, node: below } of node.templates) {
      if (level === filledIn(text, username, clientId)) this.#visit(below, depth + 1, question);
    }
  }

  #consider({ deny, read, write }: Leaf, { wants }: AclQuestion): void {
    if (deny !== null && (this.#deny === null || deny.number < this.#deny.number)) this.#deny = deny;
    const grant = wants === 'read' ? read : write;
    if (grant !== null && (this.#grant === null || grant.number < this.#grant.number)) this.#grant = grant;
  }
}

/** A level with the names in the place of `%u` and `%c`; null: one that it needs is missing. */
export function filledIn(level: string, username: string | null, clientId: string | null): string | null {
  if ((username === null && level.includes('%u')) || (clientId === null && level.includes('%c'))) return null;
  return level.replace(/%[uc]/g, (placeholder) => (placeholder === '%u' ? username : clientId) ?? '');
}
