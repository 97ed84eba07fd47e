import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.js';

function split(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter();
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  const last = splitter.end();
  return [...lines, ...(last === null ? [] : [last])].map((line) => Buffer.from(line).toString('latin1'));
}

describe('LineSplitter', () => {
  it('keeps empty lines, and takes a last line without an end', () => {
    expect(split([Buffer.from('one\n\nthree\r\nlast')])).toEqual(['one', '', 'three\r', 'last']);
    expect(split([Buffer.from('one\n')])).toEqual(['one']);
    expect(split([])).toEqual([]);
  });

  it('gives the same lines wherever the input is cut', () => {
    const input = fc.array(fc.constantFrom('a', 'b', '\n', 'ü'), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(input, fc.array(fc.nat(60), { maxLength: 6 }), (text, cuts) => {
        const bytes = Buffer.from(text);
        const places = [0, ...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((place, i) => bytes.subarray(places[i], place));
        expect(split(chunks)).toEqual(split([bytes]));
      }),
    );
  });
});
