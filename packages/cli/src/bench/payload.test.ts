import { describe, expect, it } from 'vitest';
import { ageUs, HEAD_SIZE, hasMark, payloadSize, sequenceOf, streamOf, writeHead } from './payload.js';

const MARK = 0xdeadbeef;
/** Where the payload begins in its packet. */
const AT = 5;

function payload(stream: number, sequence: number, timeUs: number): Uint8Array {
  const bytes = new Uint8Array(AT + HEAD_SIZE);
  writeHead(bytes, AT, MARK, stream, sequence, timeUs);
  return bytes;
}

describe('a payload', () => {
  it('tells its stream, its number and its age', () => {
    const bytes = payload(70_000, 4_000_000_000, 123_456.7);
    expect([streamOf(bytes, AT), sequenceOf(bytes, AT), ageUs(bytes, AT, 123_460.2)]).toEqual([
      70_000, 4_000_000_000, 4,
    ]);
  });

  it('tells its age although the clock has gone around', () => {
    expect(ageUs(payload(0, 0, 2 ** 32 - 10), AT, 2 ** 32 + 5)).toBe(15);
  });

  it('is known by its mark', () => {
    const bytes = payload(1, 2, 3);
    expect(hasMark(bytes, AT, bytes.length, MARK)).toBe(true);
    expect(hasMark(bytes, AT, bytes.length, MARK - 1)).toBe(false);
    expect(hasMark(bytes, AT, bytes.length - 1, MARK)).toBe(false);
  });

  it('has the same size whoever asks, anywhere in its range', () => {
    const range = { smallest: 20, largest: 4_096 };
    const sizes = Array.from({ length: 10_000 }, (_, n) => payloadSize(range, n % 7, n));
    expect(sizes).toEqual(sizes.map((_, n) => payloadSize(range, n % 7, n)));
    expect(Math.min(...sizes)).toBeLessThan(30);
    expect(Math.max(...sizes)).toBeGreaterThan(4_086);
    expect(sizes.every((size) => size >= 20 && size <= 4_096)).toBe(true);
    const mean = sizes.reduce((sum, size) => sum + size) / sizes.length;
    expect(Math.abs(mean - 2_058)).toBeLessThan(60);
  });
});
