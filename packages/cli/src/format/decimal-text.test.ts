import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedText, jsonNumberText } from './decimal-text.js';

describe('a number with so many decimals', () => {
  it.each([
    [0, 6, '0.000000'],
    [-0, 1, '-0.0'],
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.5, 0, '2'],
    [-2.675, 2, '-2.67'],
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [1e22, 0, '10000000000000000000000'],
    [2 ** 70, 1, '1180591620717411303424.0'],
    [5e-324, 3, '0.000'],
    [0.1, 25, '0.1000000000000000055511151'],
    [Number.POSITIVE_INFINITY, 2, 'inf'],
    [Number.NEGATIVE_INFINITY, 2, '-inf'],
    [Number.NaN, 2, 'nan'],
  ])('%s with %i is %s', (value, digits, expected) => {
    expect(fixedText(value, digits)).toBe(expected);
  });

  it('is near the number, whatever it is', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e15, max: 1e15 }), fc.nat(20), (value, digits) => {
        expect(Math.abs(Number(fixedText(value, digits)) - value)).toBeLessThanOrEqual(0.5000001 * 10 ** -digits);
      }),
    );
  });
});

describe('a number in JSON', () => {
  it.each([
    [1, '1'],
    [-0, '0'],
    [1.5, '1.5'],
    [0.1, '0.1'],
    [1 / 3, '0.33333333333333331'],
    [2 ** 31, '2147483648'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e15, '1e+15'],
    [1e14, '100000000000000'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [Number.POSITIVE_INFINITY, 'null'],
  ])('%s is %s', (value, expected) => {
    expect(jsonNumberText(value)).toBe(expected);
  });

  it('is the number again', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const again = Number(jsonNumberText(value));
        expect(Math.abs(again - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -52);
      }),
    );
  });
});
