/** A value of a text, and the line where it begins: for messages to whoever wrote it. */
export type Node = { readonly line: number } & (
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Member> }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null'; readonly value: null }
);

export interface Member {
  /** Of the name. */
  readonly line: number;
  readonly node: Node;
}

/** The text is no JSON. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const WORD = /[A-Za-z]+/y;
/** Blanks, and comments of both kinds. */
const GAP = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
/** Nobody writes deeper ones. */
const DEEPEST = 100;

/**
 * Reads JSON (RFC 8259) with two things that people like to write: comments, `//` to the end of the line and between
 * slashes and stars, and a comma behind the last member.
 * @throws JsonSyntaxError
 */
export function parseCommentedJson(text: string): Node {
  return new Parser(text).whole();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\ufeff/, '');
  }

  whole(): Node {
    this.#skipGap();
    const node = this.#value(0);
    this.#skipGap();
    if (this.#at < this.#text.length) throw this.#problem(`${this.#shownHere()} stands behind the end`);
    return node;
  }

  #value(depth: number): Node {
    if (depth > DEEPEST) throw this.#problem('it is nested too deeply');
    const line = this.#line();
    const first = this.#text[this.#at];
    if (first === '{') return { kind: 'object', line, members: this.#members(depth) };
    if (first === '[') return { kind: 'array', line, items: this.#items(depth) };
    if (first === '"') return { kind: 'string', line, value: this.#string() };
    if (first === '-' || (first >= '0' && first <= '9')) return { kind: 'number', line, value: this.#number() };
    const word = this.#match(WORD);
    if (word === 'true' || word === 'false') return { kind: 'boolean', line, value: word === 'true' };
    if (word === 'null') return { kind: 'null', line, value: null };
    if (word !== null) throw new JsonSyntaxError(line, `a text has quotes around it: "${word}"`);
    throw this.#problem(`a value was expected, not ${this.#shownHere()}`);
  }

  #members(depth: number): Map<string, Member> {
    const members = new Map<string, Member>();
    this.#list('}', () => {
      const line = this.#line();
      if (this.#text[this.#at] !== '"') throw this.#problem(`a name in quotes was expected, not ${this.#shownHere()}`);
      const name = this.#string();
      if (members.has(name)) throw new JsonSyntaxError(line, `"${name}" stands there twice`);
      this.#skipGap();
      this.#expect(':', `behind "${name}"`);
      this.#skipGap();
      members.set(name, { line, node: this.#value(depth + 1) });
    });
    return members;
  }

  #items(depth: number): Node[] {
    const items: Node[] = [];
    this.#list(']', () => items.push(this.#value(depth + 1)));
    return items;
  }

  /** From the opening bracket to the closing one. */
  #list(end: string, readOne: () => void): void {
    const begin = this.#line();
    this.#at++;
    for (;;) {
      this.#skipGap();
      if (this.#text[this.#at] === end) break;
      if (this.#at >= this.#text.length) throw this.#problem(`the "${end}" is missing for line ${begin}`);
      readOne();
      this.#skipGap();
      if (this.#text[this.#at] === ',') this.#at++;
      else if (this.#text[this.#at] !== end)
        throw this.#problem(`"," or "${end}" was expected, not ${this.#shownHere()}`);
    }
    this.#at++;
  }

  #string(): string {
    const line = this.#line();
    const text = this.#match(STRING);
    if (text === null) throw new JsonSyntaxError(line, 'a text has no end: the quotes are missing');
    try {
      return JSON.parse(text) as string;
    } catch {
      throw new JsonSyntaxError(line, `${text} has a backslash, or a character, that no text of JSON may have`);
    }
  }

  #number(): number {
    const line = this.#line();
    const text = this.#match(NUMBER);
    if (text === null || /[\w.]/.test(this.#text[this.#at] ?? '')) throw new JsonSyntaxError(line, 'that is no number');
    return Number(text);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    if (text === undefined) return null;
    this.#at += text.length;
    return text;
  }

  #skipGap(): void {
    this.#match(GAP);
  }

  #expect(character: string, where: string): void {
    if (this.#text[this.#at] !== character)
      throw this.#problem(`"${character}" was expected ${where}, not ${this.#shownHere()}`);
    this.#at++;
  }

  #shownHere(): string {
    const rest = this.#text.slice(this.#at, this.#at + 20).split('\n', 1)[0];
    return this.#at >= this.#text.length ? 'the end' : `"${rest}"`;
  }

  #line(): number {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at >= 0 && at < this.#at; at = this.#text.indexOf('\n', at + 1)) line++;
    return line;
  }

  #problem(message: string): JsonSyntaxError {
    return new JsonSyntaxError(this.#line(), message);
  }
}
