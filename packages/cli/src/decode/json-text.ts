/** Levels beyond this one are not shown: what nests deeper is made to break programs. */
const DEEPEST = 100;

/** A value that its format gave a number as its meaning (a tag of CBOR, an extension of MessagePack). */
export class TaggedValue {
  readonly tag: number;
  readonly value: unknown;

  constructor(tag: number, value: unknown) {
    this.tag = tag;
    this.value = value;
  }
}

/**
 * A decoded value as JSON text for people, `{"a": 1, "b": [2, 3]}`, on one line unless `indent` is above 0. What JSON does
 * not know: bytes are hexadecimal texts that begin with 0x, times are texts of ISO 8601, bigints are numbers, what is no
 * number is a text ("NaN"), keys of maps are texts, what is absent is null.
 */
export function jsonText(value: unknown, indent = 0): string {
  return valueText(value, indent, 0);
}

/** A text in quotes, with every character escaped that JSON has to escape, or that a terminal takes as a command. */
export function jsonString(text: string): string {
  return JSON.stringify(text).replace(TERMINAL_CONTROLS, escaped);
}

/** A text of strangers as one line that a terminal shows and does not obey. */
export function visible(text: string): string {
  return text.replace(CONTROLS, escaped);
}

// What JSON leaves as it is though terminals obey it: DEL, the C1 controls; and what is a line end to some.
const TERMINAL_CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What stands between two members, and before the first and behind the last, at a depth. */
export function separators(indent: number, depth: number): { begin: string; between: string; end: string } {
  if (indent === 0) return { begin: '', between: ', ', end: '' };
  const line = (levels: number) => `\n${' '.repeat(indent * Math.min(levels, DEEPEST))}`;
  return { begin: line(depth + 1), between: `,${line(depth + 1)}`, end: line(depth) };
}

function valueText(value: unknown, indent: number, depth: number): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value, indent, depth);
    default:
      return 'null';
  }
}

function objectText(value: object, indent: number, depth: number): string {
  if (value instanceof Uint8Array)
    return `"0x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}"`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '"no date"' : `"${value.toISOString()}"`;
  if (depth >= DEEPEST) return '"..."';
  if (Array.isArray(value)) {
    return enclosed(
      '[',
      value.map((item) => valueText(item, indent, depth + 1)),
      ']',
      indent,
      depth,
    );
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const members = entries.map(([key, item]) => `${keyText(key)}: ${valueText(item, indent, depth + 1)}`);
  return enclosed('{', members, '}', indent, depth);
}

function keyText(key: unknown): string {
  return jsonString(typeof key === 'string' ? key : valueText(key, 0, DEEPEST - 1).replace(/^"(.*)"$/s, '$1'));
}

function enclosed(opening: string, members: readonly string[], closing: string, indent: number, depth: number): string {
  if (members.length === 0) return opening + closing;
  const { begin, between, end } = separators(indent, depth);
  return opening + begin + members.join(between) + end + closing;
}
