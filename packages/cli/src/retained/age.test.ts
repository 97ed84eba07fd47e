import { describe, expect, it } from 'vitest';
import { payloadTimeMs } from '../decode/payload-times.js';
import { ageMs, ageText } from './age.js';

describe('ageMs', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['4w', 2_419_200_000],
  ])('%s is %i ms', (text, ms) => expect(ageMs(text)).toBe(ms));

  it.each(['', '30', 'd', '1.5d', '-1d', '30 d', '1y'])('%j is none', (text) => {
    expect(() => ageMs(text)).toThrow('such as 30d');
  });
});

describe('ageText', () => {
  it.each([
    [-5_000, '0 s'],
    [1_500, '1 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
    [4e10, '462 d'],
  ])('of %i ms is %s', (ms, text) => expect(ageText(ms)).toBe(text));
});

describe('payloadTimeMs', () => {
  it.each([
    ['{"_type":"location","created_at":1700000009,"tst":1700000000}', 1_700_000_000_000],
    [' {"timestamp":1700000000123}', 1_700_000_000_123],
    ['{"Time":"2023-11-14T22:13:20+00:00"}', 1_700_000_000_000],
    ['{"ts":1700000000.5}', 1_700_000_000_500],
    ['{"time":1700000000000000}', 1_700_000_000_000],
    ['{"tst":7,"time":1700000000}', 1_700_000_000_000],
    ['{"tst":7}', null],
    ['{"time":"2023-11-14T22:13:20"}', null],
    ['{"a":{"tst":1700000000}}', null],
    ['[1700000000]', null],
    ['1700000000', null],
    ['{"tst":1700000000', null],
    ['', null],
  ])('of %s is %s', (payload, ms) => expect(payloadTimeMs(Buffer.from(payload))).toBe(ms));
});
