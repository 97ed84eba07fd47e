export interface JsonToken {
  readonly kind: 'opening' | 'closing' | 'comma' | 'colon' | 'text' | 'number' | 'word';
  readonly start: number;
  /** Behind its last character. */
  readonly end: number;
}

const KINDS: Readonly<Record<string, JsonToken['kind']>> = {
  '{': 'opening',
  '[': 'opening',
  '}': 'closing',
  ']': 'closing',
  ',': 'comma',
  ':': 'colon',
  '"': 'text',
  t: 'word',
  f: 'word',
  n: 'word',
};
const SPACE = /[ \t\n\r]*/y;
const NUMBER_OR_WORD = /[\w.+-]+/y;

/** Cuts JSON, which has to be correct, into its tokens: for changes that leave the rest as it was written. */
export function* jsonTokens(json: string): Generator<JsonToken> {
  for (let start = endOf(SPACE, json, 0); start < json.length; ) {
    const kind = KINDS[json[start]] ?? 'number';
    const isLong = kind === 'number' || kind === 'word';
    const end = kind === 'text' ? endOfText(json, start) : isLong ? endOf(NUMBER_OR_WORD, json, start) : start + 1;
    yield { kind, start, end };
    start = endOf(SPACE, json, end);
  }
}

function endOf(pattern: RegExp, json: string, from: number): number {
  pattern.lastIndex = from;
  pattern.test(json);
  return pattern.lastIndex;
}

const BACKSLASH = 0x5c;

/** A pattern would need memory for each character of a long text. */
function endOfText(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); ; quote = json.indexOf('"', quote + 1)) {
    let before = quote;
    while (json.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
}
