import type { Block, Page, Word } from './page.js';

/** A page in the man macros of roff, which groff and mandoc know. @param version of the product */
export function roffOf({ title, sections }: Page, version: string): string {
  const name = title.toUpperCase().replaceAll('-', '\\-');
  // No hyphens within words, and no blanks that are stretched: options are to be read, and copied.
  const lines = [`.TH ${name} 1 "" "Cauldron ${version}" "Cauldron"`, '.nh', '.ad l'];
  for (const { heading, blocks } of sections) {
    lines.push(`.SH ${heading.toUpperCase()}`);
    for (const [at, block] of blocks.entries()) lines.push(...blockLines(block, at === 0));
  }
  return `${lines.join('\n')}\n`;
}

function blockLines(block: Block, isFirst: boolean): string[] {
  switch (block.kind) {
    case 'paragraph':
      return [...(isFirst ? [] : ['.PP']), textLine(block.text)];
    case 'literal':
      return [...(isFirst ? [] : ['.PP']), '.nf', ...block.lines.map((line) => textLine(line) || '\\&'), '.fi'];
    case 'subheading':
      return [`.SS ${textLine(block.text)}`];
    case 'entry':
      return ['.TP', block.term.map(wordText).join(''), textLine(block.text)];
  }
}

function wordText({ text, style }: Word): string {
  const shown = escaped(text);
  return style === 'plain' ? shown : `\\f${style === 'strong' ? 'B' : 'I'}${shown}\\fR`;
}

/** A line that begins with a dot or a quote would be a macro. */
function textLine(text: string): string {
  const shown = escaped(text);
  return /^[.']/.test(shown) ? `\\&${shown}` : shown;
}

/** What roff would show in another way: quotes that curl, dashes that are no hyphen-minus. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(
      /[^ -~]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
