import { saslprep } from '@mongodb-js/saslprep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { saslPrepared } from './saslprep.js';

/** What another program makes of it. */
function expected(text: string): string | null {
  try {
    return saslprep(text, { allowUnassigned: true });
  } catch {
    return null;
  }
}

/** Where the two do not agree, at most a few: below `end`, and where planes and blocks of tags begin and end. */
function differences(end: number, textOf: (character: string) => string): string[] {
  const found: string[] = [];
  for (let codePoint = 0; codePoint <= 0x10_ffff && found.length < 5; codePoint++) {
    if (codePoint === end) codePoint = 0xe_0000;
    if (codePoint === 0xe_0100) codePoint = 0xe_fff0;
    if (codePoint === 0xf_0010) codePoint = 0x10_fff0;
    const text = textOf(String.fromCodePoint(codePoint));
    if (saslPrepared(text) !== expected(text)) found.push(codePoint.toString(16));
  }
  return found;
}

describe('SASLprep', () => {
  it('has the examples of RFC 4013', () => {
    expect(saslPrepared('I\u00adX')).toBe('IX');
    expect(saslPrepared('user')).toBe('user');
    expect(saslPrepared('USER')).toBe('USER');
    expect(saslPrepared('\u00aa')).toBe('a');
    expect(saslPrepared('\u2168')).toBe('IX');
    expect(saslPrepared('\u0007')).toBeNull();
    expect(saslPrepared('\u0627\u0031')).toBeNull();
  });

  it('leaves nothing of what is not seen, which is not allowed', () => {
    expect(saslPrepared('\u00ad\ufeff')).toBeNull();
  });

  it('does with every code point what another program does', () => {
    expect(differences(0x3_0000, (character) => `a${character}`)).toEqual([]);
  });

  it('knows the direction of each, between letters from right to left', () => {
    expect(differences(0x2_0000, (character) => `\u0627${character}\u0627`)).toEqual([]);
    expect(differences(0x1_0000, (character) => `${character}\u0661\u0627`)).toEqual([]);
  });

  it('does not take the last two code points of plane 15, which are no characters', () => {
    expect(saslPrepared('a\u{ffffe}')).toBeNull();
    expect(saslPrepared('a\u{fffff}')).toBeNull();
  });

  it('does with any text what another program does', () => {
    const special = fc.constantFrom(
      ...[
        '\u0627',
        '\u05d0',
        '\u0661',
        'a',
        '\u00c5',
        '1',
        ' ',
        '\u00a0',
        '\u200b',
        '\u00ad',
        '\u0300',
        '\ufdfa',
        '\u1100',
      ],
    );
    const unit = fc.oneof(
      special,
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.integer({ min: 0xd7f0, max: 0xe010 }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 8 }), (text) => {
        fc.pre(!/[\u{ffffe}\u{fffff}]/u.test(text)); // the table of the other one lacks them
        expect(saslPrepared(text)).toBe(expected(text));
      }),
      { numRuns: 10_000 },
    );
  });
});
