import { nearestName } from '@cauldron/broker/nearest-name';
import type { Member, Node } from './commented-json.js';
import type { Span } from './description.js';
import { parseTemplate, type Template, TemplateError } from './template.js';

type Complain = (line: number, path: string, message: string) => void;

/** A place in a description. What is wrong there is noted, and reading goes on with something that fits. */
export class Place {
  readonly node: Node;
  readonly #path: string;
  readonly #complain: Complain;

  constructor(node: Node, path: string, complain: Complain) {
    this.node = node;
    this.#path = path;
    this.#complain = complain;
  }

  complain(message: string): void {
    this.#complain(this.node.line, this.#path, message);
  }

  /** The members of an object; others than `names` are a mistake, and so is a missing one of `needed`. */
  members(names: readonly string[], needed: readonly string[] = []): Map<string, Place> {
    if (this.node.kind !== 'object') {
      this.complain(
        `an object was expected: { ${(needed.length > 0 ? needed : names).map((name) => `"${name}": ...`).join(', ')} }`,
      );
      return new Map();
    }
    for (const [name, { line }] of this.node.members) {
      if (names.includes(name)) continue;
      const near = nearestName(name, names);
      const hint = near === undefined ? `there are ${names.join(', ')}` : `did you mean "${near}"?`;
      this.#complain(line, this.#pathOf(name), `there is no such thing; ${hint}`);
    }
    for (const name of needed) if (!this.node.members.has(name)) this.complain(`"${name}" is missing`);
    return this.everyMember();
  }

  /** All members of an object, whatever their names are. */
  everyMember(): Map<string, Place> {
    if (this.node.kind !== 'object') {
      this.complain('an object was expected: { ... }');
      return new Map();
    }
    return new Map(Array.from(this.node.members, ([name, member]) => [name, this.#below(name, member)]));
  }

  items(): Place[] {
    if (this.node.kind !== 'array') {
      this.complain('a list was expected: [ ... ]');
      return [];
    }
    return this.node.items.map((node, at) => new Place(node, `${this.#path}[${at}]`, this.#complain));
  }

  text(): string {
    if (this.node.kind === 'string') return this.node.value;
    this.complain('a text was expected: "..."');
    return '';
  }

  flag(): boolean {
    if (this.node.kind === 'boolean') return this.node.value;
    this.complain('true or false was expected');
    return false;
  }

  number(lowest = Number.NEGATIVE_INFINITY, highest = Number.POSITIVE_INFINITY, whole = false): number {
    const { node } = this;
    const fits = node.kind === 'number' && node.value >= lowest && node.value <= highest;
    if (fits && (!whole || Number.isInteger(node.value))) return node.value;
    const kind = whole ? 'a whole number' : 'a number';
    const bounds = [
      Number.isFinite(lowest) ? `from ${lowest}` : '',
      Number.isFinite(highest) ? `${Number.isFinite(lowest) ? '' : 'up '}to ${highest}` : '',
    ];
    this.complain(`${[kind, ...bounds].filter((word) => word !== '').join(' ')} was expected`);
    return Number.isFinite(lowest) ? lowest : 0;
  }

  /** Two numbers. */
  span(lowest?: number, highest?: number): Span {
    const items = this.items();
    if (items.length === 2) return [items[0].number(lowest, highest), items[1].number(lowest, highest)];
    if (this.node.kind === 'array') this.complain('two numbers were expected: [from, to]');
    return [0, 1];
  }

  /** Milliseconds: `"10s"`, or a number of seconds. */
  duration(lowestMs = 1): number {
    const { node } = this;
    if (node.kind === 'number' && node.value * 1000 >= lowestMs) return node.value * 1000;
    const ms = node.kind === 'string' ? durationMs(node.value) : null;
    if (ms !== null && ms >= lowestMs) return ms;
    this.complain('a time was expected: "250ms", "10s", "5m", "2h", or a number of seconds');
    return 1000;
  }

  /** One duration, or the shortest and the longest; milliseconds. */
  durations(lowestMs = 1): Span {
    if (this.node.kind !== 'array') {
      const ms = this.duration(lowestMs);
      return [ms, ms];
    }
    const [from, to, more] = this.items();
    if (from === undefined || to === undefined || more !== undefined) {
      this.complain('two times were expected: ["5s", "1m"]');
      return [1000, 1000];
    }
    return [from.duration(lowestMs), to.duration(lowestMs)];
  }

  template(names: readonly string[]): Template {
    try {
      return parseTemplate(this.text(), names);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.complain(error.message);
      return { texts: [''], places: [] };
    }
  }

  #below(name: string, { node }: Member): Place {
    return new Place(node, this.#pathOf(name), this.#complain);
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `1.5h`; null: the text is no time. */
export function durationMs(text: string): number | null {
  const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * UNITS_MS[parts[2]];
}
