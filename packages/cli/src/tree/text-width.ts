// What terminals show in two columns: the scripts of East Asia, and pictures (Unicode Standard Annex 11, roughly).
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NONE = /[\p{M}\u200b-\u200f\u2060\ufeff]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: where nothing but ASCII is, its length is the width
const NARROW_ONLY = /^[\u0000-\u02ff]*$/;

/** Columns that a text without control characters takes on a terminal. */
export function widthOf(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** A text in exactly so many columns: filled up with spaces, or cut with `…` at its end. */
export function fitted(text: string, columns: number): string {
  if (columns <= 0) return '';
  const width = widthOf(text);
  if (width <= columns) return text + ' '.repeat(columns - width);
  let shown = '';
  let used = 0;
  for (const character of text) {
    const next = characterWidth(character);
    if (used + next > columns - 1) break;
    shown += character;
    used += next;
  }
  return `${shown}…${' '.repeat(columns - 1 - used)}`;
}

function characterWidth(character: string): number {
  return NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}
