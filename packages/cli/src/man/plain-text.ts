import type { Block, Page } from './page.js';

const WIDTH = 79;
const INDENT = '    ';

/** A page for where there is no `man`. */
export function plainTextOf({ sections }: Page): string {
  return sections
    .map(({ heading, blocks }) => `${heading.toUpperCase()}\n${blocks.map(blockText).join('')}`)
    .join('\n');
}

function blockText(block: Block, at: number): string {
  switch (block.kind) {
    case 'paragraph':
      return `${at === 0 ? '' : '\n'}${filled(block.text, INDENT)}`;
    case 'literal':
      return `${at === 0 ? '' : '\n'}${block.lines.map((line) => `${INDENT}${line}`.trimEnd()).join('\n')}\n`;
    case 'subheading':
      return `${at === 0 ? '' : '\n'}  ${block.text}\n`;
    case 'entry':
      return `${INDENT}${block.term.map(({ text }) => text).join('')}\n${filled(block.text, `${INDENT}${INDENT}`)}`;
  }
}

function filled(text: string, indent: string): string {
  let lines = '';
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines += `${indent}${line}\n`;
      line = word;
    } else line += line === '' ? word : ` ${word}`;
  }
  return `${lines}${indent}${line}\n`;
}
