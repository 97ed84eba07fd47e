import { describe, expect, it } from 'vitest';
import { overview, pageOf, prose } from './page.js';
import { plainTextOf } from './plain-text.js';
import { roffOf } from './roff.js';

const TOOL = {
  summary: "Stirs what is in it.\nDon't burn.",
  usage: '[-f] FILE\n       cauldron stir --all',
  examples: ['', '-f soup'],
  flags: {
    force: { short: '-f', long: '--force', kind: 'switch', doc: 'Stirs hard.' },
    spoon: { long: '--spoon', kind: 'text', value: 'FILE', group: 'general', doc: 'With this one.' },
  },
  notes: 'Kinds:\n  soup   hot\n  .tea   hotter\n\nThat is all: 20 °C.',
} as const;
const STIR = { name: 'pot stir', summary: 'Stir a pot', tool: TOOL, group: null, actions: [] };

describe('the text of a help', () => {
  it('becomes paragraphs that flow, and lines that stay as they are where they are indented', () => {
    expect(prose('One\ntwo.\n\nThree:\n  a  b\n    c\nfour')).toEqual([
      { kind: 'paragraph', text: 'One two.' },
      { kind: 'paragraph', text: 'Three:' },
      { kind: 'literal', lines: ['a  b', '  c'] },
      { kind: 'paragraph', text: 'four' },
    ]);
  });
});

describe('a manual page', () => {
  it('has its parts as plain text', () => {
    expect(plainTextOf(pageOf(STIR))).toBe(`NAME
    cauldron-pot-stir - stir a pot

SYNOPSIS
    cauldron pot stir [-f] FILE
    cauldron stir --all

DESCRIPTION
    Stirs what is in it. Don't burn.

EXAMPLES
    cauldron pot stir
    cauldron pot stir -f soup

OPTIONS
    -f, --force
        Stirs hard.

  General
    --spoon FILE
        With this one.

NOTES
    Kinds:

    soup   hot
    .tea   hotter

    That is all: 20 °C.

SEE ALSO
    cauldron(1), cauldron-pot(1)
`);
  });

  it('is roff in which nothing of the text is taken for a command', () => {
    const roff = roffOf(pageOf(STIR), '1.2.3');
    expect(roff.split('\n')[0]).toBe('.TH CAULDRON\\-POT\\-STIR 1 "" "Cauldron 1.2.3" "Cauldron"');
    expect(roff).toContain('\nStirs what is in it. Don\\(aqt burn.\n');
    expect(roff).toContain('\n.TP\n\\fB\\-f\\fR, \\fB\\-\\-force\\fR\nStirs hard.\n');
    expect(roff).toContain('\n.SS General\n.TP\n\\fB\\-\\-spoon\\fR \\fIFILE\\fR\nWith this one.\n');
    expect(roff).toContain('\n.nf\nsoup   hot\n\\&.tea   hotter\n.fi\n');
    expect(roff).toContain('20 \\[u00B0]C.');
  });

  it('lists the actions of a family, and all commands', () => {
    const group = { about: 'Looks after pots.', examples: ['pot stir'] };
    const family = { name: 'pot', summary: 'Pots', tool: null, group, actions: [{ name: 'stir', summary: 'Stirs' }] };
    const text = plainTextOf(pageOf(family));
    expect(text).toContain('SYNOPSIS\n    cauldron pot ACTION [OPTIONS]\n');
    expect(text).toContain('ACTIONS\n    stir\n        Stirs\n');
    expect(text).toContain('SEE ALSO\n    cauldron(1), cauldron-pot-stir(1)\n');
    expect(plainTextOf(overview([STIR]))).toContain('COMMANDS\n    pot stir\n        Stir a pot\n');
  });
});
